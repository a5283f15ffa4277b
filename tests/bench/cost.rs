//! The DynamoDB capacity that requests consume, exactly, and the cost of a million events a month.

mod bill;
mod installation;
mod large_events;
mod logs;
mod measured;
mod prices;
mod template;
mod usage;

use age_model::Severity;
use age_policy::Policy;
use age_store::{Credentials, Policies};
use serde_json::{Value, json};

use crate::figure::{Figure, Part, Table, rounded};
use crate::world::browser::Browser;
use crate::world::proxy::Units;
use crate::world::test_credentials::{BILLING, READER};
use crate::world::test_policies::{activate, largest_policy, with_transfers_that_need_approval};
use crate::world::{Api, ApiResponse, World, event};
use bill::Bill;

/// The characters of text in an event's details, and the size of its row.
const SIZES: [(usize, &str); 4] = [(600, "up to 1 KB"), (1500, "2 KB"), (3500, "4 KB"), (15_500, "16 KB")];

const BATCHES: [usize; 3] = [1, 10, 100];

/// The write units of the most frequent operations, for events of up to 1 KB.
struct Writes {
    /// A LOW event alone.
    alone: f64,
    /// Each LOW event of a batch of 1, 10 or 100.
    in_batch: [f64; BATCHES.len()],
    high: HighEventCost,
    /// A sweep without due actions.
    idle: Units,
    /// How many read units more such a sweep has for each engine beyond eight.
    further_engine: f64,
}

/// The steps of a HIGH event.
struct HighEventCost {
    /// The request: the event is stored, and its action dispatched.
    accepted: Units,
    /// The worker reports the outcome.
    outcome: Units,
    /// The next sweep postpones the action to the end of its verification.
    postponed: Units,
    /// The sweep verifies the action an hour later.
    verified: Units,
}

/// Measures capacity and computes costs.
pub(crate) async fn measure() -> Part {
    let (refused, refused_batch) = refused().await;
    let reads = Box::pin(Reads::measure()).await;
    let writes = Writes {
        alone: one(600, "LOW", false).await.written,
        in_batch: [batch(BATCHES[0]).await, batch(BATCHES[1]).await, batch(BATCHES[2]).await],
        high: high().await,
        idle: idle().await,
        further_engine: further_engine().await,
    };
    let high = &writes.high;
    let mut figures = vec![
        Figure::limited("LOW event of up to 1 KB, alone", writes.alone, "WCU", 5.0),
        Figure::limited("the same in a batch of 100, each", writes.in_batch[2], "WCU", 3.1),
        Figure::limited(
            "HIGH event through its finished action, within half a minute",
            high.accepted.written + high.outcome.written,
            "WCU",
            17.0,
        ),
        shown("the same, finished later", high.accepted.written + high.postponed.written + high.outcome.written, "WCU"),
        Figure::limited("a refused request", refused.read + refused.written, "RCU and WCU", 0.0),
        Figure::limited(
            "a batch of 100 refused events",
            refused_batch.read + refused_batch.written,
            "RCU and WCU",
            1.0,
        ),
    ];
    let [decision, needing_approval, with_approval] = decisions().await;
    figures.push(Figure::limited("a decision reads", decision.read, "RCU", 1.0));
    figures.push(Figure::limited("a decision writes", decision.written, "WCU", 5.0));
    figures.push(shown("a decision that needs approval writes", needing_approval.written, "WCU"));
    figures.push(shown("a decision that uses an approval reads", with_approval.read, "RCU"));
    figures.push(shown("a decision that uses an approval writes", with_approval.written, "WCU"));
    figures.extend(reads.figures());
    figures.push(Figure::limited("an idle sweep of eight engines reads", writes.idle.read, "RCU", 15.0));
    figures.push(Figure::limited("and for each further engine", writes.further_engine, "RCU", 0.5));
    figures.push(shown("an idle sweep writes", writes.idle.written, "WCU"));
    let bill = Bill { units: Box::pin(measured::units(&writes)).await };
    figures.extend(bill.figures());
    Part {
        title: "Cost",
        how: include_str!("cost/how.md"),
        figures,
        tables: vec![
            by_severity().await,
            large_events::table().await,
            in_batches(&writes),
            steps(high),
            bill.of_each_thing(),
            bill.of_installations(),
        ],
        learned: include_str!("cost/learned.md"),
    }
}

fn shown(name: &str, value: f64, unit: &'static str) -> Figure {
    Figure { name: name.to_owned(), value, unit, limit: None }
}

/// Panics unless the response has `status`.
fn assert_status(response: &ApiResponse, status: u16) {
    assert_eq!(response.status, status, "{response:?}");
}

/// Returns an event of billing with `text` characters in its details and an event type that the world does not have yet.
fn fresh(world: &World, severity: &str, text: usize) -> Value {
    let mut fresh = event("billing", &format!("ledger_lost_{}", world.event_count()), severity);
    fresh["details"] = json!({ "text": "x".repeat(text) });
    fresh
}

/// Measures one event alone, in a system with another event.
async fn one(text: usize, severity: &str, keyed: bool) -> Units {
    let world = World::new().await;
    assert_status(&world.post(&fresh(&world, "LOW", 0)).await, 201);
    let event = fresh(&world, severity, text);
    let (units, response) = world.dynamodb.measure_units(world.api().post(&event, keyed.then_some("key"))).await;
    assert_status(&response, 201);
    units
}

/// Measures the write units of each of `number` LOW events of up to 1 KB in one batch.
async fn batch(number: usize) -> f64 {
    let world = World::new().await;
    let events = Value::from(vec![fresh(&world, "LOW", 600); number]);
    let (units, response) = world.dynamodb.measure_units(world.post_json("/api/governance/events", &events)).await;
    assert_status(&response, 200);
    assert!(response.list("/results").iter().all(|result| result["status"] == 201), "{response:?}");
    units.written / f64::from(u32::try_from(number).unwrap())
}

async fn high() -> HighEventCost {
    let world = World::new().await;
    world.sweep().await;
    let event = fresh(&world, "HIGH", 600);
    let (accepted, response) = world.dynamodb.measure_units(world.post(&event)).await;
    assert_status(&response, 201);
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", response.text("/id"));
    let worker = world.as_caller(BILLING);
    let (outcome, response) =
        world.dynamodb.measure_units(worker.post_json(&path, &json!({ "outcome": "succeeded" }))).await;
    assert_status(&response, 200);
    let mut sweeps = Vec::new();
    for seconds in [60, 60, 3480] {
        world.clock.advance(seconds);
        sweeps.push(world.dynamodb.measure_units(Box::pin(world.sweep())).await.0);
    }
    let beyond = |sweep: Units| Units { read: sweep.read - sweeps[1].read, written: sweep.written - sweeps[1].written };
    HighEventCost { accepted, outcome, postponed: beyond(sweeps[0]), verified: beyond(sweeps[2]) }
}

async fn idle() -> Units {
    let world = World::new().await;
    world.sweep().await;
    world.clock.advance(60);
    world.dynamodb.measure_units(Box::pin(world.sweep())).await.0
}

/// Returns how many read units more an idle sweep has for each engine beyond eight.
async fn further_engine() -> f64 {
    let idle = async |world: &World| {
        let sweeper = world.sweeper();
        for _ in 0..3 {
            Box::pin(sweeper.run()).await.into_result().unwrap();
            world.clock.advance(60);
        }
        world.dynamodb.measure_units(Box::pin(sweeper.run())).await.0.read
    };
    let (world, policy) = (World::new().await, largest_policy());
    activate(&policy, &world.db(), world.clock.as_ref()).await;
    let further = policy.engines.len() - Policy::compiled().unwrap().engines.len();
    (idle(&world).await - idle(&World::new().await).await) / f64::from(u32::try_from(further).unwrap())
}

/// Measures a decision that needs no approval, one that does, and one that uses an approval.
async fn decisions() -> [Units; 3] {
    let world = World::with_policy(&with_transfers_that_need_approval()).await;
    world.sweep().await;
    let billing = world.as_caller(BILLING);
    let request = |action: &str, context: Value| {
        json!({
            "subject": { "type": "engine", "id": "billing" }, "action": { "name": action },
            "resource": { "type": "account", "id": "4711" }, "context": context,
        })
    };
    let ask = async |request: Value| {
        world.clock.advance(1); // the state of the fleet is read once a second
        let (units, answer) = world.dynamodb.measure_units(billing.post_json("/access/v1/evaluation", &request)).await;
        assert_status(&answer, 200);
        (units, answer)
    };
    let (decision, _) = ask(request("view", json!({ "amount": 20 }))).await;
    let (needing_approval, asked) = ask(request("transfer", json!({ "amount": 20 }))).await;
    let id = asked.text("/context/id");
    let approval = json!({ "decision": "approve", "digest": asked.text("/context/approval/digest") });
    assert_status(&world.post_json(&format!("/api/governance/decisions/{id}/approval"), &approval).await, 200);
    let (with_approval, used) = ask(request("transfer", json!({ "amount": 20, "decisionId": id }))).await;
    assert_eq!(used.json["decision"], true, "{used:?}");
    [decision, needing_approval, with_approval]
}

/// Measures requests that are refused as a whole, and a batch of which every event is refused.
async fn refused() -> (Units, Units) {
    let world = World::new().await;
    let (good, large) = (fresh(&world, "LOW", 600), fresh(&world, "LOW", 17_000));
    let other_engine = event("qa", "suite_failed", "LOW");
    let hundred = Value::from(vec![other_engine.clone(); 100]);
    let work = async {
        assert_status(&world.post(&event("mail", "x", "LOW")).await, 422);
        assert_status(&world.post(&large).await, 413);
        assert_status(&world.post(&json!("words")).await, 422);
        assert_status(&world.as_caller(BILLING).post(&other_engine, None).await, 403);
        assert_status(&world.as_caller(READER).post(&good, None).await, 403);
    };
    let units = world.dynamodb.measure_units(work).await.0;
    let billing = world.as_caller(BILLING);
    let batch = billing.post_json("/api/governance/events", &hundred);
    let (in_batch, response) = world.dynamodb.measure_units(batch).await;
    assert_status(&response, 200);
    assert_eq!(world.event_count(), 0);
    (units, in_batch)
}

/// The read units of queries.
struct Reads {
    credentials: f64,
    stats: [f64; 2],
    /// The same of 64 engines.
    stats_of_64: [f64; 2],
    overview: [f64; 2],
    report: f64,
    weekly: f64,
    list: f64,
}

impl Reads {
    async fn measure() -> Self {
        let world = World::new().await;
        world.fill_every_hour(32).await;
        let credentials = Credentials::new(&world.db(), "Credentials");
        let policies = Policies::new(&world.db(), "Policies");
        let (opening, _) = world.dynamodb.measure_units(policies.active_with(&credentials)).await;
        let api = world.new_environment().await;
        let stats = [get(&world, &api).await, get(&world, &api).await];
        let mut browser = Browser::signed_in(&world, READER).await.in_new_environment().await;
        let mut overview = [0.0; 2];
        for units in &mut overview {
            let (consumed, page) = world.dynamodb.measure_units(browser.get("/dashboard")).await;
            assert_status(&page, 200);
            *units = consumed.read;
        }
        let (report, response) = world.dynamodb.measure_units(world.generate_report()).await;
        assert_status(&response, 201);
        world.run_weekly_report().await.unwrap();
        world.clock.advance(7 * 86_400);
        world.fill_every_hour(8).await;
        let (weekly, made) = world.dynamodb.measure_units(Box::pin(world.run_weekly_report())).await;
        made.unwrap();
        Self {
            credentials: opening.read,
            stats,
            stats_of_64: stats_of_the_largest_policy().await,
            overview,
            report: report.read,
            weekly: weekly.read,
            list: newest().await,
        }
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::limited("stats, every hour of 30 days filled, new environment", self.stats[0], "RCU", 24.0),
            Figure::limited("the same, warm", self.stats[1], "RCU", 8.0),
            shown("stats of 64 engines, every hour of 30 days filled, new environment", self.stats_of_64[0], "RCU"),
            shown("the same, warm", self.stats_of_64[1], "RCU"),
            Figure::limited("weekly report, every hour filled", self.weekly, "RCU", 16.0),
            Figure::limited("list of the 50 newest events, one busy engine", self.list, "RCU", 8.0),
            shown("report on demand, every hour filled", self.report, "RCU"),
            shown("overview of the dashboard, new environment", self.overview[0], "RCU"),
            shown("the same, warm", self.overview[1], "RCU"),
            shown("a new environment reads the credentials and the policy", self.credentials, "RCU"),
        ]
    }
}

/// Measures statistics of the most engines that a policy may have.
async fn stats_of_the_largest_policy() -> [f64; 2] {
    let world = World::new().await;
    let policy = largest_policy();
    activate(&policy, &world.db(), world.clock.as_ref()).await;
    world.fill_every_hour_of(&policy.engines.into_keys().collect::<Vec<_>>(), 32).await;
    let api = world.new_environment().await;
    [get(&world, &api).await, get(&world, &api).await]
}

async fn get(world: &World, api: &Api) -> f64 {
    let (units, response) = world.dynamodb.measure_units(api.get("/api/governance/stats")).await;
    assert_status(&response, 200);
    units.read
}

/// Measures the first page of the list in a system in which one engine reports every minute.
async fn newest() -> f64 {
    let world = World::new().await;
    world.set_time("2026-11-20T12:00:00Z");
    for number in 0..400 {
        world.clock.advance(60);
        assert_status(&world.post(&event("billing", &format!("ledger_{number}"), "LOW")).await, 201);
    }
    let api = world.new_environment().await;
    let (units, page) = world.dynamodb.measure_units(api.get("/api/governance/events?limit=50")).await;
    assert_eq!(page.list("/events").len(), 50);
    units.read
}

async fn by_severity() -> Table {
    let mut headings = vec!["size of the row", "idempotency key"];
    headings.extend(Severity::ALL.iter().map(|severity| severity.as_str()));
    let mut rows = Vec::new();
    for (text, size) in SIZES {
        for keyed in [false, true] {
            let mut row = vec![size.to_owned(), if keyed { "yes" } else { "no" }.to_owned()];
            for severity in Severity::ALL {
                row.push(format_units(&one(text, severity.as_str(), keyed).await));
            }
            rows.push(row);
        }
    }
    Table { title: "A request with one event, including its actions", headings, rows }
}

fn in_batches(writes: &Writes) -> Table {
    let row = |(number, each): (&usize, &f64)| vec![number.to_string(), format!("{} W", rounded(*each))];
    Table {
        title: "LOW events of up to 1 KB in a batch",
        headings: vec!["events", "each"],
        rows: BATCHES.iter().zip(&writes.in_batch).map(row).collect(),
    }
}

fn steps(high: &HighEventCost) -> Table {
    let steps = [
        ("the request: stored, its action dispatched", &high.accepted),
        ("the worker reports success", &high.outcome),
        ("a sweep postpones the action to the end of its verification (once more for a slow worker)", &high.postponed),
        ("an hour later, a sweep verifies the action", &high.verified),
    ];
    Table {
        title: "A HIGH event of up to 1 KB, step by step",
        headings: vec!["step", "consumes"],
        rows: steps.into_iter().map(|(step, units)| vec![step.to_owned(), format_units(units)]).collect(),
    }
}

/// Returns a text such as `13 W + 1 R`.
fn format_units(units: &Units) -> String {
    let written = format!("{} W", rounded(units.written));
    if units.read > 0.0 { format!("{written} + {} R", rounded(units.read)) } else { written }
}
