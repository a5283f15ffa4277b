//! Verdicts, repeats and the state that they depend on.

use age_model::{Clock, RiskLevel};
use serde_json::json;

use super::{EVALUATION, ask, ask_as, fleet, hold_billing, id, operation, posture, refund, verdict, world};
use crate::world::World;
use crate::world::test_credentials::{ANOTHER_ENGINE, BILLING, TESTS};

#[tokio::test]
async fn guardrails_decide_and_the_record_says_why() {
    let world = world().await;
    let small = ask(&world, &refund(10)).await;
    assert_eq!(verdict(&small), ("allow", "rule_matched"));
    let large = ask(&world, &refund(1001)).await;
    assert_eq!(verdict(&large), ("needs_approval", "rule_matched"));
    assert_eq!(large.text("/context/approval/status"), "pending");
    assert_eq!(verdict(&ask(&world, &operation("drop_table", 0)).await), ("deny", "no_rule"));

    let shown = world.get(&format!("/api/governance/decisions/{}", id(&small))).await;
    assert_eq!(shown.text("/request/action"), "refund");
    assert_eq!((shown.text("/engine"), shown.text("/askedBy")), ("billing", BILLING));
    assert_eq!(shown.text("/reasons/0/rule"), "refunds");
    assert_eq!(shown.text("/policyHash"), small.text("/context/policyHash"));
    assert!(shown.json["request"].get("payload").is_none(), "the policy does not record payloads");
    let time = "2026-11-23T00:10:00.000Z";
    assert_eq!((small.text("/context/expiresAt"), shown.text("/expiresAt")), (time, time));
}

#[tokio::test]
async fn policy_without_guardrails_permits_nothing() {
    let world = World::new().await;
    assert_eq!(verdict(&ask(&world, &operation("charge", 1)).await), ("deny", "no_rule"));
}

#[tokio::test]
async fn rules_that_use_the_posture_deny_when_it_is_151_seconds_old_and_others_decide() {
    let world = world().await;
    world.clock.advance(150);
    assert_eq!(verdict(&ask(&world, &refund(10)).await), ("allow", "rule_matched"));
    world.clock.advance(1);
    assert_eq!(verdict(&ask(&world, &refund(10)).await), ("deny", "stale_state"));
    assert_eq!(verdict(&ask(&world, &operation("charge", 10)).await), ("allow", "rule_matched"));
    world.sweep().await;
    world.clock.advance(1);
    assert_eq!(verdict(&ask(&world, &refund(10)).await), ("allow", "rule_matched"));
}

#[tokio::test]
async fn levels_of_the_posture_decide() {
    let world = world().await;
    let mut risky = posture(&world).await;
    world.clock.advance(1);
    risky.as_of = world.clock.now();
    risky.levels.insert("billing_risk".to_owned(), RiskLevel::High);
    assert!(fleet(&world).record_posture(&risky, world.clock.as_ref()).await.unwrap().is_latest);
    let denied = ask(&world, &refund(10)).await;
    assert_eq!(verdict(&denied), ("deny", "rule_matched"));
    assert_eq!(denied.text("/context/reasons/0/rule"), "no_refunds_at_risk");
    assert_eq!(denied.text("/context/posture/levels/billing_risk"), "HIGH");
}

#[tokio::test]
async fn hold_denies_every_request_in_every_environment_after_it_was_set() {
    let world = world().await;
    let environments = [world.new_environment().await, world.new_environment().await];
    for environment in &environments {
        let answer = environment.with_token(world.token(BILLING)).post_json(EVALUATION, &refund(10)).await;
        assert_eq!(verdict(&answer).0, "allow");
    }
    hold_billing(&world).await;
    for environment in &environments {
        let answer = environment.with_token(world.token(BILLING)).post_json(EVALUATION, &refund(10)).await;
        assert_eq!(verdict(&answer), ("deny", "held"));
        assert_eq!(answer.list("/context/posture/holds").len(), 1);
    }
    world.clock.advance(3600);
    assert_eq!(verdict(&ask(&world, &operation("charge", 10)).await).0, "allow");
}

#[tokio::test]
async fn state_of_the_fleet_is_read_once_a_second() {
    let world = world().await;
    let mut reads = Vec::new();
    for millis in [0, 0, 999, 1, 1000] {
        world.clock.advance_millis(millis);
        let before = world.dynamodb.calls("GetItem");
        assert_eq!(verdict(&ask(&world, &refund(10)).await).0, "allow");
        reads.push(world.dynamodb.calls("GetItem") - before);
    }
    assert_eq!(reads, [1, 0, 0, 1, 1]);
}

#[tokio::test]
async fn repeat_gets_the_recorded_answer_until_it_expires() {
    let world = world().await;
    let asked_at = world.clock.now();
    let first = ask_as(&world, &refund(10), "r-1").await;
    assert_eq!((verdict(&first).0, first.header("x-request-id")), ("allow", Some("r-1")));
    hold_billing(&world).await;
    let repeat = ask_as(&world, &refund(10), "r-1").await;
    assert_eq!(repeat.json, first.json, "the recorded answer");
    assert_eq!(verdict(&ask_as(&world, &refund(10), "r-2").await).0, "deny");
    assert_eq!(verdict(&ask_as(&world, &refund(11), "r-1").await).0, "deny", "another request with the same id");
    world.clock.set(asked_at.plus_seconds(299));
    assert_eq!(ask_as(&world, &refund(10), "r-1").await.json, first.json);
    world.clock.set(asked_at.plus_seconds(300));
    let later = ask_as(&world, &refund(10), "r-1").await;
    assert_eq!(verdict(&later).0, "deny");
    assert_eq!(ask_as(&world, &refund(10), "r-1").await.json, later.json, "the record of after the expiry");
    let shown = world.get(&format!("/api/governance/decisions/{}", id(&first))).await;
    assert_eq!(shown.text("/verdict"), "allow", "the earlier record stays");
}

#[tokio::test]
async fn same_request_of_another_caller_is_no_repeat() {
    let world = world().await;
    let request = json!({
        "subject": { "type": "user", "id": "alice" }, "action": { "name": "charge" },
        "resource": { "type": "invoice", "id": "1" }, "context": { "engine": "billing" },
    });
    let headers = [("Content-Type", "application/json"), ("X-Request-ID", "r-1")];
    let mut ids = Vec::new();
    for caller in [BILLING, TESTS] {
        let body = request.to_string();
        let answer = world.as_caller(caller).send("POST", EVALUATION, &headers, body.as_bytes()).await;
        ids.push(id(&answer).to_owned());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn engine_is_that_of_the_credential_or_of_the_context() {
    let world = world().await;
    let request = |subject: &str, context: serde_json::Value| {
        json!({
            "subject": { "type": "engine", "id": subject }, "action": { "name": "charge" },
            "resource": { "type": "invoice", "id": "1" }, "context": context,
        })
    };
    let several = world.as_caller(ANOTHER_ENGINE);
    for (api, request, pointer) in [
        (&several, request("qa", json!({})), "/context/engine"),
        (&several, request("billing", json!({ "engine": "billing" })), "/context/engine"),
        (&several, request("maos", json!({ "engine": "qa" })), "/subject/id"),
        (&several, request("qa", json!({ "engine": 1 })), "/context/engine"),
        (&world.as_caller(BILLING), request("qa", json!({})), "/subject/id"),
        (&world.as_caller(TESTS), request("search", json!({ "engine": "search" })), "/context/engine"),
        (&world.as_caller(TESTS), request("qa", json!({})), "/context/engine"),
    ] {
        let refused = api.post_json(EVALUATION, &request).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (400, pointer), "{request}");
    }
    let qa = several.post_json(EVALUATION, &request("qa", json!({ "engine": "qa" }))).await;
    assert_eq!(verdict(&qa).0, "allow");
}

#[tokio::test]
async fn request_that_is_not_valid_is_a_400_with_the_field() {
    let world = world().await;
    let billing = world.as_caller(BILLING);
    let json_type = [("Content-Type", "application/json"), ("X-Request-ID", "r-9")];
    for (body, pointer) in [
        (r#"{"action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#, "/subject"),
        (r#"{"subject":"alice","action":{"name":"a"},"resource":{"type":"t","id":"1"}}"#, "/subject"),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{"name":1},"resource":{"type":"t","id":"1"}}"#,
            "/action/name",
        ),
        (r#"{"subject":{"type":"user","id":"a"},"action":{"name":"a"},"resource":{"type":"t"}}"#, "/resource/id"),
        (
            r#"{"subject":{"type":"user","id":"a"},"action":{"name":"a"},"action":{"name":"b"},"resource":{"type":"t","id":"1"}}"#,
            "/action",
        ),
    ] {
        let refused = billing.send("POST", EVALUATION, &json_type, body.as_bytes()).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (400, pointer), "{body}: {refused:?}");
        assert_eq!(refused.header("x-request-id"), Some("r-9"), "{body}");
    }
    for body in ["", "{", "[]", "1"] {
        assert_eq!(billing.send("POST", EVALUATION, &json_type, body.as_bytes()).await.status, 400, "{body}");
    }
    let body = refund(1).to_string();
    for headers in [&[][..], &[("Content-Type", "text/plain")]] {
        assert_eq!(billing.send("POST", EVALUATION, headers, body.as_bytes()).await.status, 400);
    }
}

#[tokio::test]
async fn configuration_names_the_url_by_which_it_was_asked() {
    let world = World::new().await;
    let configuration = ("GET", "/.well-known/authzen-configuration");
    for (headers, base) in [
        (&[("Host", "age.example")][..], "https://age.example"),
        (&[("Host", "127.0.0.1:4567"), ("X-Forwarded-Proto", "http")], "http://127.0.0.1:4567"),
    ] {
        let shown = world.api().send_without_token(configuration.0, configuration.1, headers, b"").await;
        assert_eq!((shown.status, shown.text("/policy_decision_point")), (200, base));
        assert_eq!(shown.text("/access_evaluation_endpoint"), format!("{base}/access/v1/evaluation"));
        assert_eq!(shown.text("/access_evaluations_endpoint"), format!("{base}/access/v1/evaluations"));
    }
}
