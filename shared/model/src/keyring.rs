//! The keyring: all credentials that can authenticate a caller.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::credential::{Credential, CredentialStatus, Grant, KeyId, SecretHash, Token};
use crate::ended_sessions::EndedSessions;
use crate::engine::Engine;
use crate::sealing_key::SealingKey;
use crate::time::Timestamp;

/// The most credentials of a keyring. It is one DynamoDB item, which every execution environment reads: with the longest names
/// and two secrets each, it stays under 64 KB.
pub const MAX_CREDENTIALS: usize = 200;

/// The most bytes that the names of the engines of all credentials have together, a credential that is bound to an engine counting
/// its name. So the keyring stays under 64 KB: a hundred credentials of one engine and thirty of 64 engines fit.
pub(crate) const MAX_ENGINE_NAME_BYTES: usize = 24 * 1024;

/// The credentials that are not revoked, by name. One that has expired stays until its place is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    pub(crate) credentials: BTreeMap<KeyId, Credential>,
    /// The names of stored credentials that this version cannot read. They permit nothing and are never changed.
    unreadable: BTreeSet<String>,
    /// None before the first credential.
    sealing_key: Option<SealingKey>,
    ended_sessions: EndedSessions,
}

/// Why a token does not authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// No credential of the keyring has the token's name, or its credential has other secrets.
    #[error("no credential has this token")]
    Unknown,
    /// The credential or the secret has expired.
    #[error("the credential has expired")]
    Expired,
}

impl Keyring {
    /// Creates the keyring of the stored `credentials`, and of the names of those that cannot be read.
    #[must_use]
    pub fn stored(credentials: BTreeMap<KeyId, Credential>, unreadable: BTreeSet<String>) -> Self {
        Self { credentials, unreadable, ..Self::default() }
    }

    /// Returns the keyring with the key that is stored beside the credentials.
    #[must_use]
    pub fn with_sealing_key(self, sealing_key: Option<SealingKey>) -> Self {
        Self { sealing_key, ..self }
    }

    /// Returns the keyring with the sessions of the dashboard that were ended.
    #[must_use]
    pub fn with_ended_sessions(self, ended_sessions: EndedSessions) -> Self {
        Self { ended_sessions, ..self }
    }

    /// Returns the key from which those of cursors, forms and sessions are derived. None before the first credential.
    #[must_use]
    pub const fn sealing_key(&self) -> Option<SealingKey> {
        self.sealing_key
    }

    /// Returns the sessions of the dashboard that were ended; none if only the dashboard knows them.
    #[must_use]
    pub const fn ended_sessions(&self) -> &EndedSessions {
        &self.ended_sessions
    }

    /// Returns every readable credential with its name, in the order of names.
    pub fn all(&self) -> impl Iterator<Item = (&KeyId, &Credential)> {
        self.credentials.iter()
    }

    /// Returns the names of the credentials that cannot be read, in order.
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        self.unreadable.iter().map(String::as_str)
    }

    /// Whether the credential named `kid` cannot be read.
    #[must_use]
    pub fn is_unreadable(&self, kid: &KeyId) -> bool {
        self.unreadable.contains(kid.as_str())
    }

    /// Returns the credential named `kid`.
    #[must_use]
    pub fn get(&self, kid: &KeyId) -> Option<&Credential> {
        self.credentials.get(kid)
    }

    /// Returns the permissions of the bearer of `token` at `now`.
    ///
    /// # Errors
    /// [`AuthError`] if the credential is unknown or has expired, or the secret is not one of its live secrets.
    pub fn authenticate(&self, token: &Token, now: Timestamp) -> Result<&Grant, AuthError> {
        self.authenticate_secret(token.kid(), token.hash(), now)
    }

    /// Returns the permissions of the credential `kid` at `now`, for one who has proved its secret with this hash.
    pub(crate) fn authenticate_secret(
        &self,
        kid: &KeyId,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<&Grant, AuthError> {
        let credential = self.get(kid).ok_or(AuthError::Unknown)?;
        let secret = credential.secrets.iter().find(|secret| secret.hash == hash).ok_or(AuthError::Unknown)?;
        if credential.status_at(now) == CredentialStatus::Live && secret.is_live(now) {
            Ok(&credential.grant)
        } else {
            Err(AuthError::Expired)
        }
    }

    /// Returns since when the credentials show that `engine` is in use, of `engines` engines in all: the earliest creation of one
    /// that is dedicated to it. None if there is none.
    #[must_use]
    pub fn in_use_since(&self, engine: Engine, engines: usize) -> Option<Timestamp> {
        let dedicated = self.credentials.values().filter(|it| it.grant.is_dedicated_to(engine, engines));
        dedicated.map(|credential| credential.created_at).min()
    }

    /// Returns how many bytes the names of the engines of all credentials have.
    pub(crate) fn engine_name_bytes(&self) -> usize {
        let engines = self.credentials.values().flat_map(|credential| &credential.grant.engines);
        engines.map(|engine| engine.as_str().len()).sum()
    }

    /// Returns the admins that are live at `now`.
    pub(crate) fn live_admins(&self, now: Timestamp) -> impl Iterator<Item = (&KeyId, &Credential)> {
        self.credentials.iter().filter(move |(_, credential)| credential.is_live_admin(now))
    }

    /// Makes space for one more credential: the one that expired first gives its place. Returns false if all are live.
    pub(crate) fn make_space(&mut self, now: Timestamp) -> bool {
        while self.credentials.len() + self.unreadable.len() >= MAX_CREDENTIALS {
            let expired = self.credentials.iter().filter(|(_, it)| it.status_at(now) == CredentialStatus::Expired);
            let first = expired.min_by_key(|(_, it)| it.expires_at()).map(|(kid, _)| kid.clone());
            let Some(first) = first else { return false };
            self.credentials.remove(&first);
        }
        true
    }
}
