//! What requests cost: the capacity units that DynamoDB says they consume. These figures are exact.
#![expect(clippy::float_cmp, reason = "units are whole or half")]

use age_model::Clock;
use serde_json::{Value, json};

use crate::world::browser::Browser;
use crate::world::proxy::Units;
use crate::world::test_credentials::{BILLING, READER};
use crate::world::{Api, ApiResponse, World, event};

async fn written(world: &World, work: impl Future<Output = ApiResponse>, status: u16) -> f64 {
    let (units, response) = world.dynamodb.measure_units(work).await;
    assert_eq!(response.status, status, "{response:?}");
    units.written
}

async fn read(world: &World, api: &Api, path: &str) -> f64 {
    let (units, response) = world.dynamodb.measure_units(api.get(path)).await;
    assert_eq!((response.status, units.written), (200, 0.0), "{response:?}");
    units.read
}

#[tokio::test]
async fn an_event_alone() {
    let world = World::new().await;
    let mut low = event("billing", "ledger_checked", "LOW");
    low["details"] = json!({ "text": "x".repeat(700) });
    assert_eq!(written(&world, world.post(&low), 201).await, 5.0);
    assert_eq!(written(&world, world.post_keyed(&low, "k"), 201).await, 5.0);
    assert_eq!(written(&world, world.post_keyed(&low, "k"), 200).await, 0.0, "a replay");
    let (refused, response) = world.dynamodb.measure_units(world.post(&event("billing", "", "LOW"))).await;
    assert_eq!((response.status, refused), (422, Units::default()));
    // The event's row 2, its place in the timeline 1, the counters 2, the action 3, what is remembered of its kind 2; that it
    // was handed over 2.
    assert_eq!(written(&world, world.post(&event("billing", "ledger_lost", "HIGH")), 201).await, 12.0);
    let sent = world.get("/api/governance/events?eventType=ledger_lost").await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/events/0/id"));
    let outcome = json!({ "outcome": "succeeded" });
    // The action 2, the counters 2.
    assert_eq!(written(&world, world.as_caller(BILLING).post_json(&path, &outcome), 200).await, 4.0);
}

#[tokio::test]
async fn an_event_of_a_batch() {
    for (number, units) in [(1, 5.0), (10, 32.0), (99, 299.0), (100, 304.0)] {
        let world = World::new().await;
        let mut low = event("billing", "ledger_checked", "LOW");
        low["details"] = json!({ "text": "x".repeat(600) });
        let batch = Value::from(vec![low; number]);
        assert_eq!(written(&world, world.post_json("/api/governance/events", &batch), 200).await, units, "{number}");
        assert_eq!(world.event_count(), number as u64);
    }
}

/// A HIGH event of billing, and where its worker says what came of its remedy.
async fn remedy(world: &World) -> String {
    world.sweep().await;
    let id = world.post(&event("billing", "ledger_lost", "HIGH")).await.text("/id").to_owned();
    format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome")
}

/// Sweeps after each of these seconds write so many units.
async fn sweeps(world: &World, written: &[(i64, f64)]) {
    for (seconds, units) in written {
        world.clock.advance(*seconds);
        let (sweep, _) = world.dynamodb.measure_units(Box::pin(world.sweep())).await;
        assert_eq!(sweep.written, *units, "{}", world.clock.now());
    }
}

#[tokio::test]
async fn what_follows_on_a_remedy() {
    let world = World::new().await;
    let path = remedy(&world).await;
    assert_eq!(
        written(&world, world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })), 200).await,
        4.0
    );
    // Each sweep writes how AGE is, 1. It puts the remedy off to when it must have helped, 3; in the end it says that it has:
    // the action 3, the counters 2, what is remembered of its kind 2.
    sweeps(&world, &[(60, 4.0), (60, 1.0), (3420, 1.0), (60, 8.0), (60, 1.0)]).await;
    let event = path.trim_end_matches("/actions/billing_sync_repair/outcome");
    assert_eq!(world.get(event).await.text("/actions/0/status"), "verified");
}

#[tokio::test]
async fn a_worker_that_takes_its_time() {
    let world = World::new().await;
    let path = remedy(&world).await;
    // Put off until its worker must have answered, and then until it must have helped.
    sweeps(&world, &[(60, 4.0), (60, 1.0), (600, 1.0)]).await;
    assert_eq!(
        written(&world, world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })), 200).await,
        4.0
    );
    sweeps(&world, &[(60, 1.0), (1080, 4.0), (2340, 1.0), (120, 8.0)]).await;
}

#[tokio::test]
async fn statistics_and_reports_of_weeks_with_every_hour_filled() {
    let world = World::new().await;
    world.fill_every_hour(32).await;
    let api = world.new_environment().await;
    assert_eq!(read(&world, &api, "/api/governance/stats").await, 17.0);
    assert_eq!(read(&world, &api, "/api/governance/stats").await, 5.0, "days that are over are remembered");
    let mut reader = Browser::signed_in(&world, READER).await.in_new_environment().await;
    let (first_page, _) = world.dynamodb.measure_units(reader.get("/dashboard")).await;
    assert_eq!(first_page.read, 22.0);
    world.run_weekly_report().await.unwrap();
    world.clock.advance(7 * 86_400);
    world.fill_every_hour(8).await;
    let (weekly, made) = world.dynamodb.measure_units(Box::pin(world.run_weekly_report())).await;
    assert_eq!(weekly.read, 12.5, "{made:?}");
}

#[tokio::test]
async fn the_newest_events_of_a_busy_engine() {
    let world = World::new().await;
    world.set_time("2026-11-20T12:00:00Z");
    for number in 0..400 {
        world.clock.advance(60);
        world.post(&event("billing", &format!("ledger_{number}"), "LOW")).await;
    }
    let api = world.new_environment().await;
    assert_eq!(read(&world, &api, "/api/governance/events?limit=50").await, 5.5);
}

#[tokio::test]
async fn a_sweep_with_nothing_to_do() {
    let world = World::new().await;
    world.sweep().await;
    world.clock.advance(60);
    let (idle, _) = world.dynamodb.measure_units(Box::pin(world.sweep())).await;
    assert_eq!(idle, Units { read: 15.0, written: 1.0 });
}
