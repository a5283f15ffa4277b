//! Tables of requests and states, and the answers of the guardrails to them.

use age_model::{EnginePosture, Posture, RiskLevel, Severity};
use serde_json::{Value, json};

use super::test_data::{counts, engine, healthy, hold, now, policy, refund, state};
use super::*;

/// Returns verdict, codes and messages of one guardrail beside one that allows everything.
fn answer(guardrail: &Value, request: &AccessRequest, state: &FleetState<'_>) -> (&'static str, String) {
    let everything = json!({"id": "everything", "verdict": "allow", "message": "allowed"});
    let policy = if guardrail["verdict"] == "allow" { json!([guardrail]) } else { json!([guardrail, everything]) };
    let evaluation = evaluate(&super::test_data::policy(&policy), request, state);
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
