//! Decisions in simulations.

use age_model::{Clock, DecisionApprovalStatus, DecisionId, DecisionPosture, RiskLevel, Verdict};
use serde_json::{Value, json};

use super::*;

/// Returns the default policy with these guardrails.
fn guarded(guardrails: &Value) -> Policy {
    let mut document = serde_json::to_value(policy()).unwrap();
    document["guardrails"] = guardrails.clone();
    Policy::from_value(&document).unwrap()
}

/// Refunds are allowed, and those above `limit` need approval.
fn refunds(limit: i64) -> Policy {
    let name = json!({ "name": { "equals": "refund" } });
    guarded(&json!([
        { "id": "refunds", "verdict": "allow", "message": "m", "match": { "action": name } },
        { "id": "large", "verdict": "needs_approval", "message": "m",
          "match": { "action": name, "context": { "amount": { "above": limit } } } },
    ]))
}

impl Builder {
    /// Adds a decision of `by` on a refund of `amount`, whose request is recorded whole or as a digest.
    fn decision(&mut self, by: &Policy, amount: i64, verdict: Verdict, is_whole: bool) -> &mut RecordedDecision {
        let payload = json!({
            "subject": { "type": "user", "id": "a" }, "action": { "name": "refund" },
            "resource": { "type": "invoice", "id": "i-1" }, "context": { "amount": amount },
        });
        self.clock.advance(1);
        self.history.policy_versions.insert(by.hash(), by.clone());
        self.history.decisions.push(RecordedDecision {
            id: DecisionId::fresh(&self.clock),
            decided_at: self.clock.now(),
            engine: "billing".parse().unwrap(),
            verdict,
            rules: vec!["refunds".to_owned()],
            is_held: false,
            policy_hash: by.hash(),
            subject_type: "user".to_owned(),
            subject_id: "a".to_owned(),
            action: "refund".to_owned(),
            resource_type: "invoice".to_owned(),
            resource_id: "i-1".to_owned(),
            payload: is_whole.then(|| payload.to_string()),
            posture: None,
            approval: None,
            followed_by: None,
        });
        self.history.decisions.last_mut().unwrap()
    }

    fn compare(&self, draft: &Policy) -> DecisionComparison {
        simulate((&policy(), HASH), draft, &self.history).decisions
    }
}

fn count(before: Verdict, after: SimulatedVerdict, count: u64) -> VerdictCount {
    VerdictCount { before, after, count }
}

fn reasons(comparison: &DecisionComparison) -> Vec<(UnreproducedVerdictReason, u64)> {
    comparison.self_check.reasons.iter().map(|it| (it.reason, it.count)).collect()
}

#[test]
fn decisions_that_the_draft_changes_are_counted_and_listed_with_what_followed() {
    let mut builder = Builder::new();
    let by = refunds(1000);
    builder.decision(&by, 10, Verdict::Allow, true);
    builder.decision(&by, 500, Verdict::Allow, true);
    builder.decision(&by, 5000, Verdict::NeedsApproval, true).approval = Some(DecisionApprovalStatus::Used);
    let comparison = builder.compare(&refunds(100));
    let expected = [
        count(Verdict::Allow, SimulatedVerdict::Allow, 1),
        count(Verdict::Allow, SimulatedVerdict::NeedsApproval, 1),
        count(Verdict::NeedsApproval, SimulatedVerdict::NeedsApproval, 1),
    ];
    assert_eq!((comparison.total, comparison.verdicts), (3, expected.to_vec()));
    let [changed] = comparison.changed.items.as_slice() else { panic!("{:?}", comparison.changed) };
    assert_eq!((changed.id, comparison.changed.total), (builder.history.decisions[1].id, 1));
    assert_eq!(
        (&changed.rules_before[..], &changed.rules_after[..]),
        (&["refunds".to_owned()][..], &["large".to_owned()][..])
    );
    assert_eq!(
        (comparison.unknown.total, comparison.self_check.reproduced, comparison.self_check.not_reproduced),
        (0, 3, 0)
    );

    let eased = builder.compare(&refunds(10_000));
    let [changed] = eased.changed.items.as_slice() else { panic!("{:?}", eased.changed) };
    assert_eq!((changed.after, changed.approval), (SimulatedVerdict::Allow, Some(DecisionApprovalStatus::Used)));
    assert_eq!(builder.compare(&by).changed, SimulatedDecisions::default());
}

#[test]
fn digest_that_lacks_a_field_is_unknown_and_not_denied() {
    let mut builder = Builder::new();
    let by = refunds(1000);
    builder.decision(&by, 10, Verdict::Allow, false);
    let comparison = builder.compare(&refunds(100));
    assert_eq!(comparison.verdicts, [count(Verdict::Allow, SimulatedVerdict::Unknown, 1)]);
    assert_eq!((comparison.changed.total, comparison.unknown.total), (0, 1));
    assert_eq!(comparison.unknown.items[0].unrecorded, ["context.amount"]);
    assert_eq!(reasons(&comparison), [(UnreproducedVerdictReason::RequestNotRecorded, 1)]);
    assert_eq!(comparison.self_check.items[0].unrecorded, ["context.amount"]);
    // A draft that does not read the amount decides.
    let denied = builder.compare(&guarded(&json!([])));
    assert_eq!(denied.verdicts, [count(Verdict::Allow, SimulatedVerdict::Deny, 1)]);
    assert_eq!(denied.changed.total, 1);
}

#[test]
fn state_that_is_not_recorded_is_unknown() {
    let of_qa = json!({ "held": { "engine": "qa" } });
    let risk = json!({ "at_level": { "category": "billing_risk", "level": "HIGH" } });
    let with = |state: &Value| {
        guarded(&json!([
            { "id": "all", "verdict": "allow", "message": "m" },
            { "id": "state", "verdict": "deny", "message": "m", "state": state },
        ]))
    };
    let mut builder = Builder::new();
    let as_of = start();
    let levels = BTreeMap::from([("billing_risk".to_owned(), RiskLevel::High)]);
    let posture = DecisionPosture { as_of, levels, holds: Vec::new(), incidents: BTreeMap::new() };
    builder.decision(&with(&of_qa), 1, Verdict::Allow, true).posture = Some(posture);
    let comparison = builder.compare(&with(&risk));
    assert_eq!(comparison.verdicts, [count(Verdict::Allow, SimulatedVerdict::Deny, 1)]);
    assert_eq!(reasons(&comparison), [(UnreproducedVerdictReason::StateNotRecorded, 1)]);
    let comparison = builder.compare(&with(&of_qa));
    assert_eq!(comparison.unknown.items[0].unrecorded, ["qa is on hold"]);
}

#[test]
fn decision_that_its_own_version_does_not_explain_shows_nothing_about_a_draft() {
    let mut builder = Builder::new();
    let by = refunds(1000);
    builder.decision(&by, 10, Verdict::Deny, true);
    builder.decision(&by, 10, Verdict::Allow, true).payload = Some("{".to_owned());
    builder.decision(&refunds(77), 10, Verdict::Allow, true);
    builder.history.policy_versions.remove(&refunds(77).hash());
    let comparison = builder.compare(&refunds(1));
    let expected = [(UnreproducedVerdictReason::Unexplained, 1), (UnreproducedVerdictReason::Unreadable, 2)];
    assert_eq!(reasons(&comparison), expected);
    assert_eq!((comparison.self_check.reproduced, comparison.self_check.not_reproduced), (0, 3));
    assert_eq!(
        comparison.verdicts,
        [
            count(Verdict::Allow, SimulatedVerdict::NeedsApproval, 1),
            count(Verdict::Allow, SimulatedVerdict::Unknown, 1),
            count(Verdict::Deny, SimulatedVerdict::Unknown, 1),
        ]
    );
}

#[test]
fn held_operation_is_denied_under_the_draft_as_well() {
    let mut builder = Builder::new();
    builder.decision(&refunds(1000), 10, Verdict::Deny, false).is_held = true;
    let comparison = builder.compare(&refunds(1));
    assert_eq!(comparison.verdicts, [count(Verdict::Deny, SimulatedVerdict::Deny, 1)]);
    assert_eq!(comparison.self_check.reproduced, 1);
}

#[test]
fn lists_of_many_decisions_are_bounded_and_all_are_counted() {
    let mut builder = Builder::new();
    let by = refunds(1000);
    for number in 0..1500 {
        let decision = builder.decision(&by, 10, Verdict::Allow, number % 3 > 0);
        decision.resource_id = "x".repeat(900);
    }
    let comparison = builder.compare(&refunds(1));
    assert_eq!(
        (comparison.changed.total, comparison.unknown.total, comparison.self_check.not_reproduced),
        (1000, 500, 500)
    );
    let first = &builder.history.decisions[1];
    assert_eq!(comparison.changed.items[0].id, first.id, "the first by time");
    assert!(serde_json::to_string(&comparison).unwrap().len() < 52_000);
    // The order in which they are read has no effect.
    builder.history.decisions.reverse();
    assert_eq!(builder.compare(&refunds(1)), comparison);
}
