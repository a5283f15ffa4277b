//! Engines with too many open incidents: what would open more is gathered in one incident, exactly counted.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::incidents::count_new_events;
use crate::world::browser::Browser;
use crate::world::proxy::Fault;
use crate::world::test_credentials::{NIGHT_DESK, READER};
use crate::world::{Api, ApiResponse, World, event};

/// The bound of the policy, written again so that a changed policy fails the test.
pub(crate) const MAX_OPEN: usize = 500;

const SECOND: i64 = 1;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400;
const GATHERING: &str = "many_event_types";

/// Reports one event of each type `NAME_NUMBER`, up to 500 in a request.
pub(crate) async fn post_types(api: &Api, engine: &str, severity: &str, name: &str, numbers: std::ops::Range<usize>) {
    let events: Vec<Value> = numbers.map(|number| event(engine, &format!("{name}_{number}"), severity)).collect();
    for batch in events.chunks(500) {
        let mut waiting = batch.to_vec();
        while !waiting.is_empty() {
            let response = api.post_json("/api/governance/events", &Value::from(waiting.clone())).await;
            assert_eq!(response.status, 200, "{response:?}");
            let results = response.list("/results").iter().zip(waiting);
            // What conflicts with other writers for too long is sent again.
            waiting = results.filter(|(result, _)| result["status"] == 503).map(|(_, event)| event).collect();
        }
    }
}

impl World {
    /// Fills QA with `number` open incidents, none of which people are to be notified of for some time.
    async fn open_incidents(&self, number: usize) {
        self.sns.set_refusing(true);
        self.post(&event("qa", "suite_lost", "CRITICAL")).await;
        self.copy_incident("qa#suite_lost", number - 1);
        self.sns.set_refusing(false);
        self.clock.advance(11);
    }

    pub(crate) async fn all_incidents(&self, query: &str) -> Vec<Value> {
        let (mut incidents, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/governance/incidents?limit=200{query}{cursor}")).await;
            incidents.extend(page.list("/incidents").to_vec());
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return incidents,
            }
        }
    }

    async fn gathering_incident(&self) -> Value {
        let incidents = self.all_incidents("").await;
        incidents.into_iter().find(|incident| incident["eventType"] == GATHERING).unwrap_or_default()
    }

    async fn change(&self, incident: &Value, verb: &str) -> ApiResponse {
        let path = format!("/api/governance/incidents/{}/{verb}", incident["id"].as_str().unwrap());
        self.as_caller(NIGHT_DESK).post_json(&path, &json!({})).await
    }
}

#[tokio::test]
async fn event_types_beyond_the_bound_are_gathered_and_counted_exactly() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    post_types(world.api(), "qa", "CRITICAL", "type", 0..MAX_OPEN + 100).await;
    world.sns.set_refusing(false);
    let incidents = world.all_incidents("&status=open").await;
    assert_eq!(incidents.len(), MAX_OPEN + 1, "the gathering incident comes on top");
    let gathering = world.gathering_incident().await;
    assert_eq!((&gathering["cause"], &gathering["severity"]), (&json!(GATHERING), &json!("CRITICAL")), "{gathering}");
    assert_eq!(gathering["eventCount"], 100);
    let counted: u64 = incidents.iter().map(|incident| incident["eventCount"].as_u64().unwrap()).sum();
    assert_eq!(counted, MAX_OPEN as u64 + 100);

    // Another engine opens incidents of its own.
    post_types(world.api(), "maos", "CRITICAL", "type", 0..1).await;
    assert_eq!(world.all_incidents("&engine=maos").await.len(), 1);

    let mut minutes = 0;
    while world.all_incidents("&status=open").await.iter().any(|incident| incident["notificationCount"] == 0) {
        world.sweep_every_minute(1).await;
        minutes += 1;
        assert!(minutes < 10);
    }
    let emails = world.emails();
    assert_eq!(emails.iter().map(count_new_events).sum::<u64>(), MAX_OPEN as u64 + 101);
    let said = "CRITICAL, new: QA: many event types";
    assert!(emails.iter().any(|email| email.message.contains(said)), "the gathering incident is notified");
}

#[tokio::test]
async fn gathered_type_stays_until_the_gathering_incident_is_resolved() {
    let world = World::new().await;
    world.open_incidents(MAX_OPEN).await;
    let created = world.post(&event("qa", "beyond", "CRITICAL")).await;
    assert_eq!(created.actions(), [("notify_admin", "pending")], "{created:?}");
    let gathering = world.gathering_incident().await;
    assert_eq!((&gathering["eventCount"], &gathering["eventId"]), (&json!(1), &created.json["id"]), "{gathering}");

    // Below the bound, new types open incidents of their own, and the gathered type stays where it is.
    // The gathering incident is one of the open ones.
    for name in ["suite_lost", "suite_lost_7"] {
        let one = world.all_incidents("&status=open").await.into_iter().find(|one| one["eventType"] == name);
        assert_eq!(world.change(&one.unwrap(), "resolve").await.status, 200);
    }
    world.clock.advance(11);
    for name in ["beyond", "within"] {
        world.post(&event("qa", name, "CRITICAL")).await;
    }
    assert_eq!(world.gathering_incident().await["eventCount"], 2);
    let names: BTreeSet<String> =
        world.all_incidents("&status=open").await.iter().map(|one| one["eventType"].to_string()).collect();
    assert!(names.contains("\"within\"") && !names.contains("\"beyond\""));

    let gathering = world.gathering_incident().await;
    assert_eq!(world.change(&gathering, "resolve").await.status, 200);
    world.clock.advance(11);
    world.post(&event("qa", "beyond", "CRITICAL")).await;
    let own = world.all_incidents("&status=open").await.into_iter().find(|one| one["eventType"] == "beyond");
    assert_eq!(own.unwrap()["eventCount"], 1);
}

#[tokio::test]
async fn failed_remediations_beyond_the_bound_are_gathered() {
    let world = World::new().await;
    world.open_incidents(MAX_OPEN).await;
    for name in ["lost", "late"] {
        let created = world.post(&event("qa", name, "HIGH")).await;
        assert_eq!(created.actions(), [("MAOS_auto_fix", "dispatched")]);
        let path = format!("/api/governance/events/{}/actions/MAOS_auto_fix/outcome", created.text("/id"));
        if name == "lost" {
            assert_eq!(world.post_json(&path, &json!({"outcome": "failed"})).await.status, 200);
        }
    }
    let gathering = world.gathering_incident().await;
    assert_eq!((&gathering["failedRemediationCount"], &gathering["eventCount"]), (&json!(1), &json!(1)), "{gathering}");
    world.sweep_every_minute(31).await;
    let gathering = world.gathering_incident().await;
    assert_eq!((&gathering["failedRemediationCount"], &gathering["eventCount"]), (&json!(2), &json!(2)), "{gathering}");
    let page = world.get(&format!("/api/governance/incidents/{}", gathering["id"].as_str().unwrap())).await;
    let entries = page.list("/timeline");
    assert!(entries.iter().any(|entry| entry["event"]["eventType"] == "lost"), "{page:?}");
}

#[tokio::test]
async fn acknowledged_gathering_incident_resolves_only_when_nothing_of_it_is_heard() {
    let world = World::new().await;
    world.open_incidents(MAX_OPEN).await;
    let sent = event("qa", "beyond", "CRITICAL");
    world.post_keyed(&sent, "k").await;
    let gathering = world.gathering_incident().await;
    assert_eq!(world.change(&gathering, "acknowledge").await.status, 200);
    let others = json!({ "eventTypePrefix": "suite_lost", "expectedCount": MAX_OPEN });
    let resolved = world.as_caller(NIGHT_DESK).post_json("/api/governance/incidents/resolve", &others).await;
    assert_eq!(resolved.status, 200, "{resolved:?}");
    for _ in 0..3 {
        world.clock.advance(DAY / 2);
        assert_eq!(world.post_keyed(&sent, "k").await.status, 200, "a repeat is a sign of life");
        world.sweep().await;
        assert_eq!(world.gathering_incident().await["status"], "acknowledged");
    }
    world.clock.advance(DAY + MINUTE);
    world.sweep().await;
    let gathering = world.gathering_incident().await;
    assert_eq!((&gathering["status"], &gathering["eventCount"]), (&json!("resolved"), &json!(1)), "{gathering}");
}

/// The number of open incidents is known with a delay, so concurrent environments may exceed the bound by what each opens meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_environments_count_exactly_and_exceed_the_bound_little() {
    const ENVIRONMENTS: usize = 4;
    const EACH: usize = 220;
    let world = World::new().await;
    world.sns.set_refusing(true);
    let environments = join_all((0..ENVIRONMENTS).map(|_| world.new_environment())).await;
    let senders = environments.iter().enumerate();
    let senders = senders
        .map(async |(number, api)| post_types(api, "qa", "CRITICAL", &format!("sender_{number}"), 0..EACH).await);
    join_all(senders).await;
    let incidents = world.all_incidents("&status=open").await;
    assert!((MAX_OPEN..=MAX_OPEN + ENVIRONMENTS * 70).contains(&incidents.len()), "{}", incidents.len());
    let counted: u64 = incidents.iter().map(|incident| incident["eventCount"].as_u64().unwrap()).sum();
    assert_eq!(counted, (ENVIRONMENTS * EACH) as u64);
}

#[tokio::test]
async fn event_type_that_looks_like_that_of_an_open_incident_is_shown_as_such() {
    let world = World::new().await;
    let lookalike = "inv\u{43e}ice_lost";
    for name in ["invoice_lost", "other", lookalike] {
        assert_eq!(world.post(&event("qa", name, "CRITICAL")).await.status, 201);
    }
    // The same name of another engine is not confused with it.
    world.post(&event("maos", lookalike, "CRITICAL")).await;
    let incidents = world.all_incidents("").await;
    let looks_like = |engine: &str, name: &str| {
        let mut of_engine = incidents.iter().filter(|incident| incident["engine"] == engine);
        of_engine.find(|incident| incident["eventType"] == name).unwrap().get("looksLike").cloned()
    };
    assert_eq!(looks_like("qa", lookalike), Some(json!(["invoice_lost"])));
    assert_eq!((looks_like("qa", "other"), looks_like("maos", lookalike)), (None, None));
    let email = world.emails().into_iter().find(|email| email.message.contains("Looks like")).unwrap();
    assert!(
        email.message.contains("Looks like  another event type, in other characters: invoice_lost"),
        "{}",
        email.message
    );
    let one = incidents.iter().find(|incident| incident.get("looksLike").is_some()).unwrap();
    let mut reader = Browser::signed_in(&world, READER).await;
    let page = reader.get(&format!("/dashboard/incidents/{}", one["id"].as_str().unwrap())).await;
    assert!(page.body.contains("Looks like") && page.body.contains("<bdi>invoice_lost</bdi>"), "{}", page.body);
}

/// Each call takes 5 ms, so one run cannot do all that is due.
#[tokio::test]
async fn ten_thousand_due_actions_of_one_engine_do_not_use_up_the_sweep() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    world.post(&event("billing", "order_failed", "HIGH")).await;
    world.clock.advance(SECOND);
    let created = world.post(&event("qa", "suite_slow", "HIGH")).await;
    world.sns.set_refusing(false);
    world.copy_action("billing", 10_000);
    world.clock.advance(MINUTE);
    let clock = std::sync::Arc::clone(&world.clock);
    world.dynamodb.set_fault(move |_| {
        clock.set(age_model::Clock::now(clock.as_ref()).plus_millis(5));
        Fault::None
    });
    let swept = world.sweep().await;
    world.dynamodb.reset();
    // The actions are a minute old when the run begins, which has 40 seconds.
    assert!((60..=120).contains(&swept.actions_behind_seconds), "{swept:?}");
    assert_eq!(swept.decisions_behind_seconds, 0);
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.actions(), [("MAOS_auto_fix", "dispatched")]);
}
