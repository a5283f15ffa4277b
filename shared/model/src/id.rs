//! Ids of records. An event's id is made from the clock or from an idempotency key, a weekly report's id from its period.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::{Builder, Uuid};

use crate::clock::Clock;
use crate::credential::KeyId;
use crate::engine::Engine;
use crate::idempotency_key::IdempotencyKey;
use crate::period::Period;
use crate::simulation_request::SimulationRequest;

/// Namespaces of name-based ids (RFC 9562, version 5). If one changed, replays would be stored again and a week would get a
/// second report.
const KEYED_EVENTS: Uuid = Uuid::from_u128(0x8d6c_1f0e_52a7_4b39_9e41_7c05_d2b8_63fa);
const DECISIONS: Uuid = Uuid::from_u128(0xc41d_72b9_05e8_4f6a_b3d7_1e90_86fa_2c53);
const SIMULATIONS: Uuid = Uuid::from_u128(0x6b1e_90d4_7f3c_4a52_8e07_35c9_ad14_f2b8);
const MESSAGES: Uuid = Uuid::from_u128(0x27d5_a9e0_4c1b_4f83_9a60_e8b2_17c4_d35f);
const WEEKLY_REPORTS: Uuid = Uuid::from_u128(0x3f92_a4c7_0b6d_4e18_a5d3_91e7_4c2f_b806);

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a lower-case UUID such as 01936f2e-0000-7000-8000-00000000000a")]
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
            /// Generates an id: a UUID of version 7, so that ids sort by the time at which they were generated.
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

            /// Parses the hyphenated lower-case form only, so that an id has one text.
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
    /// The id of an event.
    EventId,
    /// The id of a report.
    ReportId,
    /// The id of a decision.
    DecisionId,
    /// The id of a hold.
    HoldId,
    /// The id of a session of the dashboard.
    SessionId,
    /// The id of a simulation of a policy version.
    SimulationId,
    /// The id of a message that channels get.
    MessageId
);

impl EventId {
    /// Returns the id of the event that `engine` reports under `key`, which is the same for every repeat.
    #[must_use]
    pub fn keyed(engine: Engine, key: &IdempotencyKey) -> Self {
        Self(Uuid::new_v5(&KEYED_EVENTS, format!("{engine}\n{}", key.unique_text()).as_bytes()))
    }
}

/// A request for a decision, as far as a repeat of it is the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionKey<'a> {
    /// The credential that asks.
    pub caller: &'a KeyId,
    /// The engine whose operation it is.
    pub engine: Engine,
    /// The caller's `X-Request-ID`, which alone identifies nothing: gateways use one for several requests.
    pub request_id: &'a str,
    /// The digest of the whole request.
    pub digest: &'a str,
    /// The position in the batch.
    pub position: u32,
}

impl DecisionId {
    /// Returns the id of the decision on the request `key`, which is the same for every repeat of it. `after` is the decision on the
    /// same request that has expired, if there is one.
    #[must_use]
    pub fn keyed(key: DecisionKey<'_>, after: Option<Self>) -> Self {
        let DecisionKey { caller, engine, request_id, digest, position } = key;
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        // The id of the request comes last, because it may have line feeds.
        let name = format!("{caller}\n{engine}\n{digest}\n{position}\n{after}\n{request_id}");
        Self(Uuid::new_v5(&DECISIONS, name.as_bytes()))
    }
}

impl MessageId {
    /// Returns the id of the message `text`, which is the same whenever the message comes again.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Uuid::new_v5(&MESSAGES, text.as_bytes()))
    }
}

impl ReportId {
    /// Returns the id of the weekly report of `period`, which is the same for every attempt to make it.
    #[must_use]
    pub fn weekly(period: Period) -> Self {
        Self(Uuid::new_v5(&WEEKLY_REPORTS, period.label().as_bytes()))
    }
}

impl SimulationId {
    /// Returns the id of the simulation that `request` asks for, which is the same for every such request.
    #[must_use]
    pub fn of(request: &SimulationRequest) -> Self {
        let SimulationRequest { hash, active_hash, from, to } = request;
        Self(Uuid::new_v5(&SIMULATIONS, format!("{hash}\n{active_hash}\n{from}\n{to}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

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
        let id = EventId::keyed(Engine::from_static("qa"), &key("a"));
        assert_eq!(id, EventId::keyed(Engine::from_static("qa"), &key("a")));
        assert_ne!(id, EventId::keyed(Engine::from_static("billing"), &key("a")));
        assert_ne!(id, EventId::keyed(Engine::from_static("qa"), &key("b")));
    }

    #[test]
    fn id_has_one_text() {
        let text = "01936f2e-0000-7000-8000-00000000000a";
        assert_eq!(text.parse::<EventId>().unwrap().to_string(), text);
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), String::new()] {
            assert!(other.parse::<EventId>().is_err(), "{other}");
        }
    }
}
