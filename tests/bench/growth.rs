//! The cost of requests for growing numbers of events, compared with the original sketch's design.

mod postgres;

use std::time::{Duration, Instant};

use nix::time::ClockId;
use serde_json::json;

use crate::figure::{Figure, Part, Table, median, rounded};
use crate::memory;
use crate::world::browser::Browser;
use crate::world::test_credentials::READER;
use crate::world::{ENGINES, World, event};

/// Events that are posted to each world, over 30 days.
const POSTED: u32 = 1000;

/// The factors by which the events of each world are multiplied.
const FACTORS: [u32; 3] = [10, 100, 1000];

/// How often each request is made to each world, in turn.
const ROUNDS: usize = 101;

const REQUESTS: [Request; 4] = [Request::Stats, Request::Report, Request::Overview, Request::List];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Stats,
    Report,
    Overview,
    List,
}

/// The cost of a request: capacity units, milliseconds of wall time and of this process's CPU time, and megabytes.
struct RequestCost {
    units: f64,
    wall: f64,
    cpu: f64,
    peak: f64,
}

impl Request {
    const fn name(self) -> &'static str {
        match self {
            Self::Stats => "stats",
            Self::Report => "report",
            Self::Overview => "overview",
            Self::List => "list of 50",
        }
    }

    /// Measures the request in a new environment with empty caches.
    async fn cost(self, world: &World) -> RequestCost {
        let api = world.new_environment().await;
        let mut reader = Browser::signed_in(world, READER).await.in_new_environment().await;
        world.dynamodb.reset();
        let (started, cpu) = (Instant::now(), cpu());
        let answering = async {
            match self {
                Self::Stats => api.get("/api/governance/stats").await,
                Self::Report => api.send("POST", "/api/governance/report", &[], b"").await,
                Self::Overview => reader.get("/dashboard").await,
                Self::List => api.get("/api/governance/events").await,
            }
        };
        let (peak, response) = memory::peak(answering).await;
        let (wall, cpu) = (milliseconds(started.elapsed()), milliseconds(self::cpu().saturating_sub(cpu)));
        assert!(matches!(response.status, 200 | 201), "{response:?}");
        let units = world.dynamodb.units();
        RequestCost { units: units.read + units.written, wall, cpu, peak }
    }
}

/// Returns the CPU time of all threads of this process.
fn cpu() -> Duration {
    ClockId::CLOCK_PROCESS_CPUTIME_ID.now().unwrap().into()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Measures each request for each number of events.
pub(crate) async fn measure() -> Part {
    let mut worlds = Vec::new();
    for times in FACTORS {
        println!("A world of {} events", POSTED * times);
        worlds.push(world(times).await);
    }
    let mut measured: Vec<(Request, Vec<RequestCost>)> = Vec::new();
    for request in REQUESTS {
        println!("Growth of {}, {ROUNDS} rounds", request.name());
        let mut rounds: Vec<Vec<RequestCost>> = worlds.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (world, costs) in worlds.iter().zip(&mut rounds) {
                costs.push(request.cost(world).await);
            }
        }
        measured.push((request, rounds.iter().map(|costs| RequestCost::median(costs)).collect()));
    }
    drop(worlds);
    let mut figures = Vec::new();
    for (request, costs) in measured.iter().filter(|(request, _)| *request != Request::List) {
        let grown = |of: fn(&RequestCost) -> f64| of(&costs[FACTORS.len() - 1]) / of(&costs[0]);
        let name = |what: &str| format!("{}: {what} from 10,000 to 1,000,000 events", request.name());
        figures.push(Figure::limited(name("capacity"), grown(|cost| cost.units), "×", 1.05));
        figures.push(Figure::limited(name("time"), grown(|cost| cost.wall), "×", 1.05));
    }
    let mut tables = vec![table(&measured)];
    match postgres::measure(&FACTORS.map(|times| POSTED * times)).await {
        Ok(seed) => {
            figures.extend(seed.figures());
            tables.push(seed.table());
        }
        Err(why) => tables.push(Table {
            title: "The original sketch's design on PostgreSQL",
            headings: vec!["not measured because"],
            rows: vec![vec![why]],
        }),
    }
    Part {
        title: "Growth",
        how: include_str!("growth/how.md"),
        figures,
        tables,
        learned: include_str!("growth/learned.md"),
    }
}

impl RequestCost {
    /// Returns the medians. Capacity is that of the first round, because each report adds a row that later rounds read.
    fn median(costs: &[Self]) -> Self {
        let of = |value: fn(&Self) -> f64| median(costs.iter().map(value).collect());
        Self { units: costs[0].units, wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu), peak: of(|cost| cost.peak) }
    }
}

/// Returns a world with `times` as many events as are posted, over 30 days.
async fn world(times: u32) -> World {
    let world = World::new().await;
    world.set_time("2026-10-24T12:00:00Z");
    let engines = ENGINES;
    for (number, engine) in (0..POSTED).zip(engines.iter().cycle()) {
        world.clock.advance(2580);
        let severity = if number % 50 == 49 { "HIGH" } else { ["LOW", "MEDIUM"][usize::from(number % 2 == 1)] };
        let mut event = event(engine.as_str(), &format!("type_{}", number % 7), severity);
        event["details"] = json!({ "invoice": 4711, "total": "12.50" });
        assert_eq!(world.post(&event).await.status, 201);
    }
    world.multiply(times.into());
    let counted = world.get("/api/governance/stats").await.number("/totalEvents");
    let wanted = u64::from(POSTED * times);
    assert_eq!((counted, world.event_count()), (wanted, wanted));
    world
}

fn table(measured: &[(Request, Vec<RequestCost>)]) -> Table {
    let mut rows = Vec::new();
    for (request, costs) in measured {
        for (times, cost) in FACTORS.iter().zip(costs) {
            rows.push(vec![
                request.name().to_owned(),
                (POSTED * times).to_string(),
                format!("{} units", rounded(cost.units)),
                format!("{} ms", rounded(cost.wall)),
                format!("{} ms", rounded(cost.cpu)),
                format!("{} MB", rounded(cost.peak)),
            ]);
        }
    }
    Table {
        title: "AGE, in new environments",
        headings: vec!["request", "events", "capacity", "time", "CPU, DynamoDB's too", "memory"],
        rows,
    }
}
