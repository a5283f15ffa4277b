//! Whether a decision permitted what an event reports.

use age_model::{Decision, DecisionId, Engine, EventId, Timestamp, Verdict};

use crate::decision_document::DecisionRules;

/// By how much the clocks of two environments may differ, in seconds: a decision may seem to be that much younger than the event
/// that follows it.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// An event that reports an operation, or names a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedOperation<'a> {
    /// The id of the event.
    pub event_id: EventId,
    /// The engine of the event.
    pub engine: Engine,
    /// When AGE accepted the event.
    pub occurred_at: Timestamp,
    /// The operation that the type of the event reports: the name of an action. None if such events need no permit.
    pub operation: Option<&'a str>,
    /// The decision that the event names.
    pub decision_id: Option<DecisionId>,
}

/// The result of comparing an event with the decision that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermitCheck {
    /// The decision permitted the operation, and no other event has reported it.
    Permitted,
    /// The event reports an operation that no decision permitted.
    WithoutPermit,
    /// The event reports an operation that no decision permitted, and that engines run while AGE cannot be asked. It names no decision.
    WhileUnavailable,
    /// The event needs no permit, and follows none.
    NotNeeded,
}

impl DecisionRules {
    /// Compares `event` with `decision`, the one that it names, if that exists.
    ///
    /// A permit is a decision that allows an operation of the engine and was made before the event was accepted. It permits one operation:
    /// the first event follows it. If events of some types report its operation, only those follow it.
    #[must_use]
    pub fn check_permit(&self, event: &ReportedOperation<'_>, decision: Option<&Decision>) -> PermitCheck {
        let is_permitted = decision.is_some_and(|decision| {
            let action = decision.request.action.as_str();
            let is_of_operation =
                event.operation.map_or_else(|| !self.has_event_type_of(action), |operation| operation == action);
            let is_first = decision.followed_by.is_none_or(|followed_by| followed_by == event.event_id);
            decision.verdict == Verdict::Allow
                && decision.engine == event.engine
                && decision.decided_at <= event.occurred_at.plus_seconds(CLOCK_SKEW_SECONDS)
                && is_of_operation
                && is_first
        });
        match event.operation {
            _ if is_permitted => PermitCheck::Permitted,
            None => PermitCheck::NotNeeded,
            Some(operation) if event.decision_id.is_none() && self.runs_while_unavailable(operation) => {
                PermitCheck::WhileUnavailable
            }
            Some(_) => PermitCheck::WithoutPermit,
        }
    }
}

#[cfg(test)]
mod tests {
    use age_model::{DecisionRequest, PolicyHash};
    use serde_json::json;

    use super::*;

    const BILLING: Engine = Engine::from_static("billing");

    fn rules() -> DecisionRules {
        let rules =
            json!({"event_types": {"refund_paid": "refund"}, "on_unavailable": {"read": "allow", "refund": "deny"}});
        serde_json::from_value(rules).unwrap()
    }

    fn event_id(number: u8) -> EventId {
        format!("01936f2e-0000-7000-8000-0000000000{number:02x}").parse().unwrap()
    }

    fn decision_id() -> DecisionId {
        "01936f2e-0000-7000-8000-00000000000d".parse().unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-23T00:05:00Z".parse().unwrap()
    }

    fn permit(action: &str) -> Decision {
        Decision {
            id: decision_id(),
            decided_at: now().plus_seconds(-60),
            engine: BILLING,
            asked_by: "billing-engine".parse().unwrap(),
            request: DecisionRequest {
                subject_type: "engine".to_owned(),
                subject_id: "billing".to_owned(),
                action: action.to_owned(),
                resource_type: "invoice".to_owned(),
                resource_id: "1204".to_owned(),
                digest: "d".repeat(64),
                request_id: None,
                position: 0,
                payload: None,
            },
            verdict: Verdict::Allow,
            reasons: Vec::new(),
            policy_hash: PolicyHash::from_bytes([7; 32]),
            posture: None,
            expires_at: now(),
            approval: None,
            approved_by_decision: None,
            event_expected_by: None,
            event_status: None,
            followed_by: None,
            shadow: None,
        }
    }

    fn refund() -> ReportedOperation<'static> {
        ReportedOperation {
            event_id: event_id(1),
            engine: BILLING,
            occurred_at: now(),
            operation: Some("refund"),
            decision_id: Some(decision_id()),
        }
    }

    #[test]
    fn permit_is_an_earlier_allow_of_the_same_operation_of_the_same_engine_that_nothing_follows() {
        let (rules, permit) = (rules(), permit("refund"));
        let check = |decision: &Decision| rules.check_permit(&refund(), Some(decision));
        assert_eq!(check(&permit), PermitCheck::Permitted);
        let linked = Decision { followed_by: Some(event_id(1)), ..permit.clone() };
        assert_eq!(check(&linked), PermitCheck::Permitted, "a repeat of the comparison");
        let skewed = Decision { decided_at: now().plus_seconds(5), ..permit.clone() };
        assert_eq!(check(&skewed), PermitCheck::Permitted, "the clocks differ");
        for (no_permit, why) in [
            (Decision { verdict: Verdict::Deny, ..permit.clone() }, "denied"),
            (Decision { verdict: Verdict::NeedsApproval, ..permit.clone() }, "not approved"),
            (Decision { verdict: Verdict::stored("maybe"), ..permit.clone() }, "a verdict of a later version"),
            (Decision { engine: Engine::from_static("qa"), ..permit.clone() }, "of another engine"),
            (Decision { decided_at: now().plus_seconds(6), ..permit.clone() }, "made later"),
            (Decision { followed_by: Some(event_id(2)), ..permit.clone() }, "used by another event"),
            (self::permit("read"), "of another operation"),
        ] {
            assert_eq!(check(&no_permit), PermitCheck::WithoutPermit, "{why}");
        }
        assert_eq!(rules.check_permit(&refund(), None), PermitCheck::WithoutPermit, "the decision does not exist");
    }

    #[test]
    fn operation_that_engines_run_while_age_is_unavailable_names_no_decision() {
        let rules = rules();
        let unnamed = |operation| ReportedOperation { operation: Some(operation), decision_id: None, ..refund() };
        assert_eq!(rules.check_permit(&unnamed("read"), None), PermitCheck::WhileUnavailable);
        assert_eq!(rules.check_permit(&unnamed("refund"), None), PermitCheck::WithoutPermit);
        let named = ReportedOperation { operation: Some("read"), ..refund() };
        assert_eq!(rules.check_permit(&named, None), PermitCheck::WithoutPermit, "AGE answered it");
    }

    #[test]
    fn event_that_needs_no_permit_follows_only_operations_that_no_event_type_reports() {
        let rules = rules();
        let other = ReportedOperation { operation: None, ..refund() };
        assert_eq!(rules.check_permit(&other, Some(&permit("read"))), PermitCheck::Permitted);
        assert_eq!(rules.check_permit(&other, Some(&permit("refund"))), PermitCheck::NotNeeded);
        let denied = Decision { verdict: Verdict::Deny, ..permit("read") };
        assert_eq!(rules.check_permit(&other, Some(&denied)), PermitCheck::NotNeeded, "such as refund_denied");
        assert_eq!(rules.check_permit(&other, None), PermitCheck::NotNeeded);
    }
}
