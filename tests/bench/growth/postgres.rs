//! The original sketch's design on `PostgreSQL`: one row for each event, and every request reads the rows.

mod server;

use std::time::{Instant, SystemTime};

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::milliseconds;
use crate::figure::{Figure, Table, median, rounded};
use crate::memory;
use crate::seed::{self, Event};
use server::Server;

/// How often each request is made.
const ROUNDS: usize = 5;

/// The sketch's table and indexes, without its row-level security of Supabase, which permits every read.
const SCHEMA: &str = "
    CREATE TABLE governance_events (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        engine text NOT NULL,
        event_type text NOT NULL,
        severity text NOT NULL DEFAULT 'LOW' CHECK (severity IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
        details jsonb DEFAULT '{}',
        occurred_at timestamptz DEFAULT now()
    );
    CREATE INDEX ON governance_events (engine);
    CREATE INDEX ON governance_events (severity);
    CREATE INDEX ON governance_events (occurred_at DESC);
    CREATE TABLE governance_reports (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        risk_score integer NOT NULL,
        generated_at timestamptz DEFAULT now()
    );
    CREATE INDEX ON governance_reports (generated_at DESC);
    INSERT INTO governance_reports (risk_score) VALUES (77);";

/// Inserts `$1` events over the 30 days until now, like those of AGE's worlds.
const FILL: &str = "
    INSERT INTO governance_events (engine, event_type, severity, details, occurred_at)
    SELECT ('{compliance,qa,documentation,image_engine,voice_engine,billing,deep_agent,maos}'::text[])[1 + n % 8],
        'type_' || n % 7,
        CASE WHEN n % 50 = 49 THEN 'HIGH' WHEN n % 2 = 1 THEN 'MEDIUM' ELSE 'LOW' END,
        '{\"invoice\": 4711, \"total\": \"12.50\"}',
        now() - interval '29 days 23 hours' * ($1::integer - n) / $1::integer
    FROM generate_series(1, $1::integer) n";

/// The cost of the sketch's requests, for each number of events.
pub(super) struct Seed(Vec<Size>);

/// The cost for one number of events.
struct Size {
    events: u32,
    stats: QueryCost,
    week: QueryCost,
    /// A report over all events, as if they were of one week.
    all: QueryCost,
}

/// The cost of a request: milliseconds, megabytes of the program that makes it, and the number of events that it reads.
struct QueryCost {
    wall: f64,
    peak: f64,
    read: usize,
}

/// Measures each number of events.
///
/// # Errors
/// The reason why `PostgreSQL` cannot be started.
pub(super) async fn measure(numbers: &[u32]) -> Result<Seed, String> {
    let server = Server::start()?;
    let client = server.connect().await?;
    let mut sizes = Vec::new();
    for events in numbers {
        println!("PostgreSQL with {events} events");
        client.batch_execute("DROP TABLE IF EXISTS governance_events, governance_reports").await.unwrap();
        client.batch_execute(SCHEMA).await.unwrap();
        client.execute(FILL, &[&i32::try_from(*events).unwrap()]).await.unwrap();
        client.batch_execute("VACUUM ANALYZE").await.unwrap();
        sizes.push(Size {
            events: *events,
            stats: measure_query(async || stats(&client).await).await,
            week: measure_query(async || report(&client, 7).await).await,
            all: measure_query(async || report(&client, 30).await).await,
        });
    }
    Ok(Seed(sizes))
}

/// Measures a request that returns the number of events it has read.
async fn measure_query(ask: impl AsyncFn() -> usize) -> QueryCost {
    let (mut walls, mut peaks, mut read) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let (peak, events) = memory::peak(ask()).await;
        walls.push(milliseconds(started.elapsed()));
        peaks.push(peak);
        read = events;
    }
    QueryCost { wall: median(walls), peak: median(peaks), read }
}

/// Makes the sketch's report over `days`. Returns the number of events that it has read.
async fn report(client: &Client, days: u64) -> usize {
    let from = SystemTime::now() - std::time::Duration::from_hours(24 * days);
    let parameters: [&(dyn ToSql + Sync); 1] = [&from];
    let rows = client.query_raw("SELECT * FROM governance_events WHERE occurred_at >= $1", parameters).await.unwrap();
    pin_mut!(rows);
    let mut events = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        events.push(Event {
            id: row.get("id"),
            engine: row.get("engine"),
            event_type: row.get("event_type"),
            severity: row.get("severity"),
            details: row.get("details"),
            occurred_at: row.get("occurred_at"),
        });
    }
    let report = std::hint::black_box(seed::report(&events));
    assert_eq!((report.by_engine.len(), report.by_severity.len(), report.scores.len()), (8, 3, 5));
    assert!(report.risk_score > 0);
    report.total
}

/// Makes the sketch's statistics. Returns the number of events that they have read.
async fn stats(client: &Client) -> usize {
    let from = SystemTime::now() - std::time::Duration::from_hours(24 * 30);
    let question = "SELECT engine, severity FROM governance_events WHERE occurred_at >= $1";
    let parameters: [&(dyn ToSql + Sync); 1] = [&from];
    let rows = client.query_raw(question, parameters).await.unwrap();
    pin_mut!(rows);
    let mut events: Vec<(String, String)> = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        events.push((row.get(0), row.get(1)));
    }
    let latest = "SELECT risk_score FROM governance_reports ORDER BY generated_at DESC LIMIT 1";
    let latest: i32 = client.query_one(latest, &[]).await.unwrap().get(0);
    let by_engine = seed::count(events.iter().map(|(engine, _)| engine.as_str()));
    let critical = events.iter().filter(|(_, severity)| severity == "CRITICAL").count();
    std::hint::black_box((critical, latest));
    assert_eq!(by_engine.len(), 8);
    events.len()
}

impl Seed {
    pub(super) fn figures(&self) -> Vec<Figure> {
        let shown = |name: &str, value, unit| Figure { name: name.to_owned(), value, unit, limit: None };
        let Some(most) = self.0.last() else { return Vec::new() };
        vec![
            shown("the seed on PostgreSQL, stats of a million events", most.stats.wall, "ms"),
            shown("the seed on PostgreSQL, report of a week's share of them", most.week.wall, "ms"),
            shown("the seed on PostgreSQL, report were all of one week", most.all.wall, "ms"),
            shown("memory of that", most.all.peak, "MB"),
        ]
    }

    pub(super) fn table(&self) -> Table {
        let mut rows = Vec::new();
        for size in &self.0 {
            for (name, cost) in
                [("stats", &size.stats), ("report", &size.week), ("report, were all of one week", &size.all)]
            {
                rows.push(vec![
                    name.to_owned(),
                    size.events.to_string(),
                    cost.read.to_string(),
                    format!("{} ms", rounded(cost.wall)),
                    format!("{} MB", rounded(cost.peak)),
                ]);
            }
        }
        Table {
            title: "The original sketch's design on PostgreSQL, in the same run",
            headings: vec!["request", "events", "of them read", "time", "memory of the program"],
            rows,
        }
    }
}
