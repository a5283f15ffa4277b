//! Sessions of the dashboard, and how long they last.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::credential::{KeyId, SecretHash, Token};
use crate::id::SessionId;
use crate::time::Timestamp;

/// A session ends so long after its person signed in: one shift of work.
const MAX_AGE_SECONDS: i64 = 8 * 3600;

/// A session ends so long after its last activity.
const MAX_IDLE_SECONDS: i64 = 3600;

/// How far the clock of the server that recorded the activity may be ahead. Lambda keeps clocks within milliseconds.
const CLOCK_SKEW_SECONDS: i64 = 60;

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
    #[serde(with = "hash_as_text")]
    pub secret: SecretHash,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// The last activity that was recorded.
    pub active_at: Timestamp,
}

/// The hash of a secret as Base64.
mod hash_as_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::credential::SecretHash;

    pub(super) fn serialize<S: Serializer>(hash: &SecretHash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(hash.as_bytes()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretHash, D::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let bytes: Result<[u8; 32], _> = bytes.try_into();
        bytes.map(SecretHash::from).map_err(|_| D::Error::custom("must be 32 bytes"))
    }
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

    /// Whether the session has not expired at `now`, by its age or by its idleness. One from the future has: a clock that was ahead
    /// must not make it last longer.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        let is_plausible = self.active_at <= now.plus_seconds(CLOCK_SKEW_SECONDS);
        is_plausible && now < self.expires_at() && now < self.active_at.plus_seconds(MAX_IDLE_SECONDS)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;

    fn clock() -> ManualClock {
        ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap())
    }

    fn token(kid: &str, clock: &ManualClock) -> Token {
        Token::fresh(kid.parse().unwrap(), clock).unwrap()
    }

    proptest! {
        #[test]
        fn session_never_outlives_8_hours_nor_an_idle_hour(pauses in prop::collection::vec(1_i64..5000, 1..60)) {
            let clock = clock();
            let mut session = DashboardSession::start(&token("reader", &clock), &clock);
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
