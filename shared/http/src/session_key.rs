//! Sealed sessions: the dashboard's cookie.

use age_model::{DashboardSession, SealingKey};

use crate::sealer::Sealer;

/// The one scope of sessions.
const SCOPE: &str = "dashboard";

/// Seals sessions of the dashboard.
#[derive(Debug, Clone)]
pub struct SessionKey(Sealer);

impl SessionKey {
    /// Derives the key of sessions.
    #[must_use]
    pub fn derive(key: &SealingKey) -> Self {
        Self(Sealer::derive(key, "sessions"))
    }

    /// Returns the sealed `session`, for a cookie.
    #[must_use]
    pub fn seal(&self, session: &DashboardSession) -> String {
        // A session always serializes: it has texts only.
        let text = serde_json::to_string(session).unwrap_or_default();
        self.0.seal(SCOPE, &text)
    }

    /// Returns the session that was sealed with this key; None if `sealed` was not, or by a later version.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<DashboardSession> {
        serde_json::from_str(&self.0.open(SCOPE, sealed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use age_model::{ManualClock, Token};
    use proptest::prelude::*;

    use super::*;

    fn session() -> (SessionKey, DashboardSession) {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let key = SessionKey::derive(&SealingKey::fresh(&clock).unwrap());
        (key, DashboardSession::start(&Token::fresh("night-desk".parse().unwrap(), &clock).unwrap(), &clock))
    }

    #[test]
    fn session_round_trips_and_fits_a_cookie() {
        let (key, session) = session();
        let sealed = key.seal(&session);
        assert_eq!(key.open(&sealed), Some(session));
        assert!(sealed.len() < 400, "{} bytes", sealed.len());
        assert!(sealed.parse::<Token>().is_err());
    }

    proptest! {
        #[test]
        fn changed_session_does_not_open(at in any::<prop::sample::Index>(), byte in "[A-Za-z0-9_.=-]") {
            let (key, session) = session();
            let mut sealed = key.seal(&session);
            let at = at.index(sealed.len());
            prop_assume!(sealed[at..=at] != byte);
            sealed.replace_range(at..=at, &byte);
            prop_assert_eq!(key.open(&sealed), None);
        }
    }
}
