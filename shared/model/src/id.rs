//! Identifiers. An event's is made from the clock, or from its idempotency key; a weekly report's from its period.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::{Builder, Uuid};

use crate::{Clock, Engine, IdempotencyKey, Period};

/// Namespaces of the name-based ids (RFC 9562, version 5). Changing one would break replays and weekly uniqueness.
const KEYED_EVENTS: Uuid = Uuid::from_u128(0x8d6c_1f0e_52a7_4b39_9e41_7c05_d2b8_63fa);
const WEEKLY_REPORTS: Uuid = Uuid::from_u128(0x3f92_a4c7_0b6d_4e18_a5d3_91e7_4c2f_b806);

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a UUID such as 01936f2e-0000-7000-8000-00000000000a")]
pub struct InvalidId;

macro_rules! identifier {
    ($($(#[$doc:meta])* $name:ident),+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(utoipa::ToSchema)]
        #[serde(into = "String", try_from = "String")]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id: a version 7 UUID, so that ids sort by the time they were made.
            #[must_use]
            pub fn fresh(clock: &dyn Clock) -> Self {
                let millis = u64::try_from(clock.now().millis()).unwrap_or(0);
                let [_, _, _, _, _, _, random @ ..] = clock.random().to_be_bytes();
                Self(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Takes the hyphenated lower-case form only: one id, one text.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)?;
                if id.to_string() == text { Ok(id) } else { Err(InvalidId) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }
    )+};
}

identifier!(
    /// Names one event.
    EventId,
    /// Names one report.
    ReportId
);

impl EventId {
    /// The id of the event that `engine` reports under `key`: the same for every repeat.
    #[must_use]
    pub fn keyed(engine: Engine, key: &IdempotencyKey) -> Self {
        // A key cannot hold a line feed, so no two (engine, key) pairs share a name.
        Self(Uuid::new_v5(&KEYED_EVENTS, format!("{engine}\n{}", key.as_str()).as_bytes()))
    }
}

impl ReportId {
    /// The id of the one weekly report of `period`.
    #[must_use]
    pub fn weekly(period: Period) -> Self {
        Self(Uuid::new_v5(&WEEKLY_REPORTS, period.label().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    #[test]
    fn fresh_ids_differ_and_sort_by_time() {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let first = EventId::fresh(&clock);
        let second = EventId::fresh(&clock);
        clock.advance(1);
        let third = EventId::fresh(&clock);
        assert_ne!(first, second);
        assert!(first < third && second < third);
        assert_eq!(first.to_string().as_bytes().get(14), Some(&b'7'));
    }

    #[test]
    fn keyed_ids_depend_on_engine_and_key() {
        let key = |text: &str| text.parse::<IdempotencyKey>().unwrap();
        let id = EventId::keyed(Engine::Qa, &key("a"));
        assert_eq!(id, EventId::keyed(Engine::Qa, &key("a")));
        assert_ne!(id, EventId::keyed(Engine::Billing, &key("a")));
        assert_ne!(id, EventId::keyed(Engine::Qa, &key("b")));
    }

    #[test]
    fn one_id_has_one_text() {
        let text = "01936f2e-0000-7000-8000-00000000000a";
        assert_eq!(text.parse::<EventId>().unwrap().to_string(), text);
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), String::new()] {
            assert!(other.parse::<EventId>().is_err(), "{other}");
        }
    }
}
