//! The sample week, lived through: its events, a worker who answers, people who take, end and decide; and the trouble with
//! which the next one begins.

use std::collections::BTreeMap;

use age_model::Timestamp;
use serde_json::{Value, json};

use crate::world::people::{DAY_DESK, NIGHT_DESK};
use crate::world::{Api, World};

/// What somebody does about the newest of this type, so many minutes after it.
struct Act {
    event_type: &'static str,
    minutes: i64,
    by: &'static str,
    deed: Deed,
}

enum Deed {
    Acknowledge(&'static str),
    Resolve(&'static str),
    Decide(&'static str),
}

#[rustfmt::skip]
const ACTS: [Act; 7] = [
    Act { event_type: "ledger_sync_outage", minutes: 9, by: NIGHT_DESK, deed: Deed::Acknowledge("failing over now") },
    Act { event_type: "duplicate_charges_detected", minutes: 40, by: DAY_DESK, deed: Deed::Acknowledge("") },
    Act { event_type: "payment_webhook_dropped", minutes: 67, by: DAY_DESK, deed: Deed::Acknowledge("") },
    Act { event_type: "payment_webhook_dropped", minutes: 100, by: DAY_DESK, deed: Deed::Resolve("sent by hand") },
    Act { event_type: "permission_scope_widened", minutes: 20, by: NIGHT_DESK, deed: Deed::Decide("approve") },
    Act { event_type: "permission_boundary_breached", minutes: 4, by: NIGHT_DESK, deed: Deed::Acknowledge("") },
    Act { event_type: "permission_token_overbroad", minutes: 50, by: DAY_DESK, deed: Deed::Decide("deny") },
];

/// When something may be due after a severe event or an approval, in minutes.
const SWEEPS: [i64; 5] = [1, 7, 35, 70, 25 * 60];

const WORKER_MINUTES: i64 = 2;

enum Step {
    Report(Value),
    Act(&'static Act),
    Work,
    Sweep,
}

/// Lives through the seven days before the world's first Monday, and its first half hour, to which nobody has seen yet.
pub(super) async fn live(world: &World) {
    let ends = crate::world::monday().day().start();
    let engines = engines(world).await;
    let mut done = 0;
    for (at, step) in steps(events(), ends) {
        world.clock.set(at);
        match step {
            Step::Report(event) => {
                let sent = engines[event["engine"].as_str().unwrap()].post(&event, None).await;
                assert_eq!(sent.status, 201, "{sent:?}");
            }
            Step::Act(act) => act.carry_out(world).await,
            Step::Work => done = work(world, &engines, done).await,
            Step::Sweep => drop(world.sweep().await),
        }
    }
    world.clock.set(crate::world::monday());
    world.sweep().await;
    world.fire().await.unwrap();
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

/// The events, moved on by the week between the sample's Monday and ours.
fn events() -> Vec<(Timestamp, Value)> {
    let lines = include_str!("../../../examples/week.ndjson").lines();
    let transitions = lines.map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let at = event["sourceTime"].as_str().unwrap().parse::<Timestamp>().unwrap().plus_days(7);
        event["sourceTime"] = Value::from(at.to_string());
        (at, event)
    });
    transitions.collect()
}

fn steps(events: Vec<(Timestamp, Value)>, ends: Timestamp) -> Vec<(Timestamp, Step)> {
    let minutes = |at: Timestamp, minutes: i64| at.plus_seconds(minutes * 60);
    let happened: BTreeMap<String, Timestamp> =
        events.iter().map(|(at, event)| (event["eventType"].as_str().unwrap().to_owned(), *at)).collect();
    let acts: Vec<_> = ACTS.iter().map(|act| (minutes(happened[act.event_type], act.minutes), act)).collect();
    let severe = events.iter().filter(|(_, event)| event["severity"] == "HIGH" || event["severity"] == "CRITICAL");
    let busy: Vec<Timestamp> = severe.map(|(at, _)| *at).chain(acts.iter().map(|(at, _)| *at)).collect();
    let last = events.last().unwrap().0;
    let first = (events[0].0, Step::Sweep);
    let work = busy.iter().map(|at| (minutes(*at, WORKER_MINUTES), Step::Work)).filter(|(at, _)| *at < last);
    let sweeps = busy.iter().flat_map(|at| SWEEPS.map(|later| (minutes(*at, later), Step::Sweep)));
    let mut steps: Vec<_> = [first].into_iter().chain(work).chain(sweeps).collect();
    steps.extend(acts.into_iter().map(|(at, act)| (at, Step::Act(act))));
    steps.extend(events.into_iter().map(|(at, event)| (at, Step::Report(event))));
    steps.retain(|(at, _)| *at < ends);
    steps.sort_by_key(|(at, _)| *at);
    steps
}

/// The API as each engine calls it.
async fn engines(world: &World) -> BTreeMap<&'static str, Api> {
    let mut engines = BTreeMap::new();
    for engine in age_model::Engine::ALL {
        let kid = format!("{}-worker", engine.as_str().replace('_', "-"));
        let wanted = json!({ "kid": kid, "role": "engine", "engines": [engine] });
        let made = world.tell("/api/governance/credentials", &wanted).await;
        engines.insert(engine.as_str(), world.api().with_token(made.text("/token")));
    }
    engines
}

/// Answers the orders after the first `done`, as `examples/worker.py` does.
async fn work(world: &World, engines: &BTreeMap<&'static str, Api>, done: usize) -> usize {
    let orders = world.sns.published("actions");
    for order in &orders[done..] {
        let order: Value = serde_json::from_str(&order.message).unwrap();
        let is_lost = order["details"]["minutesDown"].as_i64().is_some_and(|minutes| minutes > 30);
        let answer = if is_lost {
            json!({ "outcome": "failed", "detail": "the ledger does not answer" })
        } else if order["details"].get("dropped").is_some() {
            json!({ "outcome": "failed", "detail": "nothing is left to sync from" })
        } else {
            json!({ "outcome": "succeeded", "detail": format!("attempt {}", order["attempt"]) })
        };
        let engine = &engines[order["engine"].as_str().unwrap()];
        let told = engine.tell(order["outcomePath"].as_str().unwrap(), &answer).await;
        assert!([200, 409].contains(&told.status), "{told:?}");
    }
    orders.len()
}

impl Act {
    async fn carry_out(&self, world: &World) {
        let (list, query) = match self.deed {
            Deed::Decide(_) => ("actions", "status=pending_approval"),
            Deed::Acknowledge(_) | Deed::Resolve(_) => ("incidents", "limit=200"),
        };
        let listed = world.get(&format!("/api/governance/{list}?{query}")).await;
        let of_type = |item: &&Value| item["eventType"] == self.event_type;
        let item = listed.list(&format!("/{list}")).iter().find(of_type).unwrap_or_else(|| panic!("{listed:?}"));
        let text = |name: &str| item[name].as_str().unwrap();
        let noted = |note: &str| if note.is_empty() { json!({}) } else { json!({ "note": note }) };
        let (path, body) = match self.deed {
            Deed::Acknowledge(note) => (format!("incidents/{}/acknowledge", text("id")), noted(note)),
            Deed::Resolve(note) => (format!("incidents/{}/resolve", text("id")), noted(note)),
            Deed::Decide(decision) => {
                let path = format!("events/{}/actions/{}/approval", text("eventId"), text("action"));
                (path, json!({ "decision": decision, "digest": text("digest") }))
            }
        };
        let done = world.as_kid(self.by).tell(&format!("/api/governance/{path}"), &body).await;
        assert_eq!(done.status, 200, "{done:?}");
    }
}
