//! Holds: temporary stops of engines and of their operations.

use std::str::FromStr;

use thiserror::Error;
use utoipa::ToSchema;

use crate::credential::KeyId;
use crate::engine::Engine;
use crate::id::HoldId;
use crate::time::Timestamp;

/// A temporary stop of an engine, or of one of its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The id.
    pub id: HoldId,
    /// The engine that is stopped.
    pub engine: Engine,
    /// The name of the action that is stopped; all actions, if absent.
    pub operation: Option<String>,
    /// The reason, for people: 1 to 1,000 characters.
    pub reason: String,
    /// The person or the rule of the policy that set the hold.
    pub set_by: HoldOrigin,
    /// When the hold was set.
    pub set_at: Timestamp,
    /// When the hold ends by itself.
    pub until: Timestamp,
}

/// The person or the rule of the policy that set or ended a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldOrigin {
    /// A person, by the name of the credential.
    Person(KeyId),
    /// The policy's rule for holds with this id.
    Policy(String),
}

/// The name of an operation: of an action in requests for decisions.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
pub struct OperationName(String);

/// The text is not the name of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 1 to {} characters without control characters", OperationName::MAX_CHARS)]
pub struct InvalidOperationName;

/// A hold cannot end at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be in the future and at most {} days ahead", Hold::MAX_DAYS)]
pub struct InvalidHoldEnd;

impl OperationName {
    /// The most characters, so that all holds fit into one row.
    pub const MAX_CHARS: usize = 200;
}

impl FromStr for OperationName {
    type Err = InvalidOperationName;

    fn from_str(text: &str) -> Result<Self, InvalidOperationName> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidOperationName) }
    }
}

impl From<OperationName> for String {
    fn from(OperationName(name): OperationName) -> Self {
        name
    }
}

impl Hold {
    /// The longest hold, in days.
    pub const MAX_DAYS: i64 = 30;

    /// Checks that a hold that is set at `now` may end at `until`.
    ///
    /// # Errors
    /// [`InvalidHoldEnd`] if `until` is not in the future, or more than [`Self::MAX_DAYS`] days ahead.
    pub fn check_end(until: Timestamp, now: Timestamp) -> Result<(), InvalidHoldEnd> {
        let is_valid = now < until && until <= now.plus_days(Self::MAX_DAYS);
        if is_valid { Ok(()) } else { Err(InvalidHoldEnd) }
    }

    /// Whether the hold has not ended at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Whether the hold stops `operation` of `engine`.
    #[must_use]
    pub fn stops(&self, engine: Engine, operation: &str) -> bool {
        self.engine == engine && self.operation.as_ref().is_none_or(|held| held == operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_stops_its_engine_and_operation_until_its_end() {
        let set_at: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let [billing, qa] = ["billing", "qa"].map(Engine::from_static);
        let hold = Hold {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            engine: billing,
            operation: None,
            reason: "audit".to_owned(),
            set_by: HoldOrigin::Person("desk".parse().unwrap()),
            set_at,
            until: set_at.plus_seconds(60),
        };
        assert!(hold.is_active(set_at.plus_seconds(59)) && !hold.is_active(set_at.plus_seconds(60)));
        assert!(hold.stops(billing, "refund") && !hold.stops(qa, "refund"));
        let of_refunds = Hold { operation: Some("refund".to_owned()), ..hold };
        assert!(of_refunds.stops(billing, "refund") && !of_refunds.stops(billing, "charge"));
    }
    #[test]
    fn hold_ends_in_the_future_and_within_30_days() {
        let now: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        assert!(Hold::check_end(now.plus_millis(1), now).is_ok() && Hold::check_end(now.plus_days(30), now).is_ok());
        for until in [now, now.plus_millis(-1), now.plus_days(30).plus_millis(1)] {
            let refused = Hold::check_end(until, now).unwrap_err();
            assert_eq!(refused.to_string(), "must be in the future and at most 30 days ahead");
        }
    }

    #[test]
    fn name_of_an_operation_has_up_to_200_characters_and_no_control_character() {
        for good in ["refund", "\u{e9}", &"x".repeat(200)] {
            assert_eq!(good.parse::<OperationName>().map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", "a\nb", "a\u{0}", &"x".repeat(201)] {
            assert_eq!(bad.parse::<OperationName>(), Err(InvalidOperationName), "{bad:?}");
        }
    }
}
