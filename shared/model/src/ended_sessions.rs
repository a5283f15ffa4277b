//! The sessions that people have ended by signing out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::credential::KeyId;
use crate::dashboard_session::DashboardSession;
use crate::id::SessionId;
use crate::time::Timestamp;

/// So many ended sessions of a credential are remembered by their ids. One more ends all of its sessions that have begun, so that
/// whoever signs in and out without end does not make the list grow.
const MAX_SESSIONS_OF_CREDENTIAL: usize = 10;

/// The sessions that were ended before they expired, by their credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndedSessions(BTreeMap<KeyId, EndedSessionsOfCredential>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct EndedSessionsOfCredential {
    /// All sessions that began then or earlier were ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all_until: Option<Timestamp>,
    /// When each session would have expired.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ids: BTreeMap<SessionId, Timestamp>,
}

impl EndedSessions {
    /// Whether `session` was ended.
    #[must_use]
    pub fn contains(&self, session: &DashboardSession) -> bool {
        self.0.get(&session.kid).is_some_and(|ended| ended.contains(session))
    }

    /// Adds `session`, and removes those that have expired at `now`.
    pub fn end(&mut self, session: &DashboardSession, now: Timestamp) {
        self.0.retain(|_, ended| ended.retain_unexpired(now));
        let ended = self.0.entry(session.kid.clone()).or_default();
        if ended.contains(session) {
            return;
        }
        if ended.ids.len() < MAX_SESSIONS_OF_CREDENTIAL {
            ended.ids.insert(session.id, session.expires_at());
        } else {
            *ended = EndedSessionsOfCredential { all_until: Some(now.max(session.signed_in_at)), ids: BTreeMap::new() };
        }
    }
}

impl EndedSessionsOfCredential {
    fn contains(&self, session: &DashboardSession) -> bool {
        self.all_until.is_some_and(|until| session.signed_in_at <= until) || self.ids.contains_key(&session.id)
    }

    /// Removes what has expired at `now`. Returns whether anything is left.
    fn retain_unexpired(&mut self, now: Timestamp) -> bool {
        self.ids.retain(|_, expires_at| now < *expires_at);
        self.all_until = self.all_until.filter(|until| now < DashboardSession::expiry_of(*until));
        self.all_until.is_some() || !self.ids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::credential::Token;

    proptest! {
        /// Whatever people do, an ended session stays ended until it expires, the list stays short, and nobody ends the sessions
        /// of another credential.
        #[test]
        fn ended_session_stays_ended_until_it_expires(steps in prop::collection::vec((0_usize..3, 0_i64..1200, any::<bool>()), 1..120)) {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            let tokens = ["ada", "ben", "eve"].map(|kid| Token::fresh(kid.parse().unwrap(), &clock).unwrap());
            let (mut ended, mut expected, mut others) = (EndedSessions::default(), Vec::new(), Vec::new());
            let bystander = Token::fresh("zoe".parse().unwrap(), &clock).unwrap();
            for (who, pause, ends) in steps {
                clock.advance(pause);
                let session = DashboardSession::start(&tokens[who], &clock);
                if ends {
                    ended.end(&session, clock.now());
                    expected.push(session);
                }
                others.push(DashboardSession::start(&bystander, &clock));
            }
            let now = clock.now();
            let unexpired = |session: &&DashboardSession| now < session.expires_at();
            prop_assert!(expected.iter().filter(unexpired).all(|session| ended.contains(session)));
            prop_assert!(!others.iter().any(|session| ended.contains(session)));
            prop_assert!(ended.0.values().all(|of| of.ids.len() <= MAX_SESSIONS_OF_CREDENTIAL));
            let stored = serde_json::to_string(&ended).unwrap();
            prop_assert_eq!(serde_json::from_str::<EndedSessions>(&stored).unwrap(), ended);
        }
    }
}
