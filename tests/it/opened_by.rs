//! Incidents by the credential whose event opened them.

use serde_json::{Value, json};

use crate::world::test_credentials::{BILLING, TESTS};
use crate::world::{ApiResponse, World, event};

const RESOLVE: &str = "/api/governance/incidents/resolve";

async fn resolve(world: &World, by: &str, expected: u64) -> ApiResponse {
    world.post_json(RESOLVE, &json!({ "openedBy": by, "expectedCount": expected })).await
}

#[tokio::test]
async fn incident_names_the_credential_whose_event_opened_it() {
    let world = World::new().await;
    let engine = world.as_caller(BILLING);
    engine.post(&event("billing", "ledger_lost", "CRITICAL"), None).await;
    world.post(&event("billing", "ledger_lost", "CRITICAL")).await;
    let remediated = engine.post(&event("billing", "invoice_lost", "HIGH"), None).await;
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", remediated.text("/id"));
    assert_eq!(remediated.json["actions"][0]["action"], "billing_sync_repair");
    assert_eq!(world.post_json(&outcome, &json!({ "outcome": "failed" })).await.status, 200);
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let incidents = world.list_incidents("").await;
    let of = |event_type: &str| incidents.iter().find(|it| it["eventType"] == event_type).unwrap()["openedBy"].clone();
    assert_eq!(of("ledger_lost"), BILLING, "a later event of another credential changes nothing");
    assert_eq!(of("invoice_lost"), BILLING, "its remediation failed");
    assert_eq!(of("suite_lost"), TESTS);
}

#[tokio::test]
async fn incidents_that_a_credential_opened_are_resolved_alone() {
    let world = World::new().await;
    let engine = world.as_caller(BILLING);
    for number in 0..3 {
        engine.post(&event("billing", &format!("ledger_{number}_lost"), "CRITICAL"), None).await;
        world.post(&event("billing", &format!("invoice_{number}_lost"), "CRITICAL")).await;
    }
    assert_eq!(world.send("DELETE", &format!("/api/governance/credentials/{BILLING}"), &[], b"").await.status, 200);
    let asked = resolve(&world, BILLING, 0).await;
    assert_eq!((asked.status, asked.number("/actualCount")), (409, 3), "{asked:?}");
    let resolved = resolve(&world, BILLING, 3).await;
    assert_eq!((resolved.status, resolved.number("/changedCount")), (200, 3), "{resolved:?}");
    let open = world.list_incidents("&status=open").await;
    assert!(open.len() == 3 && open.iter().all(|it| it["openedBy"] == TESTS), "{open:?}");
    assert_eq!(resolve(&world, "nobody", 0).await.number("/changedCount"), 0);
    let both = json!({ "openedBy": BILLING, "ids": ["billing.1795392300000.a"] });
    assert_eq!(world.post_json(RESOLVE, &both).await.status, 422);
    let malformed = world.post_json(RESOLVE, &json!({ "openedBy": "A", "expectedCount": 0 })).await;
    assert_eq!((malformed.status, &malformed.json["errors"][0]["pointer"]), (422, &Value::from("/openedBy")));
}
