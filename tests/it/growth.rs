//! What does not grow with the number of events.

use crate::world::browser::Browser;
use crate::world::test_credentials::READER;
use crate::world::{World, event};

/// What it takes to answer: reads, capacity units, and the size of the answer in bytes.
#[derive(Debug)]
struct Cost {
    reads: usize,
    units: f64,
    bytes: usize,
}

const PAGES: [&str; 5] =
    ["/dashboard", "/dashboard/events", "/dashboard/engines", "/dashboard/actions", "/dashboard/reports"];

async fn cost(world: &World, path: &str) -> Cost {
    let mut reader = Browser::signed_in(world, READER).await.in_new_environment().await;
    world.dynamodb.reset();
    let page = reader.get(path).await;
    assert_eq!(page.status, 200, "{page:?}");
    let reads = ["Query", "GetItem"].map(|operation| world.dynamodb.calls(operation));
    Cost { reads: reads.iter().sum(), units: world.dynamodb.units().read, bytes: page.body.len() }
}

/// How many events there are, as they are counted, and as the table has them.
async fn total(world: &World) -> (u64, u64) {
    (
        world.new_environment().await.get("/api/governance/stats").await.json["totalEvents"].as_u64().unwrap(),
        world.event_count(),
    )
}

/// Ten thousand events and a million, over 30 days.
#[tokio::test]
async fn pages_of_a_million_events_read_as_much_as_those_of_ten_thousand() {
    let world = World::new().await;
    world.set_time("2026-10-24T12:00:00Z");
    for number in 0..1000 {
        world.clock.advance(2580);
        let engine = age_model::Engine::ALL[number % 8].as_str();
        let severity = if number % 50 == 49 { "HIGH" } else { ["LOW", "MEDIUM"][number % 2] };
        world.post(&event(engine, &format!("type_{}", number % 7), severity)).await;
    }
    world.multiply(10).await;
    assert_eq!(total(&world).await, (10_000, 10_000));
    let mut few = Vec::new();
    for path in PAGES {
        few.push(cost(&world, path).await);
    }
    world.multiply(100).await;
    assert_eq!(total(&world).await, (1_000_000, 1_000_000));
    for (path, few) in PAGES.iter().zip(few) {
        let many = cost(&world, path).await;
        // A page of events that stand closer together is filled from fewer hours.
        let is_list = *path == "/dashboard/events";
        assert!(many.reads == few.reads || (is_list && many.reads < few.reads), "{path}: {few:?} {many:?}");
        assert!(many.bytes.abs_diff(few.bytes) * 20 <= few.bytes, "{path}: {few:?} {many:?}");
        assert!(many.units <= few.units * 1.05, "{path}: {few:?} {many:?}");
    }
}
