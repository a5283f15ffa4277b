//! Workers of one engine that report outcomes at the same time.

use futures_util::future::join_all;
use serde_json::json;

use crate::world::test_credentials::BILLING;
use crate::world::{World, event};

/// The number of workers, each with an action and an environment of its own.
pub(crate) const WORKERS: usize = 64;

/// Returns the number of 503 responses. Asserts that every other outcome is counted.
pub(crate) async fn measure() -> usize {
    let world = World::new().await;
    let mut paths = Vec::new();
    for number in 0..WORKERS {
        let posted = world.post(&event("billing", &format!("ledger_lost_{number}"), "HIGH")).await;
        let id = posted.text("/id");
        paths.push(format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome"));
    }
    let environments = join_all(paths.iter().map(|_| world.new_environment())).await;
    world.dynamodb.conflict_on_overlap();
    let workers = environments.iter().zip(&paths).map(async |(api, path)| {
        let worker = api.with_token(world.token(BILLING));
        worker.post_json(path, &json!({ "outcome": "succeeded" })).await.status
    });
    let statuses = join_all(workers).await;
    world.clock.advance(60);
    let refused = statuses.iter().filter(|status| **status == 503).count();
    let succeeded = world.generate_report().await.number("/summary/actions/succeeded");
    assert_eq!(usize::try_from(succeeded).unwrap(), WORKERS - refused, "{statuses:?}");
    refused
}
