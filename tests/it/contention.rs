//! Concurrent writers of one counter: they spread over shards, and the counts stay exact.

use futures_util::future::join_all;
use serde_json::json;

use crate::world::proxy::Fault;
use crate::world::test_credentials::BILLING;
use crate::world::{ENGINES, World, event};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_spread_over_shards_and_counts_stay_exact() {
    const WRITERS: usize = 16;
    const EACH: usize = 25;
    let world = World::new().await;
    world.set_time("2026-11-22T12:00:00Z");
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..WRITERS).map(|_| world.new_environment())).await;
    let writers = environments.iter().map(async |api| {
        let mut accepted = 0;
        while accepted < EACH {
            let response = api.post(&event("billing", "invoice_synced", "LOW"), None).await;
            assert!(matches!(response.status, 201 | 503), "{response:?}");
            accepted += usize::from(response.status == 201);
        }
    });
    join_all(writers).await;
    world.clock.advance(60);

    assert!(world.dynamodb.conflicts() > 0, "no write conflicted, so the test has no effect");
    let shard_count = world.shard_count("billing", "2026-11-22");
    assert!(shard_count > 1, "the writers did not spread");
    let total = (WRITERS * EACH) as u64;
    assert_eq!(world.get("/api/governance/stats").await.number("/byEngine/billing"), total);
    assert_eq!(world.generate_report().await.number("/summary/totalEvents"), total);
    let listed = world.list_events("/api/governance/events?limit=37").await;
    let places: Vec<_> =
        listed.iter().map(|event| (event["occurredAt"].to_string(), event["id"].to_string())).collect();
    assert!(places.is_sorted_by(|newer, older| newer > older), "the list is newest first and has no event twice");
    assert_eq!(listed.len(), WRITERS * EACH);

    // A day without conflicts has one shard again, and only that one is read.
    world.dynamodb.reset();
    world.set_time("2026-11-23T12:00:00Z");
    for api in &environments {
        assert_eq!(api.post(&event("billing", "invoice_synced", "LOW"), None).await.status, 201);
    }
    assert_eq!(world.shard_count("billing", "2026-11-23"), 1);
    world.dynamodb.reset();
    let today = world.get("/api/governance/events?from=2026-11-23&limit=500").await;
    assert_eq!(today.list("/events").len(), WRITERS);
    // One query of shard 0 for each engine and for AGE's own events, and one of the index of events.
    assert_eq!(world.dynamodb.calls("Query"), ENGINES.len() + 2);
}

/// Each remediation is of another event type, so the workers meet only where outcomes are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_outcomes_of_one_engine_are_all_accepted_and_counted() {
    const WORKERS: usize = 64;
    let world = World::new().await;
    let mut paths = Vec::new();
    for number in 0..WORKERS {
        let posted = world.post(&event("billing", &format!("ledger_lost_{number}"), "HIGH")).await;
        let id = posted.text("/id");
        paths.push(format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome"));
    }
    let environments = join_all(paths.iter().map(|_| world.new_environment())).await;
    world.dynamodb.conflict_on_overlap();
    let outcome = json!({ "outcome": "succeeded" });
    let workers = environments.iter().zip(&paths).map(async |(api, path)| {
        let worker = api.with_token(world.token(BILLING));
        let response = worker.post_json(path, &outcome).await;
        assert_eq!(response.status, 200, "{response:?}");
    });
    join_all(workers).await;
    world.clock.advance(60);

    assert!(world.dynamodb.conflicts() > 0, "no write conflicted, so the test has no effect");
    let report = world.generate_report().await;
    assert_eq!(report.number("/summary/actions/succeeded"), WORKERS as u64, "{report:?}");
    // The engine reports the problems again: the remediations were ineffective, and leave the shard in which they had succeeded.
    world.clock.advance(60);
    for number in 0..WORKERS {
        world.post(&event("billing", &format!("ledger_lost_{number}"), "HIGH")).await;
    }
    let report = world.generate_report().await;
    assert_eq!(report.number("/summary/actions/ineffective"), WORKERS as u64, "{report:?}");
    assert_eq!(report.number("/summary/actions/succeeded"), 0, "{report:?}");
}

/// Lambda permits 1,024 open files, and each concurrent call is a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_of_many_shards_are_limited_to_72_at_once() {
    const ROWS: u32 = 512;
    let world = World::new().await;
    world.fill_every_hour(2).await;
    let events = world.get("/api/governance/stats").await.number("/totalEvents");
    world.copy_to_shards(ROWS);
    let api = world.new_environment().await;
    world.dynamodb.reset();
    assert_eq!(api.get("/api/governance/stats").await.number("/totalEvents"), events * u64::from(ROWS));
    assert!(world.dynamodb.calls("Query") > ENGINES.len() * (ROWS as usize - 1));
    assert!((8..=72).contains(&world.dynamodb.max_concurrent_calls()), "{}", world.dynamodb.max_concurrent_calls());
}

/// DynamoDB reports a throttled partition as the reason of a cancelled transaction.
#[tokio::test]
async fn throttled_counter_gets_more_shards() {
    for reason in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let world = World::new().await;
        world.dynamodb.set_fault(move |call| match (call.operation.as_str(), call.earlier) {
            ("TransactWriteItems", 0..3) => Fault::Cancel(reason),
            _ => Fault::None,
        });
        assert_eq!(world.post(&event("billing", "invoice_synced", "LOW")).await.status, 201, "{reason}");
        assert_eq!(world.shard_count("billing", "2026-11-23"), 4, "{reason}");
        assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1, "{reason}");
    }
}

#[tokio::test]
async fn event_is_stored_even_if_the_shard_count_cannot_be_updated() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::Cancel("TransactionConflict"),
        ("UpdateItem", _) => Fault::Refuse,
        _ => Fault::None,
    });
    assert_eq!(world.post(&event("billing", "invoice_synced", "LOW")).await.status, 201);
    assert_eq!(world.shard_count("billing", "2026-11-23"), 1);
}
