//! The fixture of AuthZEN's certification and the example of guardrails, as people wrote them.

use age_model::{AccessRequest, Engine, Verdict};
use serde_json::json;

use crate::decision_document::DecisionRules;
use crate::document::Policy;
use crate::guardrails::{FleetState, evaluate};

const FIXTURE: &str = include_str!("../../../../tests/authzen/policy.toml");
const EXAMPLE: &str = include_str!("../../../../examples/guardrails.toml");

#[test]
fn policies_are_the_default_policy_with_guardrails() {
    for text in [FIXTURE, EXAMPLE] {
        let mut policy = Policy::from_toml(text).unwrap();
        assert!(policy.guardrails.len() >= 4);
        policy.guardrails.clear();
        policy.decisions = DecisionRules::default();
        assert_eq!(policy, Policy::compiled().unwrap());
    }
}

#[test]
fn fixture_has_the_eight_decisions_of_the_certification_whichever_engine_asks() {
    let policy = Policy::from_toml(FIXTURE).unwrap();
    let (alice, bob) = (json!({"type": "user", "id": "alice"}), json!({"type": "user", "id": "bob"}));
    let admin = json!({"type": "user", "id": "bob", "properties": {"role": "admin"}});
    let record = json!({"type": "record", "id": "record-1"});
    let active = json!({"type": "record", "id": "record-1", "properties": {"status": "active"}});
    let archived = json!({"type": "record", "id": "record-2", "properties": {"status": "archived"}});
    let named = |name: &str| json!({"name": name});
    let delete = |soft: bool| json!({"name": "delete", "properties": {"soft": soft}});
    let decisions = [
        (&alice, named("read"), &record, true),
        (&alice, named("write"), &record, true),
        (&bob, named("read"), &record, true),
        (&bob, named("write"), &record, false),
        (&alice, named("write"), &archived, false),
        (&admin, named("write"), &archived, true),
        (&alice, delete(true), &record, true),
        (&alice, delete(false), &record, false),
        (&alice, named("write"), &active, true),
        (&alice, named("delete"), &record, false),
    ];
    let now = "2026-11-26T12:00:00Z".parse().unwrap();
    for (subject, action, resource, is_allowed) in decisions {
        for (engine, context) in [("qa", json!({})), ("billing", json!({"time": "2025-06-27T18:03-07:00"}))] {
            let request = json!({"subject": subject, "action": action, "resource": resource, "context": context});
            let request = AccessRequest::from_json(&request.to_string()).unwrap();
            let state = FleetState { engine: Engine::from_static(engine), now, posture: None, holds: &[] };
            let evaluation = evaluate(&policy, &request, &state);
            assert_eq!(evaluation.verdict == Verdict::Allow, is_allowed, "{evaluation:?}: {}", request.as_json());
        }
    }
}
