//! The active policy version cannot be read: intake goes on, and AGE says so.

use age_policy::Policy;
use serde_json::{Value, json};

use crate::policies::{activate, default_with_engine, push};
use crate::world::{Api, UNLIMITED, World, event};

const HEALTH: &str = "/api/governance/health";

/// A world in which the version with the engine `search` is active, and the hash of that version.
async fn with_search() -> (World, String) {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    assert_eq!(activate(&world, &search, &Policy::COMPILED_HASH.to_string()).await.status, 200);
    world.clock.advance(60);
    (world, search)
}

/// Changes attributes of the row of the pointer or of a document.
fn corrupt(world: &World, kind: &str, id: &str, attribute: &str) {
    let row = world.row("Policies", &[("kind", kind), ("id", id)]);
    let mut item = row["Item"].clone();
    assert!(item[attribute].is_object(), "{item}");
    item[attribute] = json!({ "S": "not what it should be" });
    world.dynamodb.call("PutItem", &json!({ "TableName": "Policies", "Item": item }));
}

async fn statuses(api: &Api) -> [u16; 2] {
    let of_search = api.post(&event("search", "index_stale", "CRITICAL"), None).await;
    let of_billing = api.post(&event("billing", "invoice_sync_failed", "CRITICAL"), None).await;
    if of_search.status != 201 {
        assert_eq!(of_search.header("retry-after"), Some("2"), "{of_search:?}");
    }
    [of_search.status, of_billing.status]
}

async fn readable(api: &Api) -> Value {
    api.get(HEALTH).await.json["policy"]["isReadable"].clone()
}

async fn number_of_events(world: &World) -> u64 {
    world.get("/api/governance/stats").await.number("/totalEvents")
}

#[tokio::test]
async fn health_names_the_version_that_age_works_by() {
    let world = World::new().await;
    let policy = world.get(HEALTH).await.json["policy"].clone();
    assert_eq!(policy, json!({ "hash": Policy::HASH, "isReadable": true }));
    let (world, search) = with_search().await;
    let policy = world.get(HEALTH).await.json["policy"].clone();
    assert_eq!(policy, json!({ "hash": search, "activatedAt": "2026-11-23T00:05:00.000Z", "isReadable": true }));
}

#[tokio::test]
async fn unreadable_document_leaves_the_last_good_version_in_warm_environments_and_the_previous_one_in_new_ones() {
    let (world, search) = with_search().await;
    let warm = world.environment_with_proxied_credentials(UNLIMITED).await;
    assert_eq!(statuses(&warm).await, [201, 201]);
    let document = world.row("Policies", &[("kind", "document"), ("id", &search)])["Item"].clone();
    corrupt(&world, "document", &search, "document");
    world.clock.advance(60);
    assert_eq!(statuses(&warm).await, [201, 201]);
    assert_eq!(readable(&warm).await, true, "it has the version, so it need not read it");

    let cold = world.environment_with_proxied_credentials(UNLIMITED).await;
    assert_eq!(statuses(&cold).await, [503, 201], "the previous version, which does not have search");
    let policy = cold.get(HEALTH).await.json["policy"].clone();
    assert_eq!(policy, json!({ "hash": Policy::HASH, "isReadable": false }));
    let listed = cold.get("/api/governance/events?engine=search").await;
    assert_eq!(listed.list("/events").len(), 2, "records of every engine stay listed");

    // Another version, from the previous one to the unreadable one: nothing changes in the warm environment.
    world.dynamodb.call("PutItem", &json!({ "TableName": "Policies", "Item": document }));
    world.clock.advance(60);
    cold.get(HEALTH).await;
    assert_eq!((readable(&cold).await, statuses(&cold).await), (json!(true), [201, 201]), "it is read again");
    assert_eq!(number_of_events(&world).await, 8, "with the activation itself");
}

#[tokio::test]
async fn unreadable_pointer_leaves_the_last_good_version_or_the_default_policy() {
    for attribute in ["hash", "number", "engines"] {
        let (world, _) = with_search().await;
        let warm = world.environment_with_proxied_credentials(UNLIMITED).await;
        corrupt(&world, "active", "*", attribute);
        world.clock.advance(60);
        assert_eq!((statuses(&warm).await, readable(&warm).await), ([201, 201], json!(false)), "{attribute}");
        let cold = world.environment_with_proxied_credentials(UNLIMITED).await;
        assert_eq!((statuses(&cold).await, readable(&cold).await), ([503, 201], json!(false)), "{attribute}");
    }
}

#[tokio::test]
async fn table_that_is_gone_leaves_the_last_good_version_or_the_default_policy() {
    let (world, _) = with_search().await;
    let warm = world.environment_with_proxied_credentials(UNLIMITED).await;
    world.dynamodb.call("DeleteTable", &json!({ "TableName": "Policies" }));
    world.clock.advance(60);
    assert_eq!((statuses(&warm).await, readable(&warm).await), ([201, 201], json!(false)));
    let cold = world.environment_with_proxied_credentials(UNLIMITED).await;
    assert_eq!((statuses(&cold).await, readable(&cold).await), ([503, 201], json!(false)));
    for path in ["active", "schema", "activations"] {
        let response = world.get(&format!("/api/governance/policies/{path}")).await;
        assert_eq!(response.status, if path == "schema" { 200 } else { 503 }, "{response:?}");
    }
    let sweeper = world.sweeper();
    assert!(!Box::pin(sweeper.run()).await.policy_unreadable, "one failure may pass");
    assert!(Box::pin(sweeper.run()).await.policy_unreadable);
}

#[tokio::test]
async fn sweep_raises_an_alert_about_a_version_that_cannot_be_read() {
    let (world, search) = with_search().await;
    assert!(!world.sweep().await.policy_unreadable);
    corrupt(&world, "document", &search, "document");
    assert!(world.sweep().await.policy_unreadable);
    let health = world.get(HEALTH).await;
    let alert = &health.list("/systemAlerts")[0];
    assert_eq!((&alert["kind"], &alert["sender"]), (&json!("unreadable_policy"), &json!("age")), "{health:?}");
    assert!(alert["detail"].as_str().unwrap().contains(Policy::HASH), "{health:?}");
    let overview = world.as_caller(crate::world::test_credentials::TESTS).get("/dashboard").await;
    assert!(overview.status == 303 || overview.status == 200, "{overview:?}");
    let events = world.get("/api/governance/events?engine=age&severity=MEDIUM").await;
    assert_eq!(events.text("/events/0/eventType"), "unreadable_policy");
}
