//! Authentication by a sealed session in place of a token. Only the dashboard has sessions.

use std::sync::Arc;

use age_model::{AuthError, DashboardSession, Grant, Keyring, SealingKey, SessionError, Timestamp};

use crate::authentication::{Authentication, require_access};
use crate::authorization::Access;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::sealer;
use crate::session_key::SessionKey;

/// A caller with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInCaller {
    /// The caller, as if the session were a token of its credential.
    pub caller: Caller,
    /// The session.
    pub session: DashboardSession,
    /// The key with which the session was sealed.
    pub key: SealingKey,
}

impl Authentication {
    /// Returns the caller with the session `sealed`, if it may use a route of this `access`.
    ///
    /// # Errors
    /// 401 if the session was not sealed by AGE, has expired or was ended, or its credential or secret is no longer valid; 403 if
    /// the credential's role may not use the route, 429 if it calls too often, 503 if the credentials cannot be read.
    pub async fn authenticate_session(&self, access: Access, sealed: &str) -> Result<SignedInCaller, Problem> {
        let now = self.now();
        let (keyring, key) = self.keyring_with_key().await?;
        // A key is made once, so a fresh read would not open what this one does not.
        let session = SessionKey::derive(&key).open(sealed).ok_or_else(|| Problem::missing_token("sign in first"))?;
        let grant = self.session_grant(keyring, &session, now).await?;
        let mut caller = self.authorize(access, Caller { kid: session.kid.clone(), grant })?;
        if access == Access::Admin {
            // As for tokens: a revoked admin has no minute left to remove channels.
            let grant = self.read().await?.authenticate_session(&session, now).cloned();
            caller.grant = grant.map_err(|error| Problem::invalid_token(error.to_string()))?;
            require_access(access, &caller)?;
        }
        Ok(SignedInCaller { caller, session, key })
    }

    /// Returns the key from which those of cursors, forms and sessions are derived.
    ///
    /// # Errors
    /// 503 if the credentials cannot be read or have no key yet.
    pub async fn sealing_key(&self) -> Result<SealingKey, Problem> {
        Ok(self.keyring_with_key().await?.1)
    }

    async fn keyring_with_key(&self) -> Result<(Arc<Keyring>, SealingKey), Problem> {
        let mut keyring = self.keyring().await?;
        if keyring.sealing_key().is_none() && self.acquire_session_lookup(None) {
            keyring = self.read().await?;
        }
        let key = keyring.sealing_key().ok_or_else(sealer::no_key)?;
        Ok((keyring, key))
    }

    /// Returns the permissions of the credential of `session`. An unknown credential or secret may be a new one: another
    /// environment has accepted it.
    async fn session_grant(
        &self,
        keyring: Arc<Keyring>,
        session: &DashboardSession,
        now: Timestamp,
    ) -> Result<Grant, Problem> {
        let mut grant = keyring.authenticate_session(session, now).cloned();
        let is_unknown = grant == Err(SessionError::Credential(AuthError::Unknown));
        if is_unknown && self.acquire_session_lookup(Some(&session.kid)) {
            grant = self.read().await?.authenticate_session(session, now).cloned();
        }
        grant.map_err(|error| Problem::invalid_token(error.to_string()))
    }
}
