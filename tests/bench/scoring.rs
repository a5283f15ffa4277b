//! The time to compute scores from counters, and from events.

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use age_model::{Clock as _, Engine, EventCounts, Period, Severity};
use age_policy::Policy;
use age_scoring::Assessment;
use age_store::{Freshness, Rollups};
use serde_json::json;
use uuid::Uuid;

use crate::figure::{Figure, Part, Table, median, rounded};
use crate::seed::{self, Event};
use crate::world::{ENGINES, World};

/// The days of rollups, with every hour of every engine filled.
const DAYS: u32 = 30;

const EVENTS: u32 = 100_000;

/// The tables show medians of this number of rounds.
const ROUNDS: usize = 51;

/// Measures the scoring of counters and of events.
pub(crate) async fn measure() -> Part {
    let policy = Policy::compiled().unwrap();
    let world = World::new().await;
    world.fill_every_hour(i64::from(DAYS) + 2).await;
    let now = world.clock.now();
    let period = Period::trailing_hours(now, 24 * i64::from(DAYS));
    let counted = Rollups::new(&world.db(), "Rollups").of(&ENGINES.into(), period, Freshness::Strong).await.unwrap();
    let total = counted.events(period).unwrap().total();
    // The period begins and ends within a day.
    let rows = f64::from((DAYS + 1) * u32::try_from(ENGINES.len()).unwrap());
    let of_rows = nanoseconds(|| drop(black_box(Assessment::of(&policy, &counted.events(black_box(period)).unwrap()))));

    let events = events();
    let few = &events[..20];
    assert_eq!(seed::report(few).scores, policy_scores(&policy, few), "both algorithms must compute the same scores");
    let of_events = nanoseconds(|| drop(black_box(seed::report(black_box(&events)))));
    let counts = counted.events(period).unwrap();
    let of_counts = nanoseconds(|| drop(black_box(Assessment::of(&policy, black_box(&counts)))));

    let per_second = f64::from(EVENTS) / of_events * 1e9;
    let represented = f64::from(u32::try_from(total).unwrap()) / of_rows * 1e9;
    let shown = |name: &str, value, unit| Figure { name: name.to_owned(), value, unit, limit: None };
    let figures = vec![
        shown("a rollup of 96 counters, folded and scored", of_rows / rows, "ns"),
        shown("the naive fold over events", per_second / 1e6, "million events/s"),
        shown("the same by rollups, as many as are counted here", represented / 1e6, "million events/s"),
    ];
    let row = |what: &str, number: f64, nanoseconds: f64| {
        vec![what.to_owned(), rounded(number), format!("{} µs", rounded(nanoseconds / 1000.0))]
    };
    let table = Table {
        title: "From what is in memory to scores and recommendations",
        headings: vec!["of", "number", "all of them"],
        rows: vec![
            row("rollups of 30 days, every hour filled", rows, of_rows),
            row("counts that are summed up", 1.0, of_counts),
            row("events, with the sketch's algorithm", f64::from(EVENTS), of_events),
        ],
    };
    Part {
        title: "Scoring",
        how: include_str!("scoring/how.md"),
        figures,
        tables: vec![table],
        learned: include_str!("scoring/learned.md"),
    }
}

/// Returns the duration of `work` in nanoseconds. Each round repeats `work` for some milliseconds, so that the resolution of the
/// clock does not matter.
fn nanoseconds(work: impl Fn()) -> f64 {
    let started = Instant::now();
    work();
    let once = started.elapsed().max(Duration::from_nanos(100));
    let times = u32::try_from(Duration::from_millis(5).as_nanos() / once.as_nanos()).unwrap().max(1);
    let round = |_| {
        let started = Instant::now();
        for _ in 0..times {
            work();
        }
        started.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    median((0..ROUNDS).map(round).collect())
}

fn events() -> Vec<Event> {
    let of = |(number, engine): (u32, &Engine)| Event {
        id: Uuid::from_u128(number.into()),
        engine: engine.to_string(),
        event_type: format!("type_{}", number % 7),
        severity: Severity::ALL[if number % 50 == 49 { 2 } else { number as usize % 2 }].to_string(),
        details: json!({ "invoice": 4711, "total": "12.50" }),
        occurred_at: SystemTime::UNIX_EPOCH,
    };
    (0..EVENTS).zip(ENGINES.iter().cycle()).map(of).collect()
}

/// Returns AGE's scores of the same events.
fn policy_scores(policy: &Policy, events: &[Event]) -> std::collections::BTreeMap<&'static str, u64> {
    let mut counts = EventCounts::default();
    for event in events {
        counts.add(event.engine.parse().unwrap(), event.severity.parse().unwrap(), 1);
    }
    let scores = Assessment::of(policy, &counts).scores;
    seed::report(&[]).scores.into_keys().map(|name| (name, u64::from(scores[name]))).collect()
}
