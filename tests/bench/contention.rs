//! Concurrent writers of one engine's counter, of one incident, and of one engine's outcomes: throughput, conflicts, and whether everything is
//! counted.

mod outcomes;

use std::time::Instant;

use futures_util::future::join_all;

use crate::figure::{Figure, Part, Table, rounded};
use crate::world::{Api, World, event};

const WRITERS: [usize; 4] = [1, 16, 64, 256];

/// The type of all events. CRITICAL ones are of one incident.
const EVENT_TYPE: &str = "invoice_synced";

/// How many seconds after a notification the default policy sends a digest.
const DIGEST_SECONDS: i64 = 900;

/// How many accepted events each writer has in the phase of spreading.
const SPREADING: usize = 8;

/// The minimum of accepted events after that, of each writer and of all writers together.
const SPREAD: (usize, usize) = (16, 512);

/// The result for one number of writers of events of one severity.
struct ContentionResult {
    severity: &'static str,
    writers: usize,
    /// While the writers spread, and after that.
    phases: [Phase; 2],
    /// The final shard count.
    shard_count: u64,
    /// The numbers of accepted events, events in the statistics, and events in the table.
    totals: [usize; 3],
    /// The events of the incident, and the sum of the new events in its notifications.
    of_incident: Option<[usize; 2]>,
}

struct Phase {
    accepted: usize,
    conflicts: usize,
    /// The number of 503 responses.
    refused: usize,
    seconds: f64,
}

/// Measures each number of writers.
pub(crate) async fn measure() -> Part {
    let mut all = Vec::new();
    for severity in ["LOW", "CRITICAL"] {
        for writers in WRITERS {
            let found = measure_writers(severity, writers).await;
            let seconds = found.phases.iter().map(|phase| phase.seconds).sum::<f64>();
            println!("{writers} writers of {severity} events: {seconds:.1} s");
            all.push(found);
        }
    }
    let refused_outcomes = outcomes::measure().await;
    println!("{} workers", outcomes::WORKERS);
    let (low, critical) = (&all[WRITERS.len() - 1], &all[all.len() - 1]);
    let wrong = |found: &ContentionResult| {
        let counts = found.totals.into_iter().chain(found.of_incident.into_iter().flatten());
        counts.map(|count| count.abs_diff(found.totals[0])).sum::<usize>()
    };
    let refused = critical.phases.iter().map(|phase| phase.refused).sum();
    let figures = vec![
        Figure::limited("conflicts of 256 writers, once spread", low.phases[1].conflicts_each(), "per event", 0.2),
        Figure::limited(
            "the same of CRITICAL events of one type",
            critical.phases[1].conflicts_each(),
            "per event",
            0.2,
        ),
        Figure::limited("503s of 256 writers of CRITICAL events of one type", number(refused), "responses", 0.0),
        Figure::limited(
            "events lost or counted twice, of all writers",
            number(all.iter().map(wrong).sum()),
            "events",
            0.0,
        ),
        Figure::limited("503s of 64 workers of one engine", number(refused_outcomes), "responses", 0.0),
    ];
    Part {
        title: "Contention",
        how: include_str!("contention/how.md"),
        figures,
        tables: vec![table(&all)],
        learned: include_str!("contention/learned.md"),
    }
}

async fn measure_writers(severity: &'static str, writers: usize) -> ContentionResult {
    let world = World::new().await;
    world.set_time("2026-11-22T12:00:00Z");
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..writers).map(|_| world.new_environment())).await;
    let phases = [
        Phase::of(&world, severity, &environments, SPREADING).await,
        Phase::of(&world, severity, &environments, SPREAD.0.max(SPREAD.1 / writers)).await,
    ];
    world.clock.advance(60);
    let shard_count = world.shard_count("billing", "2026-11-22");
    let counted = world.get("/api/governance/stats").await.number("/byEngine/billing");
    let accepted = phases.iter().map(|phase| phase.accepted as u64).sum();
    ContentionResult {
        severity,
        writers,
        phases,
        shard_count,
        totals: [accepted, counted, world.event_count()].map(|total| usize::try_from(total).unwrap()),
        of_incident: if severity == "CRITICAL" { Some(events_of_incident(&world).await) } else { None },
    }
}

/// Returns the number of events of the incident, and the sum of the new events in its notifications after the next digest.
async fn events_of_incident(world: &World) -> [usize; 2] {
    world.sweep().await;
    world.clock.advance(DIGEST_SECONDS);
    world.sweep().await;
    let listed = world.get("/api/governance/incidents").await;
    let incidents = listed.list("/incidents").iter();
    let [incident] = incidents.filter(|incident| incident["eventType"] == EVENT_TYPE).collect::<Vec<_>>()[..] else {
        panic!("{listed:?}")
    };
    let timeline = world.get(&format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap())).await;
    let notifications = timeline.list("/timeline").iter().filter(|entry| entry["type"] == "notification");
    let notified = notifications.map(|entry| entry["notification"]["newEventCount"].as_u64().unwrap()).sum();
    [incident["eventCount"].as_u64().unwrap(), notified].map(|count| usize::try_from(count).unwrap())
}

impl Phase {
    /// Lets each environment post one event after the other until `each` are accepted.
    async fn of(world: &World, severity: &str, environments: &[Api], each: usize) -> Self {
        let (before, started) = (world.dynamodb.conflicts(), Instant::now());
        let writing = environments.iter().map(async |api| {
            let (mut accepted, mut refused) = (0, 0);
            while accepted < each {
                let response = api.post(&event("billing", EVENT_TYPE, severity), None).await;
                assert!(matches!(response.status, 201 | 503), "{response:?}");
                *(if response.status == 201 { &mut accepted } else { &mut refused }) += 1;
            }
            refused
        });
        let refused = join_all(writing).await.into_iter().sum();
        let conflicts = world.dynamodb.conflicts() - before;
        Self { accepted: each * environments.len(), conflicts, refused, seconds: started.elapsed().as_secs_f64() }
    }

    fn conflicts_each(&self) -> f64 {
        number(self.conflicts) / number(self.accepted)
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn table(all: &[ContentionResult]) -> Table {
    let row = |found: &ContentionResult| {
        let [spreading, spread] = &found.phases;
        let [accepted, counted, stored] = found.totals;
        let of_incident =
            found.of_incident.map_or_else(String::new, |[events, notified]| format!("{events} / {notified}"));
        vec![
            found.severity.to_owned(),
            found.writers.to_string(),
            found.shard_count.to_string(),
            rounded(spreading.conflicts_each()),
            rounded(spread.conflicts_each()),
            (spreading.refused + spread.refused).to_string(),
            rounded(number(spread.accepted) / spread.seconds),
            format!("{accepted} / {counted} / {stored}"),
            of_incident,
        ]
    };
    Table {
        title: "One engine and event type, each writer in an environment of its own",
        headings: vec![
            "events",
            "writers",
            "shards",
            "conflicts per event, spreading",
            "once spread",
            "503s",
            "accepted/s",
            "accepted / counted / stored",
            "of the incident / notified of",
        ],
        rows: all.iter().map(row).collect(),
    }
}
