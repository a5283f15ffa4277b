//! The keyring: all credentials, and the rules by which they are created, authenticated, rotated and revoked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use thiserror::Error;

use crate::credential::{Credential, CredentialStatus, Grant, KeyId, Revocation, Role, Secret, SecretHash, Token};
use crate::ended_sessions::EndedSessions;
use crate::engine::Engine;
use crate::sealing_key::SealingKey;
use crate::time::Timestamp;

/// The most live credentials. All credentials are in one DynamoDB item, which may have 400 KB and which every execution
/// environment reads. A live credential takes up to 710 bytes, an expired or revoked one up to 360.
const MAX_LIVE: usize = 200;

/// The most expired and revoked credentials that are remembered, so that their names are not used again.
const MAX_ENDED: usize = 700;

/// All credentials by name, including expired and revoked ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Keyring {
    credentials: BTreeMap<KeyId, Credential>,
    /// The names of stored credentials that this version cannot read. They permit nothing and are never changed.
    #[serde(skip)]
    unreadable: BTreeSet<String>,
    /// None before the first credential.
    #[serde(skip)]
    sealing_key: Option<SealingKey>,
    #[serde(skip)]
    ended_sessions: EndedSessions,
}

/// Why a token does not authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// No credential has the token's name, or its credential has other secrets.
    #[error("unknown credential or wrong secret")]
    Unknown,
    /// The credential or the secret has expired.
    #[error("the credential has expired")]
    Expired,
    /// The credential was revoked.
    #[error("the credential was revoked")]
    Revoked,
}

/// Why a change of the keyring is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// No credential has this name.
    #[error("no credential is named {0}")]
    Unknown(KeyId),
    /// The stored credential cannot be read by this version.
    #[error(
        "the credential {0} is stored in a form that this version of AGE cannot read; change it with a later version"
    )]
    Unreadable(KeyId),
    /// A credential has or had this name.
    #[error(
        "a credential named {0} exists or existed; choose another name, or rotate it with overlapSeconds 0 if its token was lost"
    )]
    Taken(KeyId),
    /// The credential was revoked.
    #[error("the credential {0} is revoked; create another one")]
    Revoked(KeyId),
    /// The credential has expired.
    #[error("the credential {0} has expired; rotate it with a new expiresAt to renew it")]
    Expired(KeyId),
    /// The credential has two secrets already.
    #[error(
        "the credential {0} has two secrets until {1}; rotate it after that, or with overlapSeconds 0 to end both now"
    )]
    TwoSecrets(KeyId, Timestamp),
    /// Without this admin, nobody could manage credentials, now or after the others have expired.
    #[error("no admin that does not expire would remain without {0}; create another admin without expiresAt first")]
    LastAdmin(KeyId),
    /// The keyring has the most live credentials already.
    #[error("at most {MAX_LIVE} credentials may be live; revoke one first")]
    Full,
}

/// How a new secret replaces the old one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How long the old secret stays valid, in seconds. It ends no later than its credential would have without the rotation.
    pub overlap_seconds: i64,
    /// The new expiry of the credential, in the future. None: the expiry stays.
    pub expires_at: Option<Timestamp>,
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

    /// Returns the credential named `kid`.
    #[must_use]
    pub fn get(&self, kid: &KeyId) -> Option<&Credential> {
        self.credentials.get(kid)
    }

    /// Returns the permissions of the bearer of `token` at `now`.
    ///
    /// # Errors
    /// [`AuthError`] if the credential is unknown, expired or revoked, or the secret is not one of its live secrets.
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
        let status = credential.status_at(now);
        // A revoked credential has no secrets left.
        if status == CredentialStatus::Revoked {
            return Err(AuthError::Revoked);
        }
        let secret = credential.secrets.iter().find(|secret| secret.hash == hash).ok_or(AuthError::Unknown)?;
        if status == CredentialStatus::Live && secret.is_live(now) {
            Ok(&credential.grant)
        } else {
            Err(AuthError::Expired)
        }
    }

    /// Returns since when the credentials show that `engine` is in use: the earliest creation of one that is dedicated to it
    /// and not revoked. None if there is none.
    #[must_use]
    pub fn in_use_since(&self, engine: Engine) -> Option<Timestamp> {
        let credentials = self.credentials.values().filter(|credential| credential.revoked.is_none());
        let dedicated = credentials.filter(|credential| credential.grant.is_dedicated_to(engine));
        dedicated.map(|credential| credential.created_at).min()
    }

    /// Adds the credential that `token` proves. A credential that `token` proves already was added by an earlier attempt and
    /// stays as it is.
    ///
    /// # Errors
    /// [`KeyringError`] if the name is or was used, or the most credentials are live already.
    pub fn create(
        &mut self,
        token: &Token,
        grant: Grant,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<&Credential, KeyringError> {
        let kid = token.kid();
        if self.unreadable.contains(kid.as_str()) {
            return Err(KeyringError::Taken(kid.clone()));
        }
        if self.credentials.get(kid).is_some_and(|credential| !credential.is_newest(token)) {
            return Err(KeyringError::Taken(kid.clone()));
        }
        let live = self.credentials.values().filter(|credential| credential.status_at(now) == CredentialStatus::Live);
        if live.count() + self.unreadable.len() >= MAX_LIVE {
            return Err(KeyringError::Full);
        }
        self.remove_oldest_ended(now);
        let secrets = vec![Secret::new(token.hash(), by, now)];
        let credential = Credential { grant, secrets, created_at: now, created_by: by.cloned(), revoked: None };
        Ok(self.credentials.entry(kid.clone()).or_insert(credential))
    }

    /// Adds the secret of `token` to its credential, and renews the credential if the rotation says so. A secret that is already
    /// the newest was added by an earlier attempt and stays as it is.
    ///
    /// # Errors
    /// [`KeyringError`] if no credential has the name, it was revoked, it has expired and is not renewed, it has two secrets and
    /// the overlap is not 0, or it is the last admin that does not expire and would expire.
    pub fn rotate(
        &mut self,
        token: &Token,
        rotation: Rotation,
        by: &KeyId,
        now: Timestamp,
    ) -> Result<&Credential, KeyringError> {
        let kid = token.kid();
        self.stored_credential(kid)?;
        let current = self.get(kid).ok_or_else(|| KeyringError::Unknown(kid.clone()))?;
        let (is_renewed, is_repeated) = (rotation.expires_at.is_some(), current.is_newest(token));
        match current.status_at(now) {
            CredentialStatus::Revoked => return Err(KeyringError::Revoked(kid.clone())),
            CredentialStatus::Expired if !is_renewed => return Err(KeyringError::Expired(kid.clone())),
            CredentialStatus::Expired => self.require_space(now)?,
            CredentialStatus::Live if is_renewed && !is_repeated && current.expires_at().is_none() => {
                self.require_lasting_admin_besides(kid, now)?;
            }
            CredentialStatus::Live | CredentialStatus::Unknown(_) => {}
        }
        let credential = self.stored_credential(kid)?;
        if !is_repeated {
            credential.rotate(token, rotation, by, now)?;
        }
        Ok(credential)
    }

    /// Revokes the credential named `kid`. A revoked credential stays as it is.
    ///
    /// # Errors
    /// [`KeyringError`] if no credential has the name, or no admin that does not expire would remain.
    pub fn revoke(&mut self, kid: &KeyId, by: &KeyId, now: Timestamp) -> Result<&Credential, KeyringError> {
        self.require_lasting_admin_besides(kid, now)?;
        let credential = self.stored_credential(kid)?;
        credential.revoked.get_or_insert_with(|| Revocation { at: now, by: by.clone() });
        credential.secrets.clear();
        Ok(credential)
    }

    /// Removes the oldest expired and revoked credentials if there are more than [`MAX_ENDED`].
    fn remove_oldest_ended(&mut self, now: Timestamp) {
        let has_ended = |credential: &Credential| credential.status_at(now) != CredentialStatus::Live;
        while self.credentials.values().filter(|credential| has_ended(credential)).count() > MAX_ENDED {
            let oldest = self.credentials.iter().filter(|(_, it)| has_ended(it)).min_by_key(|(_, it)| it.created_at);
            let Some(oldest) = oldest.map(|(kid, _)| kid.clone()) else { return };
            self.credentials.remove(&oldest);
        }
    }

    /// Requires that fewer than the most credentials are live.
    fn require_space(&self, now: Timestamp) -> Result<(), KeyringError> {
        let live = self.credentials.values().filter(|credential| credential.status_at(now) == CredentialStatus::Live);
        if live.count() + self.unreadable.len() < MAX_LIVE { Ok(()) } else { Err(KeyringError::Full) }
    }

    /// Requires that a live admin that does not expire remains without `kid`, if `kid` is a live admin.
    fn require_lasting_admin_besides(&self, kid: &KeyId, now: Timestamp) -> Result<(), KeyringError> {
        let is_lasting = |admin: &Credential| admin.expires_at().is_none();
        let others = || self.credentials.iter().filter(|(name, other)| *name != kid && other.is_live_admin(now));
        match self.get(kid).filter(|credential| credential.is_live_admin(now)) {
            Some(_) if !others().any(|(_, other)| is_lasting(other)) => Err(KeyringError::LastAdmin(kid.clone())),
            _ => Ok(()),
        }
    }

    fn stored_credential(&mut self, kid: &KeyId) -> Result<&mut Credential, KeyringError> {
        if self.unreadable.contains(kid.as_str()) {
            return Err(KeyringError::Unreadable(kid.clone()));
        }
        self.credentials.get_mut(kid).ok_or_else(|| KeyringError::Unknown(kid.clone()))
    }
}

impl Credential {
    /// Whether the newest secret is that of `token`.
    fn is_newest(&self, token: &Token) -> bool {
        self.secrets.first().is_some_and(|secret| secret.hash == token.hash())
    }

    fn is_live_admin(&self, now: Timestamp) -> bool {
        let is_live = self.status_at(now) == CredentialStatus::Live;
        self.grant.role == Role::Admin && self.grant.is_understood() && is_live
    }

    fn rotate(&mut self, token: &Token, rotation: Rotation, by: &KeyId, now: Timestamp) -> Result<(), KeyringError> {
        let overlap_end = now.plus_seconds(rotation.overlap_seconds);
        // INVARIANT: a renewal does not prolong an old secret. It ends when the credential would have expired, or earlier.
        let end = self.expires_at().map_or(overlap_end, |expires_at| expires_at.min(overlap_end));
        let mut secrets: Vec<Secret> = self.secrets.iter().filter(|secret| secret.is_live(now)).cloned().collect();
        if let [_, older] = secrets.as_slice()
            && end > now
        {
            return Err(KeyringError::TwoSecrets(token.kid().clone(), older.expires_at.unwrap_or(now)));
        }
        for secret in &mut secrets {
            secret.expires_at = Some(secret.expires_at.map_or(end, |expires_at| expires_at.min(end)));
        }
        secrets.retain(|secret| secret.is_live(now));
        secrets.insert(0, Secret::new(token.hash(), Some(by), now));
        self.secrets = secrets;
        self.grant.expires_at = rotation.expires_at.or(self.grant.expires_at);
        Ok(())
    }
}

impl Secret {
    fn new(hash: SecretHash, by: Option<&KeyId>, now: Timestamp) -> Self {
        Self { hash, created_at: now, created_by: by.cloned(), expires_at: None }
    }

    /// Whether the secret is valid at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, ManualClock};

    /// A keyring with one admin, which makes all changes.
    struct World {
        keyring: Keyring,
        clock: ManualClock,
        admin: Token,
    }

    fn kid(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    fn grant(role: Role) -> Grant {
        let engines = if role == Role::Engine { BTreeSet::from([Engine::Billing]) } else { BTreeSet::new() };
        Grant { role, engines, expires_at: None }
    }

    impl World {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            let admin = Token::fresh(kid("the-admin"), &clock).unwrap();
            let mut keyring = Keyring::default();
            keyring.create(&admin, grant(Role::Admin), None, clock.now()).unwrap();
            Self { keyring, clock, admin }
        }

        fn create(&mut self, name: &str, grant: Grant) -> Result<Token, KeyringError> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.keyring.create(&token, grant, Some(self.admin.kid()), self.clock.now())?;
            Ok(token)
        }

        fn rotate(&mut self, name: &str, overlap: i64) -> Result<Token, KeyringError> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.renew(&token, overlap, None)?;
            Ok(token)
        }

        fn renew(
            &mut self,
            token: &Token,
            overlap_seconds: i64,
            expires_at: Option<Timestamp>,
        ) -> Result<(), KeyringError> {
            let rotation = Rotation { overlap_seconds, expires_at };
            self.keyring.rotate(token, rotation, self.admin.kid(), self.clock.now()).map(drop)
        }

        fn authenticate(&self, token: &Token) -> Result<Role, AuthError> {
            self.keyring.authenticate(token, self.clock.now()).map(|grant| grant.role)
        }
    }

    #[test]
    fn token_with_another_secret_or_name_is_unknown() {
        let mut world = World::new();
        let token = world.create("worker", grant(Role::Engine)).unwrap();
        assert_eq!(world.authenticate(&token), Ok(Role::Engine));
        let guessed = Token::fresh(kid("worker"), &world.clock).unwrap();
        let nobody = Token::fresh(kid("nobody"), &world.clock).unwrap();
        assert_eq!(
            (world.authenticate(&guessed), world.authenticate(&nobody)),
            (Err(AuthError::Unknown), Err(AuthError::Unknown))
        );
        let of_another: Token = world.admin.reveal().replace("the-admin", "worker").parse().unwrap();
        assert_eq!(world.authenticate(&of_another), Err(AuthError::Unknown));
    }

    #[test]
    fn credential_expires_at_its_time() {
        let mut world = World::new();
        let until = Some(world.clock.now().plus_seconds(60));
        let token = world.create("worker", Grant { expires_at: until, ..grant(Role::Reader) }).unwrap();
        world.clock.advance(59);
        assert_eq!(world.authenticate(&token), Ok(Role::Reader));
        world.clock.advance(1);
        assert_eq!(world.authenticate(&token), Err(AuthError::Expired));
        assert_eq!(world.rotate("worker", 0), Err(KeyringError::Expired(kid("worker"))));
        let guessed = Token::fresh(kid("worker"), &world.clock).unwrap();
        assert_eq!(world.authenticate(&guessed), Err(AuthError::Unknown), "the expiry is told to its bearer only");
    }

    #[test]
    fn rotation_overlaps_two_secrets_and_refuses_a_third() {
        let mut world = World::new();
        let first = world.create("worker", grant(Role::Reader)).unwrap();
        let second = world.rotate("worker", 3600).unwrap();
        assert_eq!((world.authenticate(&first), world.authenticate(&second)), (Ok(Role::Reader), Ok(Role::Reader)));
        assert!(matches!(world.rotate("worker", 60), Err(KeyringError::TwoSecrets(..))));
        world.clock.advance(3600);
        assert_eq!(
            (world.authenticate(&first), world.authenticate(&second)),
            (Err(AuthError::Expired), Ok(Role::Reader))
        );
        let third = world.rotate("worker", 60).unwrap();
        let fourth = world.rotate("worker", 0).unwrap();
        let results = [first, second, third, fourth].map(|token| world.authenticate(&token));
        assert_eq!(
            results,
            [Err(AuthError::Unknown), Err(AuthError::Unknown), Err(AuthError::Unknown), Ok(Role::Reader)],
            "a rotation removes expired secrets"
        );
    }

    #[test]
    fn name_of_a_revoked_credential_is_not_reused() {
        let mut world = World::new();
        let token = world.create("worker", grant(Role::Reader)).unwrap();
        assert_eq!(world.create("worker", grant(Role::Admin)), Err(KeyringError::Taken(kid("worker"))));
        world.keyring.revoke(&kid("worker"), world.admin.kid(), world.clock.now()).unwrap();
        assert_eq!(world.create("worker", grant(Role::Admin)), Err(KeyringError::Taken(kid("worker"))));
        assert_eq!(world.authenticate(&token), Err(AuthError::Revoked));
        assert_eq!(world.rotate("worker", 0), Err(KeyringError::Revoked(kid("worker"))));
    }

    #[test]
    fn last_live_admin_cannot_be_revoked() {
        let mut world = World::new();
        let (admin, now) = (kid("the-admin"), world.clock.now());
        assert_eq!(world.keyring.revoke(&admin, &admin, now), Err(KeyringError::LastAdmin(admin.clone())));
        let until = Some(now.plus_seconds(60));
        world.create("second", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        world.clock.advance(60);
        let later = world.clock.now();
        assert!(world.keyring.revoke(&admin, &admin, later).is_err(), "an expired admin does not count");
        world.create("third", grant(Role::Admin)).unwrap();
        let revoked = world.keyring.revoke(&admin, &kid("third"), later).unwrap().revoked.clone();
        assert_eq!(revoked, Some(Revocation { at: later, by: kid("third") }));
        world.clock.advance(60);
        let again = world.keyring.revoke(&admin, &kid("second"), world.clock.now()).unwrap().revoked.clone();
        assert_eq!(again, revoked, "the first revocation stays");
        let nobody = kid("nobody");
        assert_eq!(world.keyring.revoke(&nobody, &admin, later), Err(KeyringError::Unknown(nobody)));
    }

    #[test]
    fn last_admin_that_does_not_expire_stays_so() {
        let mut world = World::new();
        let (admin, now) = (kid("the-admin"), world.clock.now());
        let until = Some(now.plus_days(1));
        world.create("guest", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        let last = Err(KeyringError::LastAdmin(admin.clone()));
        assert_eq!(world.keyring.revoke(&admin, &kid("guest"), now).cloned(), last, "the other admin expires tomorrow");
        let token = Token::fresh(admin.clone(), &world.clock).unwrap();
        assert_eq!(world.renew(&token, 0, until), Err(KeyringError::LastAdmin(admin.clone())));
        assert_eq!(world.keyring.get(&admin).unwrap().expires_at(), None);
        assert_eq!(world.renew(&token, 0, None), Ok(()), "its secret may be rotated");
        world.keyring.revoke(&kid("guest"), &admin, now).unwrap();

        world.create("second", grant(Role::Admin)).unwrap();
        let token = Token::fresh(admin.clone(), &world.clock).unwrap();
        assert_eq!(world.renew(&token, 0, until), Ok(()), "another admin does not expire");
        assert_eq!(
            world.keyring.revoke(&kid("second"), &admin, now).cloned(),
            Err(KeyringError::LastAdmin(kid("second")))
        );
        world.keyring.revoke(&admin, &kid("second"), now).unwrap();
    }

    #[test]
    fn expired_credential_is_renewed_and_its_old_secret_stays_refused() {
        let mut world = World::new();
        let (start, hour) = (world.clock.now(), 3600);
        let until = |hours: i64| Some(start.plus_seconds(hours * hour));
        let first = world.create("worker", Grant { expires_at: until(2), ..grant(Role::Engine) }).unwrap();
        world.clock.advance(hour);
        let second = Token::fresh(kid("worker"), &world.clock).unwrap();
        world.renew(&second, 24 * hour, until(4)).unwrap();
        assert_eq!((world.authenticate(&first), world.authenticate(&second)), (Ok(Role::Engine), Ok(Role::Engine)));
        world.clock.advance(hour);
        assert_eq!(world.authenticate(&first), Err(AuthError::Expired), "the overlap ends when it would have expired");
        world.clock.advance(2 * hour);
        assert_eq!(world.authenticate(&second), Err(AuthError::Expired));
        let third = Token::fresh(kid("worker"), &world.clock).unwrap();
        world.renew(&third, hour, until(8)).unwrap();
        let results = [first, second, third].map(|token| world.authenticate(&token));
        assert_eq!(results, [Err(AuthError::Unknown), Err(AuthError::Unknown), Ok(Role::Engine)]);
        assert_eq!(world.keyring.get(&kid("worker")).unwrap().expires_at(), until(8));
    }

    #[test]
    fn renewal_counts_as_a_live_credential() {
        let mut world = World::new();
        let until = Some(world.clock.now().plus_seconds(60));
        world.create("guest", Grant { expires_at: until, ..grant(Role::Reader) }).unwrap();
        world.clock.advance(60);
        for number in 1..MAX_LIVE {
            world.create(&format!("worker-{number}"), grant(Role::Reader)).unwrap();
        }
        let token = Token::fresh(kid("guest"), &world.clock).unwrap();
        let renewed = Some(world.clock.now().plus_days(1));
        assert_eq!(world.renew(&token, 0, renewed), Err(KeyringError::Full));
    }

    #[test]
    fn engine_is_in_use_since_its_first_credential_that_is_not_revoked() {
        let mut world = World::new();
        let start = world.clock.now();
        let engines = |engines: &[Engine]| Grant { engines: engines.iter().copied().collect(), ..grant(Role::Engine) };
        world.create("gateway", engines(Engine::ALL)).unwrap();
        assert_eq!(world.keyring.in_use_since(Engine::Qa), None, "a credential of all engines and admins show nothing");
        world.create("first", Grant { expires_at: Some(start.plus_seconds(60)), ..engines(&[Engine::Qa]) }).unwrap();
        world.clock.advance(60);
        world.create("second", engines(&[Engine::Qa, Engine::Maos])).unwrap();
        assert_eq!(world.keyring.in_use_since(Engine::Qa), Some(start), "an expired credential counts");
        assert_eq!(world.keyring.in_use_since(Engine::Billing), None);
        let (admin, now) = (kid("the-admin"), world.clock.now());
        world.keyring.revoke(&kid("first"), &admin, now).unwrap();
        assert_eq!(world.keyring.in_use_since(Engine::Qa), Some(now));
        world.keyring.revoke(&kid("second"), &admin, now).unwrap();
        assert_eq!(world.keyring.in_use_since(Engine::Qa), None);
    }

    #[test]
    fn unreadable_credential_permits_nothing_keeps_its_name_and_is_not_changed() {
        let mut world = World::new();
        let token = world.create("later", grant(Role::Admin)).unwrap();
        let mut credentials = world.keyring.credentials.clone();
        credentials.remove(&kid("later"));
        world.keyring = Keyring::stored(credentials, BTreeSet::from(["later".to_owned()]));
        assert_eq!(world.authenticate(&token), Err(AuthError::Unknown));
        assert_eq!(world.create("later", grant(Role::Reader)), Err(KeyringError::Taken(kid("later"))));
        assert_eq!(world.rotate("later", 0), Err(KeyringError::Unreadable(kid("later"))));
        let (admin, now) = (kid("the-admin"), world.clock.now());
        assert_eq!(world.keyring.revoke(&kid("later"), &admin, now), Err(KeyringError::Unreadable(kid("later"))));
        assert_eq!(world.keyring.revoke(&admin, &admin, now), Err(KeyringError::LastAdmin(admin.clone())));
        assert!(world.create("worker", grant(Role::Engine)).is_ok());
    }

    #[test]
    fn admin_whose_grant_is_not_understood_is_not_the_last_admin() {
        let mut world = World::new();
        let unknown = Grant { engines: BTreeSet::from([Engine::stored("quantum")]), ..grant(Role::Admin) };
        world.create("later-admin", unknown).unwrap();
        let (admin, now) = (kid("the-admin"), world.clock.now());
        assert_eq!(world.keyring.revoke(&admin, &admin, now), Err(KeyringError::LastAdmin(admin.clone())));
        assert!(world.keyring.revoke(&kid("later-admin"), &admin, now).is_ok());
    }

    #[test]
    fn live_credentials_are_limited() {
        let mut world = World::new();
        for number in 1..MAX_LIVE {
            world.create(&format!("worker-{number}"), grant(Role::Reader)).unwrap();
        }
        assert_eq!(world.create("one-more", grant(Role::Reader)), Err(KeyringError::Full));
        world.keyring.revoke(&kid("worker-1"), world.admin.kid(), world.clock.now()).unwrap();
        assert!(world.create("one-more", grant(Role::Reader)).is_ok());
    }

    /// Every credential is as large as it can be.
    #[test]
    fn largest_keyring_fits_into_one_dynamodb_item() {
        let mut world = World::new();
        let until = Some(world.clock.now().plus_days(1));
        let all = Grant { role: Role::Responder, engines: Engine::ALL.iter().copied().collect(), expires_at: until };
        let name = |number: usize| format!("{number:0>40}");
        for number in 0..MAX_ENDED + 300 {
            world.clock.advance(1);
            world.create(&name(number), all.clone()).unwrap();
            world.keyring.revoke(&kid(&name(number)), world.admin.kid(), world.clock.now()).unwrap();
        }
        for number in 1..MAX_LIVE {
            world.create(&name(5000 + number), all.clone()).unwrap();
            world.rotate(&name(5000 + number), 60).unwrap();
        }
        let remembered = world.keyring.all().count();
        assert!((MAX_LIVE + MAX_ENDED..=MAX_LIVE + MAX_ENDED + 1).contains(&remembered), "{remembered}");
        assert!(world.keyring.get(&kid(&name(0))).is_none(), "the oldest are removed");
        // DynamoDB counts names and values, and for a map 3 bytes and 1 per entry: about the size of the JSON.
        let size = serde_json::to_string(&world.keyring).unwrap().len();
        assert!(size < 400 * 1024, "{size} bytes");
    }

    #[test]
    fn repeated_creation_and_rotation_are_idempotent() {
        let mut world = World::new();
        let (token, now) = (Token::fresh(kid("worker"), &world.clock).unwrap(), world.clock.now());
        let once = world.keyring.create(&token, grant(Role::Reader), None, now).unwrap().clone();
        assert_eq!(world.keyring.create(&token, grant(Role::Reader), None, now), Ok(&once));
        let next = Token::fresh(kid("worker"), &world.clock).unwrap();
        let by = world.admin.kid().clone();
        let rotation = Rotation { overlap_seconds: 60, expires_at: Some(now.plus_days(90)) };
        let rotated = world.keyring.rotate(&next, rotation, &by, now).unwrap().clone();
        assert_eq!(world.keyring.rotate(&next, rotation, &by, now), Ok(&rotated));
        assert_eq!(rotated.secrets.len(), 2);
    }

    proptest! {
        /// At any time the newest secret is valid, and at most two secrets are.
        #[test]
        fn newest_secret_is_valid_after_any_rotations(steps in prop::collection::vec((0_i64..200, 0_i64..100), 1..20)) {
            let mut world = World::new();
            let mut newest = world.create("worker", grant(Role::Reader)).unwrap();
            let mut all = vec![newest.clone()];
            for (wait, overlap) in steps {
                world.clock.advance(wait);
                if let Ok(token) = world.rotate("worker", overlap) {
                    newest = token.clone();
                    all.push(token);
                }
                prop_assert_eq!(world.authenticate(&newest), Ok(Role::Reader));
                let valid = all.iter().filter(|token| world.authenticate(token).is_ok()).count();
                prop_assert!(valid <= 2, "{} secrets are valid", valid);
            }
        }
    }
}
