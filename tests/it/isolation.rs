//! Isolation: whatever one engine sends, another engine's events, actions, notifications, pages and reports are as without it.

use std::collections::BTreeSet;
use std::io::Write;

use age_model::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::many_event_types::post_types;
use crate::world::browser::Browser;
use crate::world::test_credentials::{ANOTHER_ENGINE, BILLING, READER};
use crate::world::{Api, World, event};

const SECOND: i64 = 1;
const MINUTE: i64 = 60 * SECOND;

/// How long the attack lasts, in simulated minutes.
const MINUTES: usize = 10;

/// The types that the attacker uses. Fewer on a developer's machine, where the test is not to take long.
fn attack_types() -> usize {
    if std::env::var_os("CI").is_some() { 10_000 } else { 1_500 }
}

/// What engine QA, which is not attacking, has seen.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// The statuses of the responses to its events.
    statuses: Vec<u16>,
    /// Its actions, with their statuses at the end.
    actions: Vec<(String, String)>,
    events: usize,
    incidents: Vec<(String, u64)>,
    /// The weekly report's number of its events.
    reported: u64,
}

struct Outcome {
    seen: Seen,
    /// When each initial notification of its incidents was sent, after the event.
    notified_after: Vec<i64>,
    /// The size of the overview in bytes, and the read units of QA's lists.
    list_units: f64,
    overview_has_incident: bool,
}

/// One minute of the worst that billing can do with its own token, and strangers without one.
async fn attack(world: &World, minute: usize) {
    let billing = world.as_caller(BILLING);
    let each = attack_types() / MINUTES;
    let types = minute * each..(minute + 1) * each;
    // Names of four bytes a character, as long as they may be.
    post_types(&billing, "billing", "CRITICAL", &"\u{1f525}".repeat(120), types.start..types.start + each / 2).await;
    // Ordinary names, which lead to remediations.
    post_types(&billing, "billing", "HIGH", "order_failed", types.start + each / 2..types.end).await;
    // A hot key with huge details.
    let mut hot = event("billing", "hot", "CRITICAL");
    hot["details"] = json!({ "text": "x".repeat(15_000) });
    let huge = Value::from(vec![hot.clone(); 4]);
    assert_eq!(billing.post_json("/api/governance/events", &huge).await.status, 200);
    // Replays.
    for _ in 0..10 {
        assert!(matches!(billing.post(&hot, Some("again")).await.status, 200 | 201));
    }
    // Wrong secrets: of a known name and of strangers.
    for number in 0..10 {
        let (known, secret) = (BILLING, "A".repeat(43));
        let token =
            if number % 2 == 0 { format!("agov1.{known}.{secret}") } else { format!("agov1.nobody-{number}.{secret}") };
        let refused = world.api().with_token(&token).post(&hot, None).await;
        assert_eq!(refused.status, 401, "{refused:?}");
    }
    // Events in another engine's name.
    assert_eq!(billing.post(&event("qa", "forged", "CRITICAL"), None).await.status, 403);
}

/// Ten minutes, in which QA reports a CRITICAL and a HIGH event each minute, and the sweep runs.
async fn run(is_attacked: bool) -> Outcome {
    let world = World::new().await;
    world.set_time("2026-11-22T23:50:00Z");
    world.sweep().await;
    let qa = world.as_caller(ANOTHER_ENGINE);
    let (mut statuses, mut sent): (Vec<u16>, Vec<(String, String, Timestamp)>) = (Vec::new(), Vec::new());
    for minute in 0..MINUTES {
        if is_attacked {
            attack(&world, minute).await;
        }
        for (name, severity) in [("suite_lost", "CRITICAL"), ("suite_slow", "HIGH")] {
            let name = format!("{name}_{minute}");
            let created = qa.post(&event("qa", &name, severity), None).await;
            statuses.push(created.status);
            sent.push((created.text("/id").to_owned(), name, world.clock.now()));
        }
        // The sweep comes half a minute after the events; it runs every minute.
        world.clock.advance(MINUTE / 2);
        world.sweep().await;
        world.clock.advance(MINUTE / 2);
    }
    world.set_time("2026-11-23T00:05:00Z");
    let weekly = world.run_weekly_report().await.unwrap();
    let reports = world.get("/api/governance/reports?limit=1").await;
    let reported = reports.json["reports"][0]["summary"]["byEngine"]["qa"].as_u64().unwrap_or_default();
    assert!(reported > 0, "the weekly report is made: {weekly:?} {reports:?}");

    let mut actions = Vec::new();
    for (id, ..) in &sent {
        let shown = world.get(&format!("/api/governance/events/{id}")).await;
        actions.extend(shown.actions().into_iter().map(|(action, status)| (action.to_owned(), status.to_owned())));
    }
    let emails = world.emails();
    let notified_after = sent.iter().filter(|(_, name, _)| name.starts_with("suite_lost")).map(|(_, name, at)| {
        let first = emails.iter().find(|email| email.message.contains(name.as_str()));
        first.map_or(i64::MAX, |email| email.at.seconds() - at.seconds())
    });
    let (units, (events, incidents)) = world.dynamodb.measure_units(Box::pin(lists_of_qa(world.api()))).await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let overview = reader.get("/dashboard").await;
    assert_eq!(overview.status, 200);
    Outcome {
        notified_after: notified_after.collect(),
        list_units: units.read,
        overview_has_incident: overview.body.contains(&format!("suite_lost_{}", MINUTES - 1)),
        seen: Seen { statuses, actions, events, incidents, reported },
    }
}

/// Returns how many events QA's list has, and its incidents with their numbers of events.
async fn lists_of_qa(api: &Api) -> (usize, Vec<(String, u64)>) {
    let events = api.get("/api/governance/events?engine=qa&limit=200").await;
    let incidents = api.get("/api/governance/incidents?engine=qa&limit=100").await;
    let incident = |incident: &Value| {
        (incident["eventType"].as_str().unwrap().to_owned(), incident["eventCount"].as_u64().unwrap())
    };
    (events.list("/events").len(), incidents.list("/incidents").iter().map(incident).collect())
}

#[tokio::test]
async fn worst_that_one_engine_can_do_leaves_another_engine_as_it_was() {
    if std::env::var_os("CI").is_none() {
        // Not `eprintln!`: the test harness hides the output of passing tests.
        let _ = writeln!(std::io::stderr(), "the attack has {} event types; 10,000 with CI set", attack_types());
    }
    let alone = Box::pin(run(false)).await;
    let attacked = Box::pin(run(true)).await;
    assert_eq!(attacked.seen, alone.seen);
    assert!(alone.seen.statuses.iter().all(|status| *status == 201));
    let waited: Vec<(i64, i64)> = attacked.notified_after.iter().copied().zip(alone.notified_after).collect();
    for (attacked, alone) in &waited {
        assert!(*attacked <= alone + 10 * SECOND, "initial notifications, with and without the attack: {waited:?}");
    }
    assert!(attacked.overview_has_incident && alone.overview_has_incident, "the overview shows QA's incident");
    let names: BTreeSet<_> = attacked.seen.incidents.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), MINUTES);
    // The lists read QA's own events; the index of incidents has those of all engines, up to the bound of each.
    assert!(attacked.list_units <= alone.list_units + 100.0, "{} {}", attacked.list_units, alone.list_units);
}
