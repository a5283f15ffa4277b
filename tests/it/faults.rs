//! Failures of SNS and DynamoDB: responses while they last, and recovery without a restart.

use crate::world::proxy::Fault;
use crate::world::{World, event};

#[tokio::test]
async fn event_is_stored_with_pending_actions_while_sns_fails() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    let created = world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
    assert_eq!(created.status, 201);
    let pending = [("billing_sync_repair", "pending"), ("notify_admin", "pending")];
    assert_eq!(created.actions(), pending);
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.actions(), pending);

    world.sns.set_refusing(false);
    let next = world.post(&event("billing", "ledger_lost", "HIGH")).await;
    assert_eq!(next.actions(), [("billing_sync_repair", "dispatched")]);
}

#[tokio::test]
async fn action_whose_dispatch_cannot_be_recorded_stays_pending() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| if call.operation == "UpdateItem" { Fault::Refuse } else { Fault::None });
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!((created.status, created.text("/actions/0/status")), (201, "pending"));
    world.dynamodb.reset();
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.text("/actions/0/status"), "pending");
}

#[tokio::test]
async fn requests_fail_while_dynamodb_is_down_and_recover_without_restart() {
    let world = World::new().await;
    let sent = event("billing", "invoice_sync_failed", "CRITICAL");
    assert_eq!(world.post(&sent).await.status, 201);

    world.dynamodb.set_fault(|_| Fault::Refuse);
    let responses = [
        world.post(&sent).await,
        world.get("/api/governance/events").await,
        world.get("/api/governance/stats").await,
        world.generate_report().await,
        world.get("/api/governance/reports").await,
        world.get("/api/governance/reports/01936f2e-0000-7000-8000-00000000000a").await,
    ];
    for response in responses {
        assert_eq!((response.status, response.header("retry-after")), (503, Some("2")), "{response:?}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        let body = response.json.to_string();
        assert!(!body.contains("Table") && !body.contains("127.0.0.1") && !body.contains("dispatch"), "{body}");
    }
    assert_eq!(world.sns.published("notifications").len(), 1, "no notification without a stored event");

    world.dynamodb.reset();
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
    assert_eq!(world.post(&sent).await.status, 201);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 2);
}

#[tokio::test]
async fn request_times_out_while_dynamodb_stalls() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| if call.operation == "TransactWriteItems" { Fault::Stall } else { Fault::None });
    let posted =
        tokio::time::timeout(std::time::Duration::from_secs(9), world.post(&event("qa", "suite_failed", "LOW"))).await;
    let response = posted.expect("a response before API Gateway's timeout");
    assert_eq!((response.status, response.header("retry-after")), (503, Some("2")));
}

#[tokio::test]
async fn service_unavailable_states_whether_the_event_was_stored() {
    let world = World::new().await;
    let sent = event("qa", "suite_failed", "LOW");
    world.dynamodb.set_fault(|call| if call.operation == "TransactWriteItems" { Fault::Refuse } else { Fault::None });
    assert!(world.post(&sent).await.text("/detail").contains("nothing was stored"));
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        _ => Fault::Refuse,
    });
    let unknown = world.post(&sent).await;
    assert!(unknown.text("/detail").contains("write outcome unknown"), "{unknown:?}");
}

#[tokio::test]
async fn short_throttling_is_retried_and_lasting_throttling_is_a_503() {
    let world = World::new().await;
    let sent = event("qa", "suite_failed", "LOW");
    world.dynamodb.set_fault(|call| if call.earlier < 2 { Fault::Throttle } else { Fault::None });
    assert_eq!(world.post(&sent).await.status, 201);
    world.dynamodb.set_fault(|_| Fault::Throttle);
    assert_eq!(world.post(&sent).await.status, 503);
    world.dynamodb.reset();
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}
