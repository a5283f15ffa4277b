//! Simulations of policy versions: each is started once, and ends with a result or a reason.

use age_governance::{SimulationInput, run_simulation};
use age_model::SimulationId;
use age_policy::Policy;
use age_store::Policies;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::policies::{POLICIES, activate, default_with_engine, push};
use crate::world::test_credentials::NIGHT_DESK;
use crate::world::{ApiResponse, World};

fn period() -> Value {
    json!({ "from": "2026-11-09T00:00:00Z", "to": "2026-11-23T00:00:00Z" })
}

async fn start(world: &World, hash: &str, period: &Value) -> ApiResponse {
    world.as_caller(NIGHT_DESK).post_json(&format!("{POLICIES}/{hash}/simulation"), period).await
}

/// Runs the simulations that were started, as the function does whose topic has the messages.
async fn run(world: &World, simulate: impl AsyncFn(SimulationInput) -> Result<String, String>) {
    let policies = Policies::new(&world.db(), "Policies");
    for message in world.sns.published("simulations") {
        let id: SimulationId = message.message.parse().unwrap();
        run_simulation(&policies, id, world.clock.as_ref(), &simulate).await.unwrap();
    }
}

#[tokio::test]
async fn simulation_is_started_and_its_result_is_kept() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let started = start(&world, &search, &period()).await;
    assert_eq!(started.status, 202, "{started:?}");
    let path = started.header("location").unwrap().to_owned();
    let id = started.text("/id");
    assert_eq!(path, format!("{POLICIES}/{search}/simulations/{id}"));
    let running = json!({
        "id": id, "status": "running", "from": "2026-11-09T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z",
        "policyHash": search, "activeHash": Policy::HASH, "startedAt": "2026-11-23T00:05:00.000Z", "startedBy": NIGHT_DESK,
    });
    assert_eq!(started.json, running);
    assert_eq!(world.get(&path).await.json, running);

    world.clock.advance(7);
    run(&world, async |input: SimulationInput| {
        assert_eq!((input.active_hash, input.active), (Policy::COMPILED_HASH, Policy::compiled().unwrap()));
        assert_eq!(
            (input.draft.hash().to_string(), input.from.to_string()),
            (search.clone(), "2026-11-09T00:00:00.000Z".into())
        );
        let named: Vec<String> = input.engines.iter().map(ToString::to_string).collect();
        assert!(named.contains(&"search".to_owned()) && named.contains(&"billing".to_owned()), "{named:?}");
        Ok(r#"{"weeks":[{"score":1}]}"#.to_owned())
    })
    .await;
    let done = world.get(&path).await;
    assert_eq!((done.text("/status"), done.text("/finishedAt")), ("succeeded", "2026-11-23T00:05:07.000Z"));
    assert_eq!(done.json["result"], json!({ "weeks": [{ "score": 1 }] }));

    // A second delivery of the message runs nothing.
    run(&world, async |_| Err("must not run".to_owned())).await;
    assert_eq!(world.get(&path).await.json, done.json);
    let other = format!("{POLICIES}/{}/simulations/{id}", Policy::HASH);
    for path in [other.as_str(), "/api/governance/policies/x/simulations/y"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn same_simulation_is_not_started_again_while_it_runs() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let period = period();
    let started = join_all((0..4).map(|_| start(&world, &search, &period))).await;
    assert!(started.iter().all(|it| it.status == 202 && it.json == started[0].json), "{started:?}");
    assert_eq!(world.sns.published("simulations").len(), 1);
    let shorter =
        start(&world, &search, &json!({ "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z" })).await;
    assert_ne!(shorter.text("/id"), started[0].text("/id"));
    assert_eq!(activate(&world, &search, Policy::HASH).await.status, 200);
    let against_another = start(&world, &search, &period).await;
    assert_ne!(against_another.text("/id"), started[0].text("/id"), "it is compared with another version");
    assert_eq!(world.sns.published("simulations").len(), 3);

    run(&world, async |_| Ok("{}".to_owned())).await;
    world.clock.advance(60);
    let again = start(&world, &search, &period).await;
    assert_eq!(
        (again.text("/id"), again.text("/status")),
        (against_another.text("/id"), "running"),
        "the past may have more by now"
    );
}

#[tokio::test]
async fn simulation_that_fails_dies_or_has_a_large_result_says_so() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let path = start(&world, &search, &period()).await.header("location").unwrap().to_owned();
    run(&world, async |_| Err("row secret of table secret".to_owned())).await;
    let failed = world.get(&path).await;
    assert_eq!(failed.text("/status"), "failed");
    assert!(!failed.body.contains("secret") && failed.json.get("result").is_none(), "{failed:?}");

    start(&world, &search, &period()).await;
    run(&world, async |_| Ok(format!("\"{}\"", "x".repeat(350_000)))).await;
    assert!(world.get(&path).await.text("/error").contains("too large"));

    start(&world, &search, &period()).await;
    world.clock.advance(359);
    assert_eq!(world.get(&path).await.text("/status"), "running");
    world.clock.advance(1);
    let died = world.get(&path).await;
    assert_eq!((died.text("/status"), died.text("/finishedAt")), ("failed", "2026-11-23T00:11:00.000Z"), "{died:?}");
    run(&world, async |_| Ok("{}".to_owned())).await;
    assert_eq!(world.get(&path).await.text("/status"), "failed", "it is too late for a result");
    assert_eq!(start(&world, &search, &period()).await.text("/status"), "running");

    world.sns.set_refusing(true);
    let shorter = json!({ "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z" });
    let refused = start(&world, &search, &shorter).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{refused:?}");
    world.sns.set_refusing(false);
    assert_eq!(start(&world, &search, &shorter).await.status, 202, "it can be started later");
}

#[tokio::test]
async fn invalid_simulation_is_refused_with_its_fields() {
    let world = World::new().await;
    for (body, fields) in [
        (json!({}), vec!["/from", "/to"]),
        (json!({ "from": "2026-11-23T00:00:00Z", "to": "2026-11-22T00:00:00Z" }), vec!["/to"]),
        (json!({ "from": "2026-08-01T00:00:00Z", "to": "2026-11-01T00:00:01Z" }), vec!["/to"]),
        (json!({ "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z" }), vec!["/from"]),
        (json!({ "from": "yesterday", "to": "2026-11-25T00:00:00Z", "weeks": 1 }), vec!["/from", "/weeks"]),
    ] {
        let refused = start(&world, Policy::HASH, &body).await;
        let named: Vec<_> = refused.list("/errors").iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!((refused.status, named), (422, fields), "{refused:?}");
    }
    let thirteen_weeks = json!({ "from": "2026-08-01T00:00:00Z", "to": "2026-10-31T00:00:00Z" });
    assert_eq!(start(&world, Policy::HASH, &thirteen_weeks).await.status, 202);
    assert_eq!(start(&world, &"0".repeat(64), &period()).await.status, 404);
}
