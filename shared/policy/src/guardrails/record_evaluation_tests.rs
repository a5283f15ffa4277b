//! Guardrails evaluated on records: whatever is recorded has the verdict that it had, and whatever is not is unknown.

use age_model::{AccessRequest, DecisionPosture, Posture, ReasonCode, RiskLevel, Severity, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::evaluate;
use super::property_tests::{AnyState, any_request, any_state, cases, ruled, rules};
use super::record_evaluation::{RecordedEvaluation, RecordedRequest, UnrecordedInput, evaluate_recorded};
use super::test_data::{DEFAULT, counts, engine, healthy, hold, now, policy, refund, request, state as state_of};
use crate::document::Policy;
use crate::guardrails::FleetState;

/// Returns what a decision records of a posture.
fn recorded_posture(posture: &Posture) -> DecisionPosture {
    let open = posture.engine(engine("billing")).open_incidents;
    let incidents = Severity::ALL.iter().map(|severity| (*severity, open.of(*severity)));
    DecisionPosture {
        as_of: posture.as_of,
        levels: posture.levels.clone(),
        holds: Vec::new(),
        incidents: incidents.filter(|(_, number)| *number > 0).collect(),
    }
}

/// Returns the record of a decision of `policy` on a request in a state.
fn record(policy: &Policy, request: &AccessRequest, state: &FleetState<'_>, is_whole: bool) -> RecordedRequest {
    let is_held = evaluate(policy, request, state).reasons.iter().any(|reason| reason.code == ReasonCode::Held);
    let names = json!({
        "subject": { "type": request.subject.kind, "id": request.subject.id },
        "action": { "name": request.action.name },
        "resource": { "type": request.resource.kind, "id": request.resource.id },
    });
    let request = if is_whole { request.clone() } else { AccessRequest::from_json(&names.to_string()).unwrap() };
    let posture = state.posture.map(recorded_posture);
    RecordedRequest { engine: state.engine, at: state.now, request, is_whole, posture, is_held }
}

fn simulated(guardrails: &Value, recorded: &RecordedRequest) -> RecordedEvaluation {
    let policy = policy(guardrails);
    evaluate_recorded(&policy, Some(&policy), recorded)
}

/// Returns the verdict and the inputs that are not recorded, or the rules.
fn found(evaluation: RecordedEvaluation) -> (Option<Verdict>, Vec<String>) {
    let texts = evaluation.unrecorded.into_iter().map(|input| match input {
        UnrecordedInput::Field(text) | UnrecordedInput::State(text) => text,
    });
    (evaluation.verdict, texts.chain(evaluation.rules).collect())
}

fn rule(id: &str, verdict: &str, conditions: &Value) -> Value {
    let mut rule = json!({ "id": id, "verdict": verdict, "message": "m" });
    rule.as_object_mut().unwrap().extend(conditions.as_object().unwrap().clone());
    rule
}

#[test]
fn field_of_a_digest_is_not_recorded_rather_than_missing() {
    let refund = refund(json!({ "amount": 10 }));
    let posture = healthy();
    let state = state_of(Some(&posture), &[]);
    let names = json!({ "match": { "action": { "name": { "equals": "refund" } } } });
    let large = json!({ "match": { "context": { "amount": { "above": 1000 } } } });
    let known = json!({ "match": { "resource": { "properties.status": { "exists": true } } } });
    let other =
        json!({ "match": { "action": { "name": { "equals": "drop" } }, "context": { "amount": { "above": 1 } } } });
    let check = |rules: Vec<Value>, expected: (Option<Verdict>, &[&str])| {
        let rules = Value::from(rules);
        let recorded = record(&policy(&rules), &refund, &state, false);
        let (verdict, texts) = found(simulated(&rules, &recorded));
        assert_eq!((verdict, texts.iter().map(String::as_str).collect::<Vec<_>>()), (expected.0, expected.1.to_vec()));
    };
    let allow = || rule("refunds", "allow", &names);
    check(vec![allow()], (Some(Verdict::Allow), &["refunds"]));
    check(vec![allow(), rule("large", "needs_approval", &large)], (None, &["context.amount"]));
    check(vec![allow(), rule("others", "deny", &other)], (Some(Verdict::Allow), &["refunds"]));
    check(vec![allow(), rule("known", "deny", &known)], (None, &["resource.properties.status"]));
    // Whatever the amount is, the strictest verdict is deny.
    check(vec![rule("none", "deny", &names), rule("large", "allow", &large)], (Some(Verdict::Deny), &["none"]));
    check(vec![rule("large", "deny", &large)], (Some(Verdict::Deny), &[]));
    check(vec![rule("large", "allow", &large)], (None, &["context.amount"]));
}

#[test]
fn state_beyond_the_record_is_unknown() {
    let asked = refund(json!({}));
    let mut posture = healthy();
    posture.levels.insert("billing_risk".to_owned(), RiskLevel::High);
    posture.engines.entry(engine("billing")).or_default().open_incidents = counts(Severity::High);
    let all = rule("all", "allow", &json!({}));
    let check = |posture: Option<&Posture>, state: &Value, expected: (Option<Verdict>, &str)| {
        let rules = json!([all, rule("rule", "needs_approval", &json!({ "state": state }))]);
        let recorded = record(&policy(&rules), &asked, &state_of(posture, &[]), true);
        let (verdict, texts) = found(simulated(&rules, &recorded));
        assert_eq!((verdict, texts.join(", ").as_str()), expected, "{state}");
    };
    let at_level = |level: &str| json!({ "at_level": { "category": "billing_risk", "level": level } });
    check(Some(&posture), &at_level("HIGH"), (Some(Verdict::NeedsApproval), "rule"));
    check(Some(&posture), &at_level("CRITICAL"), (Some(Verdict::Allow), "all"));
    check(Some(&posture), &json!({ "open_incident": { "severity": "HIGH" } }), (Some(Verdict::NeedsApproval), "rule"));
    check(Some(&posture), &json!({ "open_incident": { "severity": "CRITICAL" } }), (Some(Verdict::Allow), "all"));
    let unacknowledged = |severity: &str| json!({ "open_incident": { "severity": severity, "unacknowledged": true } });
    let text = "the asking engine has an unacknowledged incident of HIGH or above";
    check(Some(&posture), &unacknowledged("HIGH"), (None, text));
    check(Some(&posture), &unacknowledged("CRITICAL"), (Some(Verdict::Allow), "all"));
    let of_qa = json!({ "open_incident": { "severity": "HIGH", "engine": "qa" } });
    check(Some(&posture), &of_qa, (None, "qa has an open incident of HIGH or above"));
    let ineffective = json!({ "ineffective_within": { "seconds": 60 } });
    check(Some(&posture), &ineffective, (None, "a remediation of the asking engine was ineffective within 1 min"));
    check(Some(&posture), &json!({ "held": { "engine": "qa" } }), (None, "qa is on hold"));
    check(Some(&posture), &json!({ "held": { "engine": "billing" } }), (Some(Verdict::Allow), "all"));
    // Without a current posture, AGE did not know it either, and denied.
    let stale = Posture { as_of: now().plus_seconds(-151), ..posture.clone() };
    for posture in [None, Some(&stale)] {
        for state in [at_level("CRITICAL"), of_qa.clone(), ineffective.clone(), unacknowledged("HIGH")] {
            check(posture, &state, (Some(Verdict::Deny), "rule"));
        }
    }
}

#[test]
fn level_that_another_policy_computes_is_unknown() {
    let rules = json!([
        rule("all", "allow", &json!({})),
        rule(
            "risk",
            "deny",
            &json!({
                "state": { "at_level": { "category": "billing_risk", "level": "HIGH" } },
            })
        )
    ]);
    let (decided_by, posture) = (policy(&rules), healthy());
    let recorded = record(&decided_by, &refund(json!({})), &state_of(Some(&posture), &[]), true);
    let verdict = |draft: &Policy, decided_by| evaluate_recorded(draft, decided_by, &recorded).verdict;
    let mut draft = decided_by.clone();
    assert_eq!(verdict(&draft, Some(&decided_by)), Some(Verdict::Allow));
    assert_eq!(verdict(&draft, None), None, "the version that decided is unknown");
    draft.weights.insert(Severity::Low, 2);
    assert_eq!(verdict(&draft, Some(&decided_by)), None);
    draft = decided_by.clone();
    let other = draft.categories.iter_mut().find(|category| category.name != "billing_risk").unwrap();
    other.engines.push(engine("age"));
    assert_eq!(verdict(&draft, Some(&decided_by)), Some(Verdict::Allow), "another category");
    let category = draft.categories.iter_mut().find(|category| category.name == "billing_risk").unwrap();
    category.engines.push(engine("age"));
    assert_eq!(verdict(&draft, Some(&decided_by)), None);
}

#[test]
fn held_operation_is_denied_under_every_policy() {
    let holds = [hold("billing", None, 60)];
    let rules = json!([rule("all", "allow", &json!({}))]);
    let recorded = record(&policy(&rules), &refund(json!({})), &state_of(None, &holds), false);
    assert_eq!(found(simulated(&rules, &recorded)), (Some(Verdict::Deny), Vec::new()));
}

/// Whether a rule reads a state that decisions do not record.
fn reads_unrecorded_state(rules: &[Value]) -> bool {
    rules.iter().any(|rule| {
        let state = &rule["state"];
        state.get("ineffective_within").is_some() || state.get("held").is_some()
    })
}

fn verdicts(
    (rules, draft): (Vec<Value>, Vec<Value>),
    asked: &AccessRequest,
    state: &AnyState,
    is_whole: bool,
) -> [(Option<Verdict>, Verdict); 2] {
    let state = state_of(state.posture.as_ref(), &state.holds);
    let (decided_by, draft) = (ruled(rules), ruled(draft));
    let recorded = record(&decided_by, asked, &state, is_whole);
    [&decided_by, &draft].map(|policy| {
        let simulated = evaluate_recorded(policy, Some(&decided_by), &recorded).verdict;
        (simulated, evaluate(policy, asked, &state).verdict)
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn verdict_on_a_whole_record_is_that_of_the_request_and_state(
        decided in rules(), draft in rules(), asked in any_request(), state in any_state()
    ) {
        let is_known = [!reads_unrecorded_state(&decided), !reads_unrecorded_state(&draft)];
        let found = verdicts((decided, draft), &asked, &state, true);
        for ((simulated, verdict), is_known) in found.into_iter().zip(is_known) {
            prop_assert!(simulated.is_none_or(|simulated| simulated == verdict), "{simulated:?} {verdict}");
            prop_assert!(simulated.is_some() || !is_known);
        }
    }

    #[test]
    fn verdict_on_a_digest_is_that_of_the_request_and_state_or_unknown(
        decided in rules(), draft in rules(), asked in any_request(), state in any_state()
    ) {
        for (simulated, verdict) in verdicts((decided, draft), &asked, &state, false) {
            prop_assert!(simulated.is_none_or(|simulated| simulated == verdict), "{simulated:?} {verdict}");
        }
    }
}

#[test]
fn names_alone_decide_a_digest() {
    let asked = request(&json!({
        "subject": { "type": "user", "id": "a" }, "action": { "name": "drop" }, "resource": { "type": "t", "id": "1" },
    }));
    let rules = json!([rule(
        "users",
        "allow",
        &json!({ "match": {
        "subject": { "type": { "equals": "user" }, "id": { "in": ["a"] } },
        "resource": { "type": { "prefix": "t" }, "id": { "exists": true } },
    } })
    )]);
    let recorded = record(&DEFAULT, &asked, &state_of(None, &[]), false);
    assert_eq!(found(simulated(&rules, &recorded)), (Some(Verdict::Allow), vec!["users".to_owned()]));
}
