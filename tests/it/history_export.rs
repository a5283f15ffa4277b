//! The history of a period, exported for simulations without AGE.

use age_governance::{SimulationInput, run_simulation};
use age_model::SimulationId;
use age_policy::Policy;
use age_scoring::simulation::{History, simulate};
use age_store::Policies;
use serde_json::{Value, json};

use crate::policies::{POLICIES, push};
use crate::world::test_credentials::{BILLING, NIGHT_DESK, READER};
use crate::world::{World, event};

const DAY: &str = "from=2026-11-23&to=2026-11-24T00:00:00Z";

/// Records a day with incidents, an outcome and an acknowledgement. The time is then that of the next midnight.
async fn record_a_day(world: &World) {
    world.set_time("2026-11-23T00:05:00Z");
    world.sweep().await;
    let lost = world.post(&event("billing", "ledger_lost", "HIGH")).await;
    world.post(&event("billing", "ledger_checked", "LOW")).await;
    world.clock.advance(300);
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", lost.text("/id"));
    let reported = world.as_caller(BILLING).post_json(&outcome, &json!({ "outcome": "failed" })).await;
    assert_eq!(reported.status, 200, "{reported:?}");
    world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    world.clock.advance(60);
    world.sweep().await;
    let incidents = world.get("/api/governance/incidents").await;
    let path = format!("/api/governance/incidents/{}/acknowledge", incidents.text("/incidents/0/id"));
    assert_eq!(world.as_caller(NIGHT_DESK).post_json(&path, &json!({})).await.status, 200);
    world.set_time("2026-11-24T00:00:00Z");
}

#[tokio::test]
async fn exported_day_is_simulated_offline_with_the_same_result() {
    let world = World::new().await;
    record_a_day(&world).await;
    let mut draft = Policy::compiled().unwrap();
    draft.incidents.min_severity = age_model::Severity::High;
    let hash = push(&world, &serde_json::to_value(&draft).unwrap()).await;
    let path = format!("{POLICIES}/{hash}/simulation");
    let period = json!({ "from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z" });
    let started = world.as_caller(NIGHT_DESK).post_json(&path, &period).await;
    assert_eq!(started.status, 202, "{started:?}");
    let (policies, simulator) = (Policies::new(&world.db(), "Policies"), world.policy_simulator());
    let clock = world.clock.as_ref();
    let id: SimulationId = started.text("/id").parse().unwrap();
    let run = async |input: SimulationInput| {
        let SimulationInput { active, active_hash, draft, engines, from, to } = input;
        let active = (&active, &*active_hash.to_string());
        let simulation = simulator.simulate(active, &draft, &engines, (from, to), clock).await.unwrap();
        serde_json::to_string(&simulation)
    };
    run_simulation(&policies, id, clock, run).await.unwrap();
    let result = world.get(started.header("location").unwrap()).await.json["result"].clone();

    let export = world.as_caller(NIGHT_DESK).get(&format!("{POLICIES}/history?{DAY}")).await;
    assert_eq!((export.status, export.header("content-type")), (200, Some("application/json")), "{export:?}");
    assert_eq!(export.json["active"]["hash"], Policy::HASH);
    let active: Policy = serde_json::from_value(export.json["active"]["document"].clone()).unwrap();
    let history: History = serde_json::from_value(export.json["history"].clone()).unwrap();
    assert!(history.events.len() == 3 && history.incidents.len() == 2 && !history.actions.is_empty(), "{history:?}");
    let offline = simulate((&active, Policy::HASH), &draft, &history);
    assert!(!offline.difference.is_empty() && offline.self_check.reproduced > 0, "{offline:?}");
    assert_eq!(serde_json::to_value(&offline).unwrap(), result);
}

#[tokio::test]
async fn export_has_the_active_version_and_the_history_and_nothing_else() {
    let world = World::new().await;
    record_a_day(&world).await;
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let export = world.as_caller(NIGHT_DESK).get(&format!("{POLICIES}/history")).await;
    assert_eq!(export.status, 200, "{export:?}");
    assert_eq!(names(&export.json), ["active", "history"]);
    assert_eq!(names(&export.json["active"]), ["document", "hash"]);
    assert_eq!(export.text("/history/from"), "2026-10-27T00:00:00.000Z", "4 weeks before now");
    assert_eq!(export.text("/history/to"), "2026-11-24T00:00:00.000Z");
    assert_eq!(world.as_caller(READER).get(&format!("{POLICIES}/history?{DAY}")).await.status, 403);
}

#[tokio::test]
async fn history_of_an_invalid_period_is_refused_with_its_fields() {
    let world = World::new().await;
    for (query, fields) in [
        ("from=2026-11-23&to=2026-11-22", vec!["/from"]),
        ("from=2026-11-22&to=2026-11-22", vec!["/from"]),
        ("from=2026-11-24&to=2026-11-25", vec!["/from"]),
        ("from=2026-08-01&to=2026-10-31T00:00:01Z", vec!["/from"]),
        ("from=yesterday&to=2026-11-23&weeks=1", vec!["/from", "/weeks"]),
        ("from=2026-11-22&to=tomorrow", vec!["/to"]),
    ] {
        let refused = world.as_caller(NIGHT_DESK).get(&format!("{POLICIES}/history?{query}")).await;
        let named: Vec<_> = refused.list("/errors").iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!((refused.status, named), (422, fields), "{refused:?}");
    }
    let thirteen_weeks = format!("{POLICIES}/history?from=2026-08-01&to=2026-10-31");
    assert_eq!(world.as_caller(NIGHT_DESK).get(&thirteen_weeks).await.status, 200);
}
