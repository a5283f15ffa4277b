//! Authentication by a session of the dashboard.

use thiserror::Error;

use crate::credential::Grant;
use crate::dashboard_session::DashboardSession;
use crate::keyring::{AuthError, Keyring};
use crate::time::Timestamp;

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
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::credential::{Credential, Role, Secret, Token};
    use crate::ended_sessions::EndedSessions;

    fn clock() -> ManualClock {
        ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap())
    }

    fn token(kid: &str, clock: &ManualClock) -> Token {
        Token::fresh(kid.parse().unwrap(), clock).unwrap()
    }

    /// A keyring with a reader that has these secrets: each of a token, until an expiry.
    fn with_reader(clock: &ManualClock, secrets: &[(&Token, Option<Timestamp>)]) -> Keyring {
        let grant = Grant { role: Role::Reader, engines: BTreeSet::new(), expires_at: None };
        let created_at = clock.now();
        let secret =
            |(token, expires_at): &(&Token, _)| Secret { hash: token.hash(), created_at, expires_at: *expires_at };
        let secrets = secrets.iter().map(secret).collect();
        let reader = Credential { grant, secrets, created_at, is_made_by_operator: false };
        Keyring::stored([("reader".parse().unwrap(), reader)].into(), BTreeSet::new())
    }

    #[test]
    fn session_ends_by_age_idleness_and_sign_out() {
        let clock = clock();
        let reader = token("reader", &clock);
        let keyring = with_reader(&clock, &[(&reader, None)]);
        let session = DashboardSession::start(&reader, &clock);
        let after = |seconds: i64| clock.now().plus_seconds(seconds);
        let ends = |session: &DashboardSession, now| keyring.authenticate_session(session, now).err();
        assert_eq!((ends(&session, after(3599)), ends(&session, after(3600))), (None, Some(SessionError::Expired)));
        assert_eq!(
            (session.renewed(after(299)), session.renewed(after(300)).map(|it| it.active_at)),
            (None, Some(after(300)))
        );
        assert_eq!((ends(&session, after(-60)), ends(&session, after(-61))), (None, Some(SessionError::Expired)));
        let active = DashboardSession { active_at: after(28_000), ..session.clone() };
        assert_eq!((ends(&active, after(28_799)), ends(&active, after(28_800))), (None, Some(SessionError::Expired)));
        assert_eq!(
            (active.remaining(after(28_799)), active.remaining(after(28_801))),
            (Duration::from_secs(1), Duration::ZERO)
        );
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
        let (reader, rotated) = (token("reader", &clock), token("reader", &clock));
        let session = DashboardSession::start(&reader, &clock);
        let after = |seconds: i64| clock.now().plus_seconds(seconds);
        let ends = |keyring: &Keyring, seconds| keyring.authenticate_session(&session, after(seconds)).err();
        let overlapping = with_reader(&clock, &[(&rotated, None), (&reader, Some(after(60)))]);
        assert_eq!((ends(&overlapping, 59), ends(&overlapping, 60)), (None, Some(AuthError::Expired.into())));
        assert_eq!(ends(&with_reader(&clock, &[(&rotated, None)]), 0), Some(AuthError::Unknown.into()));
        assert_eq!(ends(&Keyring::default(), 0), Some(AuthError::Unknown.into()));
    }
}
