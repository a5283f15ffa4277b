//! The cost of pages, independent of the number of events.

use crate::world::browser::Browser;
use crate::world::test_credentials::READER;
use crate::world::{ENGINES, World, event};

/// The cost of a page: DynamoDB calls, read units, and the size of the response in bytes.
#[derive(Debug)]
struct PageCost {
    reads: usize,
    units: f64,
    bytes: usize,
}

const PAGES: [&str; 5] =
    ["/dashboard", "/dashboard/events", "/dashboard/engines", "/dashboard/actions", "/dashboard/reports"];

async fn measure(world: &World, path: &str) -> PageCost {
    let mut reader = Browser::signed_in(world, READER).await.in_new_environment().await;
    world.dynamodb.reset();
    let page = reader.get(path).await;
    assert_eq!(page.status, 200, "{page:?}");
    let reads = ["Query", "GetItem"].map(|operation| world.dynamodb.calls(operation));
    PageCost { reads: reads.iter().sum(), units: world.dynamodb.units().read, bytes: page.body.len() }
}

/// Returns the number of events in the statistics and in the table.
async fn count_events(world: &World) -> (u64, u64) {
    (
        world.new_environment().await.get("/api/governance/stats").await.json["totalEvents"].as_u64().unwrap(),
        world.event_count(),
    )
}

/// Ten thousand events and a million, over 30 days.
#[tokio::test]
async fn page_cost_does_not_grow_from_ten_thousand_to_a_million_events() {
    let world = World::new().await;
    world.set_time("2026-10-24T12:00:00Z");
    for number in 0..1000 {
        world.clock.advance(2580);
        let engine = ENGINES[number % 8].as_str();
        let severity = if number % 50 == 49 { "HIGH" } else { ["LOW", "MEDIUM"][number % 2] };
        world.post(&event(engine, &format!("type_{}", number % 7), severity)).await;
    }
    world.multiply(10);
    assert_eq!(count_events(&world).await, (10_000, 10_000));
    let mut few = Vec::new();
    for path in PAGES {
        few.push(measure(&world, path).await);
    }
    world.multiply(100);
    assert_eq!(count_events(&world).await, (1_000_000, 1_000_000));
    for (path, few) in PAGES.iter().zip(few) {
        let many = measure(&world, path).await;
        // The more events an hour has, the fewer hours fill the list.
        let is_list = *path == "/dashboard/events";
        assert!(many.reads == few.reads || (is_list && many.reads < few.reads), "{path}: {few:?} {many:?}");
        assert!(many.bytes.abs_diff(few.bytes) * 20 <= few.bytes, "{path}: {few:?} {many:?}");
        assert!(many.units <= few.units * 1.05, "{path}: {few:?} {many:?}");
    }
}
