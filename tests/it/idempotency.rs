//! Idempotency keys: one event for each key, however often it is sent.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::{World, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_with_one_key_store_one_event() {
    let world = World::new().await;
    world.dynamodb.conflict_on_overlap();
    let sent = event("billing", "invoice_sync_failed", "HIGH");
    let environments = join_all((0..50).map(|_| world.new_environment())).await;
    let responses = join_all(environments.iter().map(|api| api.post(&sent, Some("order-17")))).await;

    let created: Vec<_> = responses.iter().filter(|response| response.status == 201).collect();
    let replayed: Vec<_> = responses.iter().filter(|response| response.status == 200).collect();
    assert_eq!((created.len(), replayed.len()), (1, 49));
    assert!(created[0].header("idempotency-replayed").is_none());
    for response in &replayed {
        assert_eq!(response.header("idempotency-replayed"), Some("true"));
        assert_eq!(response.text("/id"), created[0].text("/id"));
        assert_eq!(response.text("/occurredAt"), created[0].text("/occurredAt"));
    }
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
    assert_eq!(world.get("/api/governance/events").await.list("/events").len(), 1);
    assert_eq!(world.sns.published("actions").len(), 1);

    let replay = world.post_keyed(&sent, "order-17").await;
    assert_eq!(replay.actions(), [("billing_sync_repair", "dispatched")]);
}

#[tokio::test]
async fn different_body_with_a_used_key_is_refused() {
    let world = World::new().await;
    let first = json!({"engine": "qa", "eventType": "suite_failed", "severity": "HIGH", "details": {"a": 1, "b": [2]}});
    assert_eq!(world.post_keyed(&first, "k").await.status, 201);
    for (name, value) in [
        ("eventType", json!("suite_passed")),
        ("severity", json!("LOW")),
        ("details", json!({"a": 1})),
        ("sourceTime", json!("2026-11-23T00:00:00Z")),
        ("decisionId", json!("01936f2e-0000-7000-8000-00000000000d")),
    ] {
        let mut other = first.clone();
        other[name] = value;
        let refused = world.post_keyed(&other, "k").await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/Idempotency-Key"), "{name}");
    }
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
    assert_eq!(world.sns.published("actions").len(), 1);
}

#[tokio::test]
async fn field_order_does_not_change_the_body() {
    let world = World::new().await;
    let post = async |body: &str| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k")];
        world.send("POST", "/api/governance/event", &headers, body.as_bytes()).await.status
    };
    assert_eq!(post(r#"{"engine":"qa","eventType":"x","details":{"a":1,"b":2}}"#).await, 201);
    assert_eq!(
        post(r#"{ "severity": "LOW", "details": {"b":2, "a":1}, "event_type": "x", "engine": "qa" }"#).await,
        200
    );
}

#[tokio::test]
async fn idempotency_key_is_scoped_to_its_engine() {
    let world = World::new().await;
    assert_eq!(world.post_keyed(&event("qa", "x", "LOW"), "k").await.status, 201);
    assert_eq!(world.post_keyed(&event("maos", "x", "LOW"), "k").await.status, 201);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 2);
}

#[tokio::test]
async fn key_of_a_caller_is_not_that_of_an_intake() {
    let world = World::new().await;
    let cloud_event = |kind: &str| json!({ "specversion": "1.0", "id": "7", "source": "/engines/qa", "type": kind, "severity": "CRITICAL" });
    let send = async |event: &Value| {
        let headers = [("Content-Type", "application/cloudevents+json")];
        world.send("POST", "/api/governance/intake/cloudevents", &headers, event.to_string().as_bytes()).await
    };
    let stored = send(&cloud_event("queue_full")).await;
    assert_eq!(stored.status, 201);
    // The SHA-256 of the source and the id, each after its length in eight bytes.
    let hash = "9d87f5d879da0db84b2a1a3be594502b639f96e298e9e058ecaa633e3cb9bb3a";
    for key in [format!("cloudevents/{hash}"), hash.to_owned()] {
        let other = world.post_keyed(&event("qa", "queue_full", "CRITICAL"), &key).await;
        assert_eq!((other.status, other.text("/id") == stored.text("/id")), (201, false), "{key}");
    }
    assert_eq!(send(&cloud_event("queue_full")).await.status, 200);
    assert_eq!(send(&cloud_event("disk_full")).await.status, 422, "another type is never taken for a repeat");
}

#[tokio::test]
async fn alert_of_another_type_or_severity_is_never_taken_for_a_repeat() {
    let world = World::new().await;
    let alert = |name: &str, severity: &str, status: &str| {
        json!({
            "status": status, "fingerprint": "f", "startsAt": "2026-11-22T00:00:00Z", "endsAt": "2026-11-23T00:00:00Z",
            "labels": { "engine": "billing", "alertname": name, "severity": severity },
        })
    };
    for (name, severity) in [("Slow", "info"), ("Slow", "critical"), ("Down", "info"), ("Down", "critical")] {
        let response = world.post_alert_group(&[alert(name, severity, "firing")]).await;
        assert_eq!(response.list("/alerts")[0]["status"], 201, "{name} {severity}");
        let repeated = world.post_alert_group(&[alert(name, severity, "firing")]).await;
        assert_eq!(repeated.list("/alerts")[0]["id"], response.list("/alerts")[0]["id"]);
    }
    // Each is resolved by itself.
    world.post_alert_group(&[alert("Slow", "critical", "resolved")]).await;
    let open = world.list_incidents("&status=open").await;
    assert_eq!(open.iter().map(|incident| &incident["eventType"]).collect::<Vec<_>>(), ["Down"]);
}

#[tokio::test]
async fn lost_response_after_the_commit_stores_no_second_event() {
    let world = World::new().await;
    // The first response is lost; the SDK retries with the same token.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        _ => Fault::None,
    });
    let sent = event("billing", "invoice_sync_failed", "HIGH");
    assert_eq!(world.post(&sent).await.status, 201);
    assert!(world.dynamodb.calls("TransactWriteItems") >= 2);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}

#[tokio::test]
async fn lost_responses_are_resolved_by_reading_the_table() {
    let world = World::new().await;
    world
        .dynamodb
        .set_fault(|call| if call.operation == "TransactWriteItems" { Fault::DropResponse } else { Fault::None });
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(created.status, 201, "{created:?}");
    world.dynamodb.reset();
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.json, created.json);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}

#[tokio::test]
async fn late_transaction_is_recognized_as_own() {
    let world = World::new().await;
    // All three attempts of the SDK report that the transaction is in progress; then AGE reads the table.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0..3) => Fault::InProgress,
        _ => Fault::None,
    });
    let created = world.post_keyed(&event("billing", "invoice_sync_failed", "HIGH"), "k").await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(world.sns.published("actions").len(), 1, "the first request dispatches its action");
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}

#[tokio::test]
async fn retry_after_an_unknown_write_outcome_is_idempotent() {
    let world = World::new().await;
    let sent = event("billing", "invoice_sync_failed", "HIGH");
    // Every call fails after the transaction is committed.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        ("GetItem", 0) => Fault::None,
        _ => Fault::Refuse,
    });
    assert_eq!(world.post_keyed(&sent, "order-17").await.status, 503);
    world.dynamodb.reset();
    let retried = world.post_keyed(&sent, "order-17").await;
    assert_eq!((retried.status, retried.header("idempotency-replayed")), (200, Some("true")));
    // The action of the first attempt has not been dispatched.
    assert_eq!(retried.actions(), [("billing_sync_repair", "pending")]);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}
