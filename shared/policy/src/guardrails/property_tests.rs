//! Properties of guardrails: what holds for every policy, request and state.

use age_model::{EnginePosture, PolicyHash, Posture, RiskLevel, Severity};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::recorded::{RecordedMatch, explain_recorded};
use super::test_data::{DEFAULT, counts, engine, healthy, hold, now, recorded, refund, request, state as state_of};
use super::*;
use crate::guardrail_document::test_data;

/// Returns the default policy with these rules, which are valid.
pub(super) fn ruled(rules: Vec<Value>) -> Policy {
    let guardrails = rules.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect();
    Policy { guardrails, ..DEFAULT.clone() }
}

/// The cases of each property.
pub(super) fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 20_000 } else { 1_000 })
}

/// The cases of mutated requests. With those of mutated policies in `validation.rs` a million in CI.
fn mutated_cases() -> ProptestConfig {
    ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 800_000 } else { 1_000 })
}

fn field_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop_oneof![Just("a"), Just("ab"), Just("")].prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        Just(json!(0.5)),
        any::<bool>().prop_map(Value::from),
    ]
}

fn field_condition() -> impl Strategy<Value = Value> {
    prop_oneof![
        field_value().prop_map(|value| json!({"equals": value})),
        prop::collection::btree_set("[ab]", 1..3).prop_map(|values| json!({"in": values})),
        Just(json!({"prefix": "a"})),
        (-2_i64..3).prop_map(|limit| json!({"above": limit})),
        (-2_i64..3).prop_map(|limit| json!({"below": limit, "exists": true})),
        any::<bool>().prop_map(|exists| json!({"exists": exists})),
    ]
}

fn conditions() -> impl Strategy<Value = Value> {
    prop_oneof![
        ("[xy]", field_condition()).prop_map(|(path, condition)| json!({"match": {"context": {path: condition}}})),
        (field_condition(), field_condition())
            .prop_map(|(x, y)| json!({"match": {"context": {"x": x}, "resource": {"properties.y": y}}})),
        prop_oneof![Just("LOW"), Just("HIGH")]
            .prop_map(|level| json!({"state": {"at_level": {"category": "billing_risk", "level": level}}})),
        prop_oneof![Just("HIGH"), Just("CRITICAL")]
            .prop_map(|it| json!({"state": {"open_incident": {"severity": it}}})),
        Just(json!({"state": {"ineffective_within": {"seconds": 60}}})),
        Just(json!({"state": {"held": {"engine": "maos"}}})),
        Just(json!({"engines": ["billing"]})),
        Just(json!({"engines": ["qa"]})),
        Just(json!({})),
    ]
}

fn verdict() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("deny"), Just("needs_approval"), Just("allow")]
}

pub(super) fn rules() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec((verdict(), conditions()), 0..7).prop_map(|rules| {
        let rule = |(number, (verdict, mut rule)): (usize, (&str, Value))| {
            rule["id"] = format!("rule_{number}").into();
            rule["verdict"] = verdict.into();
            rule["message"] = format!("{verdict} {number}").into();
            rule
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

pub(super) fn any_request() -> impl Strategy<Value = AccessRequest> {
    let fields = || prop::collection::btree_map("[xy]", field_value(), 0..3);
    (fields(), fields()).prop_map(|(context, properties)| {
        request(&json!({
            "subject": {"type": "engine", "id": "billing"},
            "action": {"name": "refund"},
            "resource": {"type": "invoice", "id": "i", "properties": properties},
            "context": context,
        }))
    })
}

#[derive(Debug, Clone)]
pub(super) struct AnyState {
    pub(super) posture: Option<Posture>,
    pub(super) holds: Vec<Hold>,
}

pub(super) fn any_state() -> impl Strategy<Value = AnyState> {
    let severity = prop_oneof![Just(None), Just(Some(Severity::High)), Just(Some(Severity::Critical))];
    let hold_of = prop_oneof![Just(None), Just(Some(hold("maos", None, 60))), Just(Some(hold("billing", None, 60)))];
    (any::<bool>(), 0_i64..300, 0_usize..4, severity, hold_of).prop_map(|(is_written, age, level, severity, hold)| {
        let mut posture = healthy();
        posture.as_of = now().plus_seconds(-age);
        posture.policy_hash = PolicyHash::from_bytes([1; 32]);
        posture.levels.insert("billing_risk".to_owned(), RiskLevel::ALL[level]);
        if let Some(severity) = severity {
            let open_incidents = counts(severity);
            let last_ineffective_at = Some(now().plus_seconds(-age));
            let of_billing = EnginePosture { open_incidents, last_ineffective_at, ..EnginePosture::default() };
            posture.engines.insert(engine("billing"), of_billing);
        }
        AnyState { posture: is_written.then_some(posture), holds: hold.into_iter().collect() }
    })
}

/// Returns the pointers of all values in `value` that have none below them.
fn leaves(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| leaves(value, &format!("{at}/{key}"))).collect(),
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(index, value)| leaves(value, &format!("{at}/{index}"))).collect()
        }
        _ => vec![at.to_owned()],
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn order_of_rules_has_no_effect(
        shuffled in rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        request in any_request(),
        state in any_state()
    ) {
        let state = state_of(state.posture.as_ref(), &state.holds);
        let answer = |rules: Vec<Value>| evaluate(&ruled(rules), &request, &state);
        prop_assert_eq!(answer(shuffled.0), answer(shuffled.1));
    }

    #[test]
    fn rule_that_denies_or_needs_approval_never_permits_more(
        rules in rules(), request in any_request(), state in any_state(), conditions in conditions(), denies in any::<bool>()
    ) {
        let state = state_of(state.posture.as_ref(), &state.holds);
        let verdict = |rules: &[Value]| evaluate(&ruled(rules.to_vec()), &request, &state).verdict;
        let before = verdict(&rules);
        let mut added = conditions;
        added["id"] = "added".into();
        added["verdict"] = if denies { "deny" } else { "needs_approval" }.into();
        added["message"] = "added".into();
        let after = verdict(&[rules.clone(), vec![added]].concat());
        // A rule that needs approval opens a request that none matches, for a person to decide.
        prop_assert!(after >= before || (after == Verdict::NeedsApproval && !denies), "{before} {after}");
        prop_assert!(after != Verdict::Allow || before == Verdict::Allow);
    }

    #[test]
    fn less_knowledge_never_permits_more(rules in rules(), request in any_request(), state in any_state()) {
        let policy = ruled(rules);
        let verdict = |posture| evaluate(&policy, &request, &state_of(posture, &state.holds)).verdict;
        prop_assert!(verdict(None) >= verdict(state.posture.as_ref()));
    }

    #[test]
    fn explanation_agrees_with_the_verdict(rules in rules(), request in any_request(), state in any_state()) {
        let policy = ruled(rules);
        let state = state_of(state.posture.as_ref(), &[]);
        let evaluation = evaluate(&policy, &request, &state);
        let verdicts = explain(&policy, &request, &state).into_iter().filter_map(|rule| match rule.result {
            MatchResult::Matched => Some(rule.verdict),
            MatchResult::Unknown if rule.verdict != Verdict::Allow => Some(Verdict::Deny),
            MatchResult::Unknown | MatchResult::NotMatched => None,
        });
        prop_assert_eq!(evaluation.verdict, verdicts.max().unwrap_or(Verdict::Deny));
    }

    #[test]
    fn explanation_of_a_record_agrees_with_that_of_the_request(
        rules in rules(), request in any_request(), state in any_state(), is_whole in any::<bool>()
    ) {
        let policy = ruled(rules);
        let state = state_of(state.posture.as_ref(), &state.holds);
        let decision = recorded(&policy, &request, &state, is_whole);
        let in_record = |result| match result {
            MatchResult::Matched => RecordedMatch::Matched,
            MatchResult::NotMatched => RecordedMatch::NotMatched,
            MatchResult::Unknown => RecordedMatch::Unknown,
        };
        for (shown, real) in explain_recorded(&policy, &decision).into_iter().zip(explain(&policy, &request, &state)) {
            let results = [(shown.result, real.result)].into_iter().chain(
                shown.conditions.iter().zip(&real.conditions).map(|(shown, real)| (shown.result, real.result)),
            );
            for (shown, real) in results {
                prop_assert!(shown == RecordedMatch::NotRecorded || shown == in_record(real), "{shown:?} {real:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(mutated_cases())]

    #[test]
    fn mutated_request_is_refused_or_decided_by_mutated_rules(
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}:,\"a-e0-9.eE+\\\\ -]{0,3}"), 1..4),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), field_value()), 0..3),
        state in any_state()
    ) {
        let mut request = refund(json!({"a": {"b": "a"}, "amount": 0.5})).as_json();
        for (place, edit) in edits {
            let place = place.index(request.len());
            request.replace_range(place..place.saturating_add(edit.len()).min(request.len()), &edit);
        }
        let mut rules = serde_json::to_value(test_data::guardrails()).unwrap();
        for (place, value) in mutations {
            let places = leaves(&rules, "");
            *rules.pointer_mut(place.get::<String>(&places)).unwrap() = value;
        }
        let Ok(request) = AccessRequest::from_json(&request) else { return Ok(()) };
        // Rules that validation would refuse are evaluated as well: a later version may have stored them.
        let mut policy = DEFAULT.clone();
        policy.guardrails = serde_json::from_value(rules).unwrap_or_else(|_| test_data::guardrails());
        let state = state_of(state.posture.as_ref(), &state.holds);
        let evaluation = evaluate(&policy, &request, &state);
        prop_assert!(!evaluation.reasons.is_empty());
        prop_assert!(evaluation.verdict.is_known());
        prop_assert_eq!(explain(&policy, &request, &state).len(), 1);
    }
}
