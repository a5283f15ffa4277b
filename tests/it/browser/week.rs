//! The sample week: its events, a worker that reports outcomes, people who intervene, and the first problems of the week after.

use std::collections::BTreeMap;

use age_model::Timestamp;
use serde_json::{Value, json};

use crate::world::test_credentials::{DAY_DESK, NIGHT_DESK};
use crate::world::{Api, ENGINES, World};
use Command::{Acknowledge, Decide, Resolve};

/// What a person does about the newest incident or action of an event type.
struct Intervention {
    event_type: &'static str,
    /// Minutes after the event.
    minutes: i64,
    by: &'static str,
    command: Command,
}

enum Command {
    /// With a note.
    Acknowledge(&'static str),
    /// With a note.
    Resolve(&'static str),
    /// On an approval.
    Decide(&'static str),
}

#[rustfmt::skip]
const INTERVENTIONS: [Intervention; 7] = [
    Intervention { event_type: "ledger_sync_outage", minutes: 9, by: NIGHT_DESK, command: Acknowledge("failing over now") },
    Intervention { event_type: "duplicate_charges_detected", minutes: 40, by: DAY_DESK, command: Acknowledge("") },
    Intervention { event_type: "payment_webhook_dropped", minutes: 67, by: DAY_DESK, command: Acknowledge("") },
    Intervention { event_type: "payment_webhook_dropped", minutes: 100, by: DAY_DESK, command: Resolve("sent by hand") },
    Intervention { event_type: "permission_scope_widened", minutes: 20, by: NIGHT_DESK, command: Decide("approve") },
    Intervention { event_type: "permission_boundary_breached", minutes: 4, by: NIGHT_DESK, command: Acknowledge("") },
    Intervention { event_type: "permission_token_overbroad", minutes: 50, by: DAY_DESK, command: Decide("deny") },
];

/// When something may be due, in minutes after a severe event or an intervention.
const SWEEP_MINUTES: [i64; 5] = [1, 7, 35, 70, 25 * 60];

/// How long the worker takes.
const WORKER_MINUTES: i64 = 2;

enum Step {
    Report(Value),
    Intervene(&'static Intervention),
    /// The worker reports outcomes.
    Work,
    Sweep,
}

/// Replays the seven days before the world's first Monday, and the first minutes of that Monday.
pub(crate) async fn replay(world: &World) {
    let end = crate::world::monday().day().start();
    let engines = engines(world).await;
    let mut done = 0;
    for (at, step) in steps(events(), end) {
        world.clock.set(at);
        match step {
            Step::Report(event) => {
                let sent = engines[event["engine"].as_str().unwrap()].post(&event, None).await;
                assert_eq!(sent.status, 201, "{sent:?}");
            }
            Step::Intervene(intervention) => intervention.send(world).await,
            Step::Work => done = work(world, &engines, done).await,
            Step::Sweep => drop(world.sweep().await),
        }
    }
    world.clock.set(crate::world::monday());
    world.sweep().await;
    world.run_weekly_report().await.unwrap();
    world.clock.advance(15 * 60);
    for (engine, event_type, severity, details) in [
        ("compliance", "permission_scope_widened", "HIGH", json!({ "scope": "repo:write" })),
        ("billing", "ledger_sync_outage", "CRITICAL", json!({ "ledger": "eu-2", "minutesDown": 12 })),
    ] {
        let sent = json!({ "engine": engine, "eventType": event_type, "severity": severity, "details": details });
        assert_eq!(engines[engine].post(&sent, None).await.status, 201);
        world.clock.advance(60);
    }
    world.sweep().await;
}

/// The sample's events, a week later: they end at the world's Monday.
fn events() -> Vec<(Timestamp, Value)> {
    let lines = include_str!("../../../examples/week.ndjson").lines();
    let events = lines.map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let at = event["sourceTime"].as_str().unwrap().parse::<Timestamp>().unwrap().plus_days(7);
        event["sourceTime"] = Value::from(at.to_string());
        (at, event)
    });
    events.collect()
}

fn steps(events: Vec<(Timestamp, Value)>, end: Timestamp) -> Vec<(Timestamp, Step)> {
    let minutes = |at: Timestamp, minutes: i64| at.plus_seconds(minutes * 60);
    let occurred_at: BTreeMap<String, Timestamp> =
        events.iter().map(|(at, event)| (event["eventType"].as_str().unwrap().to_owned(), *at)).collect();
    let interventions: Vec<_> =
        INTERVENTIONS.iter().map(|it| (minutes(occurred_at[it.event_type], it.minutes), it)).collect();
    let severe = events.iter().filter(|(_, event)| event["severity"] == "HIGH" || event["severity"] == "CRITICAL");
    let busy: Vec<Timestamp> = severe.map(|(at, _)| *at).chain(interventions.iter().map(|(at, _)| *at)).collect();
    let last = events.last().unwrap().0;
    let first = (events[0].0, Step::Sweep);
    let work = busy.iter().map(|at| (minutes(*at, WORKER_MINUTES), Step::Work)).filter(|(at, _)| *at < last);
    let sweeps = busy.iter().flat_map(|at| SWEEP_MINUTES.map(|later| (minutes(*at, later), Step::Sweep)));
    let mut steps: Vec<_> = [first].into_iter().chain(work).chain(sweeps).collect();
    steps.extend(interventions.into_iter().map(|(at, intervention)| (at, Step::Intervene(intervention))));
    steps.extend(events.into_iter().map(|(at, event)| (at, Step::Report(event))));
    steps.retain(|(at, _)| *at < end);
    steps.sort_by_key(|(at, _)| *at);
    steps
}

/// Returns the API with a credential of each engine.
async fn engines(world: &World) -> BTreeMap<String, Api> {
    let mut engines = BTreeMap::new();
    for engine in ENGINES {
        let kid = format!("{}-worker", engine.as_str().replace('_', "-"));
        let wanted = json!({ "kid": kid, "role": "engine", "engines": [engine] });
        let made = world.post_json("/api/governance/credentials", &wanted).await;
        engines.insert(engine.to_string(), world.api().with_token(made.text("/token")));
    }
    engines
}

/// Reports the outcomes of the action requests after the first `done`, as `examples/worker.py` does. Returns how many requests
/// there are.
async fn work(world: &World, engines: &BTreeMap<String, Api>, done: usize) -> usize {
    let requests = world.sns.published("actions");
    for request in &requests[done..] {
        let request = &request.json;
        let is_lost = request["details"]["minutesDown"].as_i64().is_some_and(|minutes| minutes > 30);
        let outcome = if is_lost {
            json!({ "outcome": "failed", "detail": "the ledger does not answer" })
        } else if request["details"].get("dropped").is_some() {
            json!({ "outcome": "failed", "detail": "nothing is left to sync from" })
        } else {
            json!({ "outcome": "succeeded", "detail": format!("attempt {}", request["attempt"]) })
        };
        let is_of_maos = request["action"] == "MAOS_auto_fix";
        let engine = &engines[if is_of_maos { "maos" } else { request["engine"].as_str().unwrap() }];
        let reported = engine.post_json(request["outcomePath"].as_str().unwrap(), &outcome).await;
        assert!([200, 409].contains(&reported.status), "{reported:?}");
    }
    requests.len()
}

impl Intervention {
    async fn send(&self, world: &World) {
        let (list, query) = match self.command {
            Decide(_) => ("actions", "status=pending_approval"),
            Acknowledge(_) | Resolve(_) => ("incidents", "limit=200"),
        };
        let listed = world.get(&format!("/api/governance/{list}?{query}")).await;
        let of_type = |item: &&Value| item["eventType"] == self.event_type;
        let item = listed.list(&format!("/{list}")).iter().find(of_type).unwrap_or_else(|| panic!("{listed:?}"));
        let text = |name: &str| item[name].as_str().unwrap();
        let noted = |note: &str| if note.is_empty() { json!({}) } else { json!({ "note": note }) };
        let (path, body) = match self.command {
            Acknowledge(note) => (format!("incidents/{}/acknowledge", text("id")), noted(note)),
            Resolve(note) => (format!("incidents/{}/resolve", text("id")), noted(note)),
            Decide(decision) => {
                let path = format!("events/{}/actions/{}/approval", text("eventId"), text("action"));
                (path, json!({ "decision": decision, "digest": text("digest") }))
            }
        };
        let done = world.as_caller(self.by).post_json(&format!("/api/governance/{path}"), &body).await;
        assert_eq!(done.status, 200, "{done:?}");
    }
}
