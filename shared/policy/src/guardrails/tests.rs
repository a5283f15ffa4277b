//! Tests of the evaluation of guardrails.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use age_model::{Engine, EnginePosture, PolicyHash, Posture, RiskLevel, Severity, SeverityCounts, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::guardrail_document::test_data;

const NOW: &str = "2026-11-26T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn engine(name: &str) -> Engine {
    name.parse().unwrap()
}

/// Returns the default policy with these guardrails.
fn policy(guardrails: &Value) -> Policy {
    let mut document = serde_json::to_value(Policy::compiled().unwrap()).unwrap();
    document["guardrails"] = guardrails.clone();
    Policy::from_value(&document).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn request(value: &Value) -> AccessRequest {
    AccessRequest::from_json(&value.to_string()).unwrap()
}

fn refund(context: Value) -> AccessRequest {
    let mut value = json!({
        "subject": {"type": "engine", "id": "billing"},
        "action": {"name": "refund"},
        "resource": {"type": "invoice", "id": "i-1", "properties": {"status": "open", "urgent": true, "lines": [1]}},
    });
    value["context"] = context;
    request(&value)
}

/// A posture that was written now, in which nothing is wrong.
fn healthy() -> Posture {
    let categories = DEFAULT.categories.iter();
    let levels = categories.map(|category| (category.name.clone(), RiskLevel::Low)).collect();
    Posture { as_of: now(), policy_hash: Policy::COMPILED_HASH, levels, engines: BTreeMap::new() }
}

fn state<'a>(posture: Option<&'a Posture>, holds: &'a [Hold]) -> FleetState<'a> {
    FleetState { engine: engine("billing"), now: now(), posture, holds }
}

fn hold(engine_name: &str, operation: Option<&str>, seconds: i64) -> Hold {
    Hold {
        id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
        engine: engine(engine_name),
        operation: operation.map(str::to_owned),
        reason: "audit\nof refunds".to_owned(),
        set_by: HoldOrigin::Person("desk".parse().unwrap()),
        set_at: now(),
        until: now().plus_seconds(seconds),
    }
}

fn counts(severity: Severity) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    counts.add(severity, 1);
    counts
}

/// Returns verdict, codes and messages of one guardrail beside one that allows everything.
fn answer(guardrail: &Value, request: &AccessRequest, state: &FleetState<'_>) -> (&'static str, String) {
    let everything = json!({"id": "everything", "verdict": "allow", "message": "allowed"});
    let policy = if guardrail["verdict"] == "allow" { json!([guardrail]) } else { json!([guardrail, everything]) };
    let evaluation = evaluate(&self::policy(&policy), request, state);
    let reasons = evaluation.reasons.iter();
    let shown = reasons.map(|it| format!("{}: {}", it.code, it.message.replace("; guardrail rule reads it", "")));
    (evaluation.verdict.as_str(), shown.collect::<Vec<_>>().join("; "))
}

/// Asserts the answers of a rule with `conditions` for each verdict, given how the condition turns out: `None` if it is met,
/// `Some(Ok(()))` if not, and `Some(Err(reason))` if that is unknown.
fn assert_answers(conditions: &Value, request: &AccessRequest, state: &FleetState<'_>, outcome: Result<bool, &str>) {
    for verdict in ["deny", "needs_approval", "allow"] {
        let mut guardrail = conditions.clone();
        guardrail["id"] = "rule".into();
        guardrail["verdict"] = verdict.into();
        guardrail["message"] = "the rule".into();
        let no_rule = "no_rule: no guardrail of the policy matches the request";
        let expected = match (outcome, verdict) {
            (Ok(true), _) => (verdict, "rule_matched: the rule".to_owned()),
            (Ok(false) | Err(_), "allow") => ("deny", no_rule.to_owned()),
            (Ok(false), _) => ("allow", "rule_matched: allowed".to_owned()),
            (Err(reason), _) => ("deny", reason.to_owned()),
        };
        assert_eq!(answer(&guardrail, request, state), expected, "{guardrail} {:?} {state:?}", request.context);
    }
}

#[test]
fn every_field_condition_matches_or_not_or_is_unknown() {
    let posture = healthy();
    let state = state(Some(&posture), &[]);
    // The condition, values that meet it, values that do not, values of another type, and the type.
    let table = [
        (json!({"equals": "a"}), json!(["a"]), json!(["b", "", "A"]), json!([1, true, null, [], {}]), "a string"),
        (
            json!({"equals": 1000}),
            json!([1000, 1000.0, 1e3]),
            json!([1000.5, 0, -1000, 9_007_199_254_740_993_i64]),
            json!(["1000", false]),
            "a number",
        ),
        (json!({"equals": 0.1}), json!([0.1]), json!([0.2, 1]), json!(["0.1"]), "a number"),
        (json!({"equals": true}), json!([true]), json!([false]), json!(["true", 1, null]), "true or false"),
        (
            json!({"in": ["a", 1]}),
            json!(["a", 1]),
            json!(["b", 2]),
            json!([true, null, ["a"]]),
            "of the type of one of the values",
        ),
        (json!({"prefix": "ab"}), json!(["ab", "abc"]), json!(["a", "b"]), json!([1, {"ab": 1}]), "a string"),
        (
            json!({"above": 1000}),
            json!([1000.5, 1001, u64::MAX, 1e300]),
            json!([1000, 999.5, -1e300, i64::MIN]),
            json!(["1001", null]),
            "a number",
        ),
        (json!({"below": -0.5}), json!([-1, -0.6, -1e300]), json!([-0.5, 0, 1, u64::MAX]), json!(["-1"]), "a number"),
        (json!({"exists": true}), json!([1, "", null, false, [], {}]), json!([]), json!([]), "any value"),
        (json!({"exists": false}), json!([]), json!([1, null]), json!([]), "any value"),
        (json!({"above": 1, "below": 3, "exists": true}), json!([2]), json!([1, 3]), json!(["2"]), "a number"),
    ];
    for (condition, matching, other, of_wrong_type, expected_type) in table {
        for (path, nested) in [("x", false), ("a.x", true)] {
            let with = |value: &Value| if nested { json!({"a": {"x": value}}) } else { json!({"x": value}) };
            let conditions = json!({"match": {"context": {path: condition}}});
            for value in matching.as_array().unwrap() {
                assert_answers(&conditions, &refund(with(value)), &state, Ok(true));
            }
            for value in other.as_array().unwrap() {
                assert_answers(&conditions, &refund(with(value)), &state, Ok(false));
            }
            let times = condition.as_object().unwrap().keys().filter(|key| *key != "exists").count();
            for value in of_wrong_type.as_array().unwrap() {
                let reason = format!("wrong_type: context.{path} is not {expected_type}");
                assert_answers(&conditions, &refund(with(value)), &state, Err(&vec![reason; times].join("; ")));
            }
            let is_missing = format!("missing_field: context.{path} is missing");
            let missing = match condition["exists"].as_bool() {
                Some(exists) if times == 0 => Ok(!exists),
                Some(_) => Ok(false),
                None => Err(is_missing.as_str()),
            };
            for context in [json!({}), json!({"a": {}, "y": 1}), json!({"a": 1}), json!({"a.x": 1, "X": 1})] {
                assert_answers(&conditions, &refund(context), &state, missing);
            }
        }
    }
}

#[test]
fn fields_of_every_part_are_read() {
    let posture = healthy();
    let state = state(Some(&posture), &[]);
    for (part, path, value) in [
        ("subject", "type", "engine"),
        ("subject", "id", "billing"),
        ("action", "name", "refund"),
        ("resource", "type", "invoice"),
        ("resource", "id", "i-1"),
        ("resource", "properties.status", "open"),
    ] {
        let of = |value: &str| json!({"match": {part: {path: {"equals": value}}}});
        assert_answers(&of(value), &refund(json!({})), &state, Ok(true));
        assert_answers(&of("other"), &refund(json!({})), &state, Ok(false));
    }
    for part in ["subject", "action", "resource"] {
        let missing = format!("missing_field: {part}.properties.p is missing");
        let conditions = json!({"match": {part: {"properties.p": {"equals": 1}}}});
        assert_answers(&conditions, &refund(json!({})), &state, Err(&missing));
    }
}

#[test]
fn every_state_condition_matches_or_not_or_is_unknown() {
    let level = json!({"at_level": {"category": "performance_risk", "level": "HIGH"}});
    let open = json!({"open_incident": {"severity": "HIGH"}});
    let unacknowledged = json!({"open_incident": {"severity": "HIGH", "unacknowledged": true, "engine": "maos"}});
    let ineffective = json!({"ineffective_within": {"seconds": 3600}});
    let others = json!({"ineffective_within": {"seconds": 3600, "engine": "maos"}});
    let with_level = |level| {
        let mut posture = healthy();
        posture.levels.insert("performance_risk".to_owned(), level);
        posture
    };
    let with_engine = |name, of_engine| {
        let mut posture = healthy();
        posture.engines.insert(engine(name), of_engine);
        posture
    };
    let none = EnginePosture::default();
    let opened = |severity| EnginePosture { open_incidents: counts(severity), ..none };
    let left = |severity| EnginePosture { unacknowledged_incidents: counts(severity), ..opened(severity) };
    let since = |seconds: i64| EnginePosture { last_ineffective_at: Some(now().plus_seconds(-seconds)), ..none };
    let table = [
        (&level, with_level(RiskLevel::High), true),
        (&level, with_level(RiskLevel::Critical), true),
        (&level, with_level(RiskLevel::Medium), false),
        (&open, with_engine("billing", opened(Severity::High)), true),
        (&open, with_engine("billing", opened(Severity::Critical)), true),
        (&open, with_engine("billing", opened(Severity::Medium)), false),
        (&open, with_engine("maos", opened(Severity::High)), false),
        (&unacknowledged, with_engine("maos", left(Severity::Critical)), true),
        (&unacknowledged, with_engine("maos", opened(Severity::Critical)), false),
        (&unacknowledged, with_engine("billing", left(Severity::Critical)), false),
        (&ineffective, with_engine("billing", since(3600)), true),
        (&ineffective, with_engine("billing", since(3601)), false),
        (&ineffective, with_engine("billing", none), false),
        (&ineffective, with_engine("maos", since(1)), false),
        (&others, with_engine("maos", since(1)), true),
    ];
    for (conditions, posture, is_met) in table {
        let conditions = json!({"state": conditions});
        let current = Posture { as_of: now().plus_seconds(-150), ..posture.clone() };
        assert_answers(&conditions, &refund(json!({})), &state(Some(&current), &[]), Ok(is_met));
        let stale = Posture { as_of: now().plus_seconds(-151), ..posture.clone() };
        let reason = format!("stale_state: the state of the fleet is of {}, more than 2 min 30 s ago", stale.as_of);
        assert_answers(&conditions, &refund(json!({})), &state(Some(&stale), &[]), Err(&reason));
        let ahead = Posture { as_of: now().plus_seconds(151), ..posture.clone() };
        let reason = format!("stale_state: the state of the fleet is of {}, more than 2 min 30 s ahead", ahead.as_of);
        assert_answers(&conditions, &refund(json!({})), &state(Some(&ahead), &[]), Err(&reason));
        let reason = "unknown_state: the state of the fleet was never written";
        assert_answers(&conditions, &refund(json!({})), &state(None, &[]), Err(reason));
    }
    let conditions = json!({"state": level});
    let mut posture = healthy();
    posture.levels.remove("performance_risk");
    let reason = "stale_state: the state of the fleet has no level of performance_risk";
    assert_answers(&conditions, &refund(json!({})), &state(Some(&posture), &[]), Err(reason));
    let reason = "unknown_state: the level DIRE of performance_risk is of a later version";
    let posture = with_level(RiskLevel::stored("DIRE"));
    assert_answers(&conditions, &refund(json!({})), &state(Some(&posture), &[]), Err(reason));
}

#[test]
fn hold_on_another_engine_is_read_whatever_the_age_of_the_posture() {
    let conditions = json!({"state": {"held": {"engine": "maos"}}});
    let stale = Posture { as_of: now().plus_seconds(-9999), ..healthy() };
    for posture in [None, Some(&stale)] {
        for (hold, is_met) in [
            (hold("maos", None, 1), true),
            (hold("maos", None, 0), false),
            (hold("maos", Some("refund"), 1), false),
            (hold("qa", None, 1), false),
        ] {
            assert_answers(&conditions, &refund(json!({})), &state(posture, &[hold]), Ok(is_met));
        }
    }
}

#[test]
fn active_hold_of_the_asking_engine_denies_before_every_rule() {
    let everything = policy(&json!([{"id": "everything", "verdict": "allow", "message": "allowed"}]));
    let verdict = |hold: Hold| evaluate(&everything, &refund(json!({})), &state(None, &[hold]));
    let held = verdict(hold("billing", None, 60));
    assert_eq!(
        held.reasons,
        [DecisionReason {
            rule: None,
            code: ReasonCode::Held,
            message: "billing is on hold until 2026-11-26T12:01:00.000Z, set by desk: audit[U+000A]of refunds"
                .to_owned(),
        }]
    );
    assert!(held.verdict == Verdict::Deny && !held.used_posture);
    assert_eq!(verdict(hold("billing", Some("refund"), 60)).verdict, Verdict::Deny);
    let by_policy = Hold { set_by: HoldOrigin::Policy("critical".to_owned()), ..hold("billing", Some("refund"), 60) };
    let message = &verdict(by_policy).reasons[0].message;
    assert!(message.starts_with("refund of billing is on hold until ") && message.contains("hold rule critical"));
    for without_effect in [hold("billing", None, 0), hold("billing", Some("charge"), 60), hold("maos", None, 60)] {
        assert_eq!(verdict(without_effect).verdict, Verdict::Allow);
    }
}

#[test]
fn false_condition_outweighs_an_unknown_one() {
    let conditions = json!({
        "match": {"context": {"amount": {"above": 5}, "missing": {"equals": 1}}},
        "state": {"at_level": {"category": "billing_risk", "level": "HIGH"}},
    });
    assert_answers(&conditions, &refund(json!({"amount": 5})), &state(None, &[]), Ok(false));
    let reasons = "missing_field: context.missing is missing; unknown_state: the state of the fleet was never written";
    assert_answers(&conditions, &refund(json!({"amount": 6})), &state(None, &[]), Err(reasons));
    let conditions = json!({"engines": ["qa"], "match": {"context": {"missing": {"equals": 1}}}});
    assert_answers(&conditions, &refund(json!({})), &state(None, &[]), Ok(false));
    assert_answers(&json!({"engines": ["qa", "billing"]}), &refund(json!({})), &state(None, &[]), Ok(true));
}

#[test]
fn posture_is_used_only_if_the_answer_depends_on_it() {
    let rules = |amount: i64| {
        policy(&json!([
            {"id": "everything", "verdict": "allow", "message": "allowed"},
            {"id": "risky", "verdict": "deny", "message": "risky", "match": {"context": {"amount": {"above": amount}}},
             "state": {"at_level": {"category": "billing_risk", "level": "HIGH"}}},
        ]))
    };
    let (posture, request) = (healthy(), refund(json!({"amount": 10})));
    let used = |amount, posture| evaluate(&rules(amount), &request, &state(posture, &[]));
    assert!(used(1, Some(&posture)).used_posture && used(1, None).used_posture);
    assert!(!used(10, Some(&posture)).used_posture);
    assert_eq!((used(10, None).verdict, used(1, None).verdict), (Verdict::Allow, Verdict::Deny));
}

#[test]
fn policy_without_guardrails_and_a_verdict_of_a_later_version_deny() {
    let evaluation = evaluate(&Policy::compiled().unwrap(), &refund(json!({})), &state(Some(&healthy()), &[]));
    assert_eq!((evaluation.verdict, evaluation.reasons[0].code), (Verdict::Deny, ReasonCode::NoRule));
    let mut policy = policy(&json!([
        {"id": "b", "verdict": "allow", "message": "allowed"}, {"id": "a", "verdict": "allow", "message": "allowed"},
    ]));
    policy.guardrails[1].verdict = Verdict::stored("quarantine");
    let evaluation = evaluate(&policy, &refund(json!({})), &state(None, &[]));
    assert_eq!((evaluation.verdict, evaluation.reasons.len()), (Verdict::Deny, 1));
    assert_eq!(evaluation.reasons[0].rule.as_deref(), Some("a"));
}

#[test]
fn explanation_names_each_condition_and_what_it_found() {
    let policy = policy(&json!([
        {"id": "large", "verdict": "needs_approval", "message": "large", "engines": ["billing"],
         "match": {"action": {"name": {"in": ["refund"]}}, "context": {"amount": {"above": 1000}, "to": {"prefix": "DE"}}},
         "state": {"open_incident": {"severity": "HIGH", "unacknowledged": true}}},
        {"id": "everything", "verdict": "allow", "message": "allowed"},
    ]));
    let posture = healthy();
    let explained = explain(&policy, &refund(json!({"amount": 999})), &state(Some(&posture), &[]));
    assert_eq!(
        serde_json::to_value(explained).unwrap(),
        json!([
            {"rule": "large", "verdict": "needs_approval", "result": "not_matched", "conditions": [
                {"condition": "engine is billing", "result": "matched"},
                {"condition": "action.name is one of \"refund\"", "result": "matched"},
                {"condition": "context.amount is above 1000", "result": "not_matched", "detail": "context.amount is 999"},
                {"condition": "context.to begins with \"DE\"", "result": "unknown", "code": "missing_field",
                 "detail": "context.to is missing"},
                {"condition": "the asking engine has an unacknowledged incident of HIGH or above",
                 "result": "not_matched"},
            ]},
            {"rule": "everything", "verdict": "allow", "result": "matched", "conditions": []},
        ])
    );
}

/// The default policy, parsed once for all cases of the properties.
static DEFAULT: LazyLock<Policy> = LazyLock::new(|| Policy::compiled().unwrap());

/// Returns the default policy with these rules, which are valid.
fn ruled(rules: Vec<Value>) -> Policy {
    let guardrails = rules.into_iter().map(|rule| serde_json::from_value(rule).unwrap()).collect();
    Policy { guardrails, ..DEFAULT.clone() }
}

/// The cases of each of the five properties: a million together in the slow profile.
fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 200_000 } else { 1_000 })
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

fn rules() -> impl Strategy<Value = Vec<Value>> {
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

fn any_request() -> impl Strategy<Value = AccessRequest> {
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
struct AnyState {
    posture: Option<Posture>,
    holds: Vec<Hold>,
}

fn any_state() -> impl Strategy<Value = AnyState> {
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
        let state = self::state(state.posture.as_ref(), &state.holds);
        let answer = |rules: Vec<Value>| evaluate(&ruled(rules), &request, &state);
        prop_assert_eq!(answer(shuffled.0), answer(shuffled.1));
    }

    #[test]
    fn rule_that_denies_or_needs_approval_never_permits_more(
        rules in rules(), request in any_request(), state in any_state(), conditions in conditions(), denies in any::<bool>()
    ) {
        let state = self::state(state.posture.as_ref(), &state.holds);
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
        let verdict = |posture| evaluate(&policy, &request, &self::state(posture, &state.holds)).verdict;
        prop_assert!(verdict(None) >= verdict(state.posture.as_ref()));
    }

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
        let state = self::state(state.posture.as_ref(), &state.holds);
        let evaluation = evaluate(&policy, &request, &state);
        prop_assert!(!evaluation.reasons.is_empty());
        prop_assert!(evaluation.verdict.is_known());
        prop_assert_eq!(explain(&policy, &request, &state).len(), 1);
    }

    #[test]
    fn explanation_agrees_with_the_verdict(rules in rules(), request in any_request(), state in any_state()) {
        let policy = ruled(rules);
        let state = self::state(state.posture.as_ref(), &[]);
        let evaluation = evaluate(&policy, &request, &state);
        let verdicts = explain(&policy, &request, &state).into_iter().filter_map(|rule| match rule.result {
            MatchResult::Matched => Some(rule.verdict),
            MatchResult::Unknown if rule.verdict != Verdict::Allow => Some(Verdict::Deny),
            MatchResult::Unknown | MatchResult::NotMatched => None,
        });
        prop_assert_eq!(evaluation.verdict, verdicts.max().unwrap_or(Verdict::Deny));
    }
}
