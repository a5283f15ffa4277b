//! Concurrent writers of one engine's counter: throughput, conflicts, and whether every event is counted.

use std::time::Instant;

use futures_util::future::join_all;

use crate::figure::{Figure, Part, Table, rounded};
use crate::world::{Api, World, event};

const WRITERS: [usize; 4] = [1, 16, 64, 256];

/// How many accepted events each writer has in the phase of spreading.
const SPREADING: usize = 8;

/// The minimum of accepted events after that, of each writer and of all writers together.
const SPREAD: (usize, usize) = (16, 512);

/// The result for one number of writers.
struct ContentionResult {
    writers: usize,
    /// While the writers spread, and after that.
    phases: [Phase; 2],
    /// The final shard count.
    shard_count: u64,
    /// The numbers of accepted events, events in the statistics, and events in the table.
    totals: [usize; 3],
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
    for writers in WRITERS {
        let found = measure_writers(writers).await;
        println!("{writers} writers: {:.1} s", found.phases.iter().map(|phase| phase.seconds).sum::<f64>());
        all.push(found);
    }
    let most = &all[WRITERS.len() - 1];
    let wrong = all.iter().map(|found| found.totals.map(|total| total.abs_diff(found.totals[0])).iter().sum::<usize>());
    let figures = vec![
        Figure::limited("conflicts of 256 writers, once spread", most.phases[1].conflicts_each(), "per event", 0.2),
        Figure::limited("events lost or counted twice, of all writers", number(wrong.sum()), "events", 0.0),
    ];
    Part {
        title: "Contention",
        how: include_str!("contention/how.md"),
        figures,
        tables: vec![table(&all)],
        learned: include_str!("contention/learned.md"),
    }
}

async fn measure_writers(writers: usize) -> ContentionResult {
    let world = World::new().await;
    world.set_time("2026-11-22T12:00:00Z");
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..writers).map(|_| world.new_environment())).await;
    let phases = [
        Phase::of(&world, &environments, SPREADING).await,
        Phase::of(&world, &environments, SPREAD.0.max(SPREAD.1 / writers)).await,
    ];
    world.clock.advance(60);
    let shard_count = world.shard_count("billing", "2026-11-22").await;
    let counted = world.get("/api/governance/stats").await.number("/byEngine/billing");
    let accepted = phases.iter().map(|phase| phase.accepted as u64).sum();
    ContentionResult {
        writers,
        phases,
        shard_count,
        totals: [accepted, counted, world.event_count()].map(|total| usize::try_from(total).unwrap()),
    }
}

impl Phase {
    /// Lets each environment post one event after the other until `each` are accepted.
    async fn of(world: &World, environments: &[Api], each: usize) -> Self {
        let (before, started) = (world.dynamodb.conflicts(), Instant::now());
        let writing = environments.iter().map(async |api| {
            let (mut accepted, mut refused) = (0, 0);
            while accepted < each {
                let response = api.post(&event("billing", "invoice_synced", "LOW"), None).await;
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
        vec![
            found.writers.to_string(),
            found.shard_count.to_string(),
            rounded(spreading.conflicts_each()),
            rounded(spread.conflicts_each()),
            (spreading.refused + spread.refused).to_string(),
            rounded(number(spread.accepted) / spread.seconds),
            format!("{accepted} / {counted} / {stored}"),
        ]
    };
    Table {
        title: "One engine, each writer in an environment of its own",
        headings: vec![
            "writers",
            "shards",
            "conflicts per event, spreading",
            "once spread",
            "503s",
            "accepted/s",
            "accepted / counted / stored",
        ],
        rows: all.iter().map(row).collect(),
    }
}
