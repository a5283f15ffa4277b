//! Events that report operations of engines: which operation an event reports, and of which permits an event is expected.

use age_model::EventType;

use crate::decision_document::{DecisionRules, OnUnavailable};

impl DecisionRules {
    /// Returns the operation that events of `event_type` report: the name of an action. None if such events need no permit.
    #[must_use]
    pub fn operation_of(&self, event_type: &EventType) -> Option<&str> {
        self.event_types.get(event_type.as_str()).map(String::as_str)
    }

    /// Whether events of some type report `operation`.
    #[must_use]
    pub fn has_event_type_of(&self, operation: &str) -> bool {
        self.event_types.values().any(|reported| reported == operation)
    }

    /// Returns within how many seconds after `operation` was allowed its event is expected. None if no event of it is expected.
    #[must_use]
    pub fn event_expected_within(&self, operation: &str) -> Option<i64> {
        let is_expected = self.event_types.is_empty() || self.has_event_type_of(operation);
        self.expect_event_within_seconds.filter(|_| is_expected)
    }

    /// Whether engines run `operation` while AGE cannot be asked.
    #[must_use]
    pub fn runs_while_unavailable(&self, operation: &str) -> bool {
        self.on_unavailable.get(operation) == Some(&OnUnavailable::Allow)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn event_is_expected_of_the_operations_that_event_types_report() {
        let mut rules: DecisionRules = serde_json::from_value(json!({
            "expect_event_within_seconds": 60, "event_types": {"refund_paid": "refund"}, "on_unavailable": {"read": "allow"},
        }))
        .unwrap();
        let event_type = |name: &str| name.parse::<EventType>().unwrap();
        assert_eq!(rules.operation_of(&event_type("refund_paid")), Some("refund"));
        assert_eq!(rules.operation_of(&event_type("refund")), None);
        assert_eq!((rules.event_expected_within("refund"), rules.event_expected_within("read")), (Some(60), None));
        assert!(rules.runs_while_unavailable("read") && !rules.runs_while_unavailable("refund"));
        rules.event_types.clear();
        assert_eq!(rules.event_expected_within("read"), Some(60), "no type is named, so every event counts");
        rules.expect_event_within_seconds = None;
        assert_eq!(rules.event_expected_within("refund"), None);
    }
}
