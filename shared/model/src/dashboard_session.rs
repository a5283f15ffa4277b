//! Sessions of the dashboard: how long they last, and what they prove.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clock::Clock;
use crate::credential::{Grant, KeyId, SecretHash, Token};
use crate::id::SessionId;
use crate::keyring::{AuthError, Keyring};
use crate::time::Timestamp;

/// A session ends so long after its person signed in: one shift of work.
const MAX_AGE_SECONDS: i64 = 8 * 3600;

/// A session ends so long after its last activity.
const MAX_IDLE_SECONDS: i64 = 3600;

/// Activity is recorded at most so often, so that most responses set no cookie.
const RENEWAL_INTERVAL_SECONDS: i64 = 300;

/// The session of a person who is signed in to the dashboard with a credential. The browser keeps it, sealed; it has no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DashboardSession {
    /// The id of the session, by which it is ended.
    pub id: SessionId,
    /// The name of the credential.
    pub kid: KeyId,
    /// The hash of the secret with which the person signed in. The session ends with the secret.
    pub secret: SecretHash,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// The last activity that was recorded.
    pub active_at: Timestamp,
}

/// Why a session does not authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The session is too old, or nobody has used it for too long.
    #[error("the session has expired")]
    Expired,
    /// The person has signed out.
    #[error("the session was signed out")]
    SignedOut,
    /// The credential is not valid, or no longer has the secret.
    #[error(transparent)]
    Credential(#[from] AuthError),
}

impl DashboardSession {
    /// Starts the session of a person who has proved the credential of `token`.
    #[must_use]
    pub fn start(token: &Token, clock: &dyn Clock) -> Self {
        let now = clock.now();
        let (kid, secret) = (token.kid().clone(), token.hash());
        Self { id: SessionId::fresh(clock), kid, secret, signed_in_at: now, active_at: now }
    }

    /// Returns when the session ends, however active it is.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        Self::expiry_of(self.signed_in_at)
    }

    /// Returns when a session ends that began at `signed_in_at`, however active it is.
    pub(crate) fn expiry_of(signed_in_at: Timestamp) -> Timestamp {
        signed_in_at.plus_seconds(MAX_AGE_SECONDS)
    }

    /// Whether the session has not expired at `now`, by its age or by its idleness.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at() && now < self.active_at.plus_seconds(MAX_IDLE_SECONDS)
    }

    /// Returns how long the session can last at `now`.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Duration {
        let millis = self.expires_at().millis().saturating_sub(now.millis());
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }

    /// Returns the session with activity at `now`. None if the recorded activity is recent enough.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Option<Self> {
        let is_due = now >= self.active_at.plus_seconds(RENEWAL_INTERVAL_SECONDS);
        is_due.then(|| Self { active_at: now, ..self.clone() })
    }
}

impl Keyring {
    /// Returns the permissions of the person with `session` at `now`.
    ///
    /// # Errors
    /// [`SessionError`] if the session has expired or was ended, or its credential or secret is no longer valid.
    pub fn authenticate_session(&self, session: &DashboardSession, now: Timestamp) -> Result<&Grant, SessionError> {
        if !session.is_live(now) {
            return Err(SessionError::Expired);
        }
        if self.ended_sessions().contains(session) {
            return Err(SessionError::SignedOut);
        }
        Ok(self.authenticate_secret(&session.kid, session.secret, now)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;
    use crate::credential::Role;
    use crate::ended_sessions::EndedSessions;
    use crate::keyring::Rotation;

    fn clock() -> ManualClock {
        ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap())
    }

    fn token(kid: &str, clock: &ManualClock) -> Token {
        Token::fresh(kid.parse().unwrap(), clock).unwrap()
    }

    fn with_reader(clock: &ManualClock) -> (Keyring, Token) {
        let (mut keyring, reader) = (Keyring::default(), token("reader", clock));
        let grant = Grant { role: Role::Reader, engines: BTreeSet::new(), expires_at: None };
        keyring.create(&reader, grant, None, clock.now()).unwrap();
        (keyring, reader)
    }

    #[test]
    fn session_ends_by_age_idleness_and_sign_out() {
        let clock = clock();
        let (keyring, reader) = with_reader(&clock);
        let session = DashboardSession::start(&reader, &clock);
        let after = |seconds: i64| clock.now().plus_seconds(seconds);
        let ends = |session: &DashboardSession, now| keyring.authenticate_session(session, now).err();
        assert_eq!((ends(&session, after(3599)), ends(&session, after(3600))), (None, Some(SessionError::Expired)));
        assert_eq!((session.renewed(after(299)), session.renewed(after(300)).map(|it| it.active_at)), (None, Some(after(300))));
        let active = DashboardSession { active_at: after(28_000), ..session.clone() };
        assert_eq!((ends(&active, after(28_799)), ends(&active, after(28_800))), (None, Some(SessionError::Expired)));
        assert_eq!((active.remaining(after(28_799)), active.remaining(after(28_801))), (Duration::from_secs(1), Duration::ZERO));
        let mut ended = EndedSessions::default();
        ended.end(&session, clock.now());
        let signed_out = keyring.clone().with_ended_sessions(ended);
        assert_eq!(signed_out.authenticate_session(&session, after(1)), Err(SessionError::SignedOut));
        let another = DashboardSession::start(&reader, &clock);
        assert!(signed_out.authenticate_session(&another, after(1)).is_ok());
    }

    #[test]
    fn session_ends_with_its_secret_and_its_credential() {
        let clock = clock();
        let (mut keyring, reader) = with_reader(&clock);
        let (session, admin) = (DashboardSession::start(&reader, &clock), "the-admin".parse().unwrap());
        let rotated = token("reader", &clock);
        let rotation = Rotation { overlap_seconds: 60, expires_at: None };
        keyring.rotate(&rotated, rotation, &admin, clock.now()).unwrap();
        let error = |keyring: &Keyring, seconds| {
            keyring.authenticate_session(&session, clock.now().plus_seconds(seconds)).err()
        };
        assert_eq!((error(&keyring, 59), error(&keyring, 60)), (None, Some(AuthError::Expired.into())));
        let rotation = Rotation { overlap_seconds: 0, ..rotation };
        keyring.rotate(&token("reader", &clock), rotation, &admin, clock.now()).unwrap();
        assert_eq!(error(&keyring, 0), Some(AuthError::Unknown.into()));
        keyring.revoke(session.kid.as_str().parse().as_ref().unwrap(), &admin, clock.now()).unwrap();
        assert_eq!(error(&keyring, 0), Some(AuthError::Revoked.into()));
    }

    proptest! {
        #[test]
        fn session_never_outlives_8_hours_nor_an_idle_hour(pauses in prop::collection::vec(1_i64..5000, 1..60)) {
            let clock = clock();
            let (_, reader) = with_reader(&clock);
            let mut session = DashboardSession::start(&reader, &clock);
            let start = clock.now();
            let mut used_at = start;
            for pause in pauses {
                clock.advance(pause);
                let now = clock.now();
                if !session.is_live(now) {
                    break;
                }
                prop_assert!(now < start.plus_seconds(8 * 3600) && now < used_at.plus_seconds(3600));
                used_at = now;
                session = session.renewed(now).unwrap_or(session);
                prop_assert!(session.active_at.plus_seconds(300) > now, "at most 5 minutes of activity are lost");
            }
        }
    }
}
