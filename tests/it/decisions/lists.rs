//! Decisions are listed with filters, and engines read their own.

use serde_json::{Value, json};

use super::{EVALUATION, ask, decide, id, operation, refund, world};
use crate::world::World;
use crate::world::test_credentials::{ANOTHER_ENGINE, BILLING, READER};

const DECISIONS: &str = "/api/governance/decisions";

async fn list(world: &World, query: &str) -> Vec<Value> {
    let mut decisions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.as_caller(READER).get(&format!("{DECISIONS}?limit=2{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        decisions.extend(page.list("/decisions").to_vec());
        match page.json.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return decisions,
        }
    }
}

#[tokio::test]
async fn list_is_newest_first_and_has_filters() {
    let world = world().await;
    let mut ids = Vec::new();
    for amount in [1, 2000, 2, 3000, 3] {
        ids.push(id(&ask(&world, &refund(amount)).await).to_owned());
        world.clock.advance(1);
    }
    let request = json!({
        "subject": { "type": "user", "id": "a" }, "action": { "name": "drop" }, "resource": { "type": "t", "id": "1" },
        "context": { "engine": "qa" },
    });
    let of_qa = world.as_caller(ANOTHER_ENGINE).post_json(EVALUATION, &request).await;
    ids.push(id(&of_qa).to_owned());
    assert_eq!(decide(&world, &ids[1], "approve").await.status, 200);
    let texts = |decisions: Vec<Value>| -> Vec<String> {
        decisions.iter().map(|decision| decision["id"].as_str().unwrap().to_owned()).collect()
    };
    let pick = |positions: &[usize]| -> Vec<String> { positions.iter().map(|at| ids[*at].clone()).collect() };
    for (query, expected) in [
        ("", &[5, 4, 3, 2, 1, 0][..]),
        ("&engine=billing", &[4, 3, 2, 1, 0]),
        ("&engine=qa&engine=maos", &[5]),
        ("&verdict=needs_approval", &[3, 1]),
        ("&verdict=deny&verdict=allow", &[5, 4, 2, 0]),
        ("&approval=pending", &[3]),
        ("&approval=approved&approval=pending", &[3, 1]),
        ("&from=2026-11-23T00:05:02Z&to=2026-11-23T00:05:04Z", &[3, 2]),
    ] {
        assert_eq!(texts(list(&world, query).await), pick(expected), "{query}");
    }
    assert_eq!(world.get(&format!("{DECISIONS}?engine=unknown")).await.status, 422);
    assert_eq!(world.get(&format!("{DECISIONS}?verdict=maybe")).await.status, 422);
}

#[tokio::test]
async fn engine_reads_its_own_decisions_alone() {
    let world = world().await;
    let path = format!("{DECISIONS}/{}", id(&ask(&world, &operation("charge", 1)).await));
    assert_eq!(world.as_caller(BILLING).get(&path).await.status, 200);
    assert_eq!(world.as_caller(READER).get(&path).await.status, 200);
    assert_eq!(world.as_caller(ANOTHER_ENGINE).get(&path).await.status, 403);
    assert_eq!(world.as_caller(BILLING).get(DECISIONS).await.status, 403);
    assert_eq!(world.get(&format!("{DECISIONS}/01936f2e-0000-7000-8000-00000000000a")).await.status, 404);
}
