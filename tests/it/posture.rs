//! The posture: what a run of the sweep records of the fleet, and what it costs.

use std::collections::BTreeMap;

use age_model::{Clock, Engine, RiskLevel, Severity, StoreError, Timestamp};
use age_policy::Policy;
use age_store::FleetStateStore;
use serde_json::json;

use crate::world::browser::Browser;
use crate::world::test_credentials::{BILLING, NIGHT_DESK, READER};
use crate::world::{World, event, monday};

async fn posture(world: &World) -> age_model::Posture {
    FleetStateStore::new(&world.db(), "Incidents").get().await.unwrap().posture.unwrap()
}

#[tokio::test]
async fn posture_has_levels_and_incidents_as_the_dashboard_shows_them() {
    let world = World::new().await;
    world.sweep().await;
    let empty = posture(&world).await;
    assert!(empty.levels.values().all(|level| *level == RiskLevel::Low) && empty.engines.is_empty(), "{empty:?}");
    assert_eq!((empty.as_of, empty.policy_hash), (monday(), Policy::COMPILED_HASH));
    for number in 0..3 {
        world.post(&event("billing", &format!("ledger_lost_{number}"), "CRITICAL")).await;
    }
    world.post(&event("deep_agent", "answers_late", "HIGH")).await;
    let incidents = world.get("/api/governance/incidents?engine=billing").await;
    let acknowledge = format!("/api/governance/incidents/{}/acknowledge", incidents.text("/incidents/0/id"));
    assert_eq!(world.as_caller(NIGHT_DESK).post_json(&acknowledge, &json!({})).await.status, 200);
    world.clock.advance(60);
    world.sweep().await;

    let now = posture(&world).await;
    assert_eq!(now.as_of, world.clock.now());
    let billing = now.engine(Engine::from_static("billing"));
    let critical =
        (billing.open_incidents.of(Severity::Critical), billing.unacknowledged_incidents.of(Severity::Critical));
    assert_eq!((critical, billing.open_incidents.total()), ((3, 2), 3));
    assert_eq!(now.engines.len(), 1, "engines with nothing are left out: {now:?}");
    let levels: BTreeMap<&str, RiskLevel> = now.levels.iter().map(|(name, level)| (name.as_str(), *level)).collect();
    assert_eq!((levels["billing_risk"], levels["performance_risk"]), (RiskLevel::Critical, RiskLevel::Low));
    let page = Browser::signed_in(&world, READER).await.get("/dashboard").await;
    assert!(page.body.contains("Billing risk") && page.body.contains("CRITICAL"), "{}", page.body);

    // Events count for the last 168 hours and the current one.
    world.set_time("2026-11-30T00:59:00Z");
    world.sweep().await;
    assert_eq!(posture(&world).await.levels["billing_risk"], RiskLevel::Critical);
    world.set_time("2026-11-30T01:00:00Z");
    world.sweep().await;
    assert_eq!(posture(&world).await.levels["billing_risk"], RiskLevel::Low);
}

/// Lets a remediation of billing for `event_type` succeed and its problem occur again, after `seconds`.
async fn make_ineffective(world: &World, event_type: &str, seconds: i64) -> Timestamp {
    let id = world.post(&event("billing", event_type, "HIGH")).await.text("/id").to_owned();
    let path = format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome");
    let succeeded = world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })).await;
    assert_eq!(succeeded.status, 200, "{succeeded:?}");
    world.clock.advance(seconds);
    world.post(&event("billing", event_type, "HIGH")).await;
    assert_eq!(world.get(&format!("/api/governance/events/{id}")).await.text("/actions/0/status"), "ineffective");
    world.clock.now()
}

#[tokio::test]
async fn posture_has_the_latest_ineffective_remediation_of_each_engine() {
    let world = World::new().await;
    let last_ineffective = async || {
        world.sweep().await;
        posture(&world).await.engine(Engine::from_static("billing")).last_ineffective_at
    };
    let first = make_ineffective(&world, "ledger_lost", 120).await;
    assert_eq!(last_ineffective().await, Some(first));
    // Planned on one day and found ineffective on the next.
    world.set_time("2026-11-24T23:50:00Z");
    let second = make_ineffective(&world, "ledger_stolen", 1200).await;
    assert_eq!(second.to_string(), "2026-11-25T00:10:00.000Z");
    assert_eq!(last_ineffective().await, Some(second));
    let counted = world.get("/api/governance/stats").await;
    assert_eq!(counted.status, 200, "{counted:?}");
    world.set_time("2026-12-01T23:59:00Z");
    assert_eq!(last_ineffective().await, Some(second), "within seven days");
    world.set_time("2026-12-03T01:00:00Z");
    assert_eq!(last_ineffective().await, None);
}

/// A transaction takes one write per row, however many incident keys it is about.
#[tokio::test]
async fn batch_that_proves_several_remediations_ineffective_is_stored() {
    let world = World::new().await;
    let types = ["ledger_lost", "ledger_stolen", "ledger_late"];
    let mut ids = Vec::new();
    for event_type in types {
        let id = world.post(&event("billing", event_type, "HIGH")).await.text("/id").to_owned();
        let path = format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome");
        let succeeded = world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })).await;
        assert_eq!(succeeded.status, 200, "{succeeded:?}");
        ids.push(id);
    }
    world.clock.advance(120);
    let batch = types.map(|event_type| event("billing", event_type, "HIGH"));
    let stored = world.post_json("/api/governance/events", &json!(batch)).await;
    let statuses: Vec<_> = stored.list("/results").iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, [201, 201, 201], "{stored:?}");
    for id in ids {
        assert_eq!(world.get(&format!("/api/governance/events/{id}")).await.text("/actions/0/status"), "ineffective");
    }
}

#[tokio::test]
async fn posture_that_cannot_be_computed_is_not_written() {
    let world = World::new().await;
    world.sweep().await;
    world.post(&event("billing", "ledger_lost", "CRITICAL")).await;
    let before = posture(&world).await;
    let set = async |attribute: &str, value: &str| {
        let update = json!({
            "TableName": "Incidents",
            "Key": { "fingerprint": { "S": "billing#ledger_lost" }, "opened_at": { "S": "state" } },
            "UpdateExpression": "SET #attribute = :value",
            "ExpressionAttributeNames": { "#attribute": attribute },
            "ExpressionAttributeValues": { ":value": { "S": value } },
        });
        world.dynamodb.call("UpdateItem", &update);
    };
    let listed = format!("{}#billing#ledger_lost", monday());
    for (attribute, value, good) in [("severity", "CATASTROPHIC", "CRITICAL"), ("listed", "x", listed.as_str())] {
        world.clock.advance(60);
        set(attribute, value).await;
        let report = Box::pin(world.sweeper().run()).await;
        let is_named = |error: &StoreError| error.to_string().contains("billing");
        assert!(report.errors.iter().any(is_named), "{report:?}");
        assert_eq!(posture(&world).await, before, "{attribute}");
        set(attribute, good).await;
    }
}

#[tokio::test]
async fn older_posture_does_not_replace_a_newer_one() {
    let world = World::new().await;
    world.sweep().await;
    let (store, clock) = (FleetStateStore::new(&world.db(), "Incidents"), world.clock.as_ref());
    let recorded = posture(&world).await;
    let mut older = recorded.clone();
    older.as_of = recorded.as_of.plus_millis(-1);
    assert!(!store.record_posture(&older, clock).await.unwrap().is_latest);
    assert_eq!(posture(&world).await, recorded);
    let mut newer = recorded.clone();
    newer.as_of = recorded.as_of.plus_millis(1);
    assert!(store.record_posture(&newer, clock).await.unwrap().is_latest);
    assert_eq!(posture(&world).await, newer);
}
