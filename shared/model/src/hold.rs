//! Holds: temporary stops of engines and of their operations.

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

impl Hold {
    /// The longest hold, in days.
    pub const MAX_DAYS: i64 = 30;

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
}
