//! The `rollups` table: hourly counters. One row counts the events of one shard of an engine's day, another one its decisions, and a third
//! one the outcomes of the remediations that were planned on that day.

mod attributes;
mod closed_days;
mod decision_counter;
mod decision_rows;
mod last_heard;
mod rows;
mod set;
pub(crate) mod shard_counts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use age_model::{ActionStatus, Day, DecisionCounts, Engine, Hour, Period, Severity, StoreError, Timestamp};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::rollups::closed_days::ClosedDayCache;
use crate::rollups::rows::{LAST_HEARD_AT, LAST_INEFFECTIVE_AT, OUTCOME_MILLIS, OUTCOMES, PLANNED, Row, SUPPRESSED};

pub use crate::rollups::rows::Rollup;
use crate::rollups::set::EngineDay;
pub use crate::rollups::set::RollupSet;

/// How many engines are read concurrently, each with a connection of its own.
const CONCURRENT_ENGINES: usize = 16;

/// How many shards of an engine are read concurrently.
const CONCURRENT_SHARDS: usize = 8;

/// How fresh counters must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Includes every write that was acknowledged before.
    Strong,
    /// May miss the writes of the last second. Days that were closed at this time may come from a cache.
    Cached(Timestamp),
}

/// The `rollups` table.
#[derive(Debug, Clone)]
pub struct Rollups {
    table: Table,
    closed_days: ClosedDayCache,
}

impl Rollups {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self { table: db.table(name, &["engine_shard", "day"]), closed_days: ClosedDayCache::default() }
    }

    /// Opens the connection during init, before the first request needs it.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn warm(&self) -> Result<(), StoreError> {
        let day = Timestamp::from_millis(0).day();
        self.items(Engine::AGE, 0, (day, day), Consistency::Eventual).await.map(drop)
    }

    /// Returns the rollups of the days of `period`, of `engines`.
    ///
    /// # Errors
    /// [`StoreError`] if the rows cannot be read. Counters that this version does not know fail the sums that need them.
    pub async fn of(
        &self,
        engines: &BTreeSet<Engine>,
        period: Period,
        freshness: Freshness,
    ) -> Result<RollupSet, StoreError> {
        self.days(engines, (period.first_day(), period.last_day()), freshness).await
    }

    /// Returns the rollups from the first to the last of `days`, of `engines`.
    ///
    /// # Errors
    /// As [`Rollups::of`].
    pub async fn days(
        &self,
        engines: &BTreeSet<Engine>,
        days: (Day, Day),
        freshness: Freshness,
    ) -> Result<RollupSet, StoreError> {
        let reads: Vec<_> = engines.iter().map(|engine| self.read_engine(*engine, days, freshness)).collect();
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENT_ENGINES).try_collect().await?;
        Ok(RollupSet(read.into_iter().flatten().collect()))
    }

    async fn read_engine(
        &self,
        engine: Engine,
        (first, last): (Day, Day),
        freshness: Freshness,
    ) -> Result<Vec<(Day, Arc<EngineDay>)>, StoreError> {
        let Freshness::Cached(now) = freshness else {
            return self.query(engine, (first, last), Consistency::Strong).await;
        };
        let mut counted = self.closed_days.get(engine, (first, last));
        let first = counted.last().map_or(first, |(day, _)| day.next());
        if first <= last {
            let read = self.query(engine, (first, last), Consistency::Eventual).await?;
            self.closed_days.insert(engine, &read, now);
            counted.extend(read);
        }
        Ok(counted)
    }

    /// Returns the rollups of each of `days`: reads shard 0, and then as many shards as its rows have in their shard count.
    async fn query(
        &self,
        engine: Engine,
        (first, last): (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<(Day, Arc<EngineDay>)>, StoreError> {
        let days = std::iter::successors(Some(first), |day| Some(day.next())).take_while(|day| *day <= last);
        let mut counted: BTreeMap<Day, EngineDay> = days.map(|day| (day, EngineDay::default())).collect();
        let mut add = |row| match row {
            Row::Events(rollup) => counted.entry(rollup.day).or_default().rollups.push(rollup),
            Row::Decisions(decisions) => counted.entry(decisions.day).or_default().decisions.push(decisions),
            Row::Outcomes(day, _, outcomes) => counted.entry(day).or_default().outcomes.merge(outcomes),
            Row::Other => {}
        };
        let rows = self.rows(engine, 0, (first, last), consistency).await?;
        let sharded: Vec<(Day, u32)> = rows.iter().filter_map(Row::shards).filter(|(_, number)| *number > 1).collect();
        rows.into_iter().for_each(&mut add);
        let shard_count = sharded.iter().map(|(_, shard_count)| *shard_count).max().unwrap_or(1);
        if let (Some((first, _)), Some((last, _))) = (sharded.iter().min(), sharded.iter().max()) {
            let of_shard = |shard| self.rows(engine, shard, (*first, *last), consistency);
            let mut shards = stream::iter((1..shard_count).map(of_shard)).buffered(CONCURRENT_SHARDS);
            while let Some(rows) = shards.try_next().await? {
                rows.into_iter().for_each(&mut add);
            }
        }
        let of_day = |(day, mut counted): (Day, EngineDay)| {
            if let Some(status) = counted.outcomes.negative() {
                let key = [("engine_shard", keys::engine_shard(engine, 0)), ("day", keys::outcomes(day))];
                let key = key.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
                let error = self.table.corrupt(&key, status.as_str(), "must not be negative in all shards together");
                counted.outcomes.uncounted.get_or_insert(error);
            }
            (day, Arc::new(counted))
        };
        Ok(counted.into_iter().map(of_day).collect())
    }

    async fn rows(
        &self,
        engine: Engine,
        shard: u32,
        days: (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Row>, StoreError> {
        let items = self.items(engine, shard, days, consistency).await?;
        items.iter().map(|item| Row::parse(&self.table, engine, shard, item)).collect()
    }

    async fn items(
        &self,
        engine: Engine,
        shard: u32,
        (first, last): (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let query = self
            .table
            .client
            .query()
            .key_condition_expression("engine_shard = :engine_shard AND #day BETWEEN :first AND :last")
            .expression_attribute_names("#day", "day")
            .expression_attribute_values(":engine_shard", text(keys::engine_shard(engine, shard)))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(keys::outcomes(last)))
            .consistent_read(consistency.is_strong());
        self.table.all(query).await
    }

    /// Returns the write that counts events of `engine` on `day` in `shard`, heard at `heard_at`: their hours and severities, and how
    /// many remediations were planned and suppressed for them.
    ///
    /// # Errors
    /// [`StoreError`] if the request cannot be built.
    pub fn count_events(
        &self,
        (engine, day): (Engine, Day),
        shard: u32,
        events: impl Iterator<Item = (Hour, Severity)>,
        remediations: PlannedRemediations,
        heard_at: Timestamp,
    ) -> Result<Write, StoreError> {
        let mut counters: BTreeMap<String, i64> = BTreeMap::new();
        for (hour, severity) in events {
            *counters.entry(keys::counter(hour, severity)).or_default() += 1;
        }
        let PlannedRemediations { planned, suppressed } = remediations;
        let mut counters: Vec<(String, i64)> = counters.into_iter().collect();
        counters.extend([(PLANNED.to_owned(), planned), (SUPPRESSED.to_owned(), suppressed)]);
        self.add(keys::engine_shard(engine, shard), day.to_string(), &counters, Some((LAST_HEARD_AT, heard_at)))
    }

    /// Returns the write that counts decisions of `engine`, and what came of others, at `at` in `shard`.
    ///
    /// INVARIANT: `at` is the present. Days that are closed do not change any more.
    ///
    /// # Errors
    /// [`StoreError`] if the request cannot be built.
    pub fn count_decisions(
        &self,
        (engine, at): (Engine, Timestamp),
        shard: u32,
        counts: &DecisionCounts,
    ) -> Result<Write, StoreError> {
        let counters = decision_rows::counters(counts, at.hour());
        self.add(keys::engine_shard(engine, shard), keys::decisions(at.day()), &counters, None)
    }

    /// Returns the write that counts outcomes of remediations of `engine` that were planned on `day` in `shard`.
    ///
    /// # Errors
    /// [`StoreError`] if the request cannot be built.
    pub fn count_outcomes(
        &self,
        (engine, day): (Engine, Day),
        shard: u32,
        change: OutcomeCounters,
    ) -> Result<Write, StoreError> {
        let OutcomeCounters { to, from, number, outcome_millis, ineffective_at } = change;
        let mut counters = vec![(to.to_string(), number)];
        counters.extend(from.map(|from| (from.to_string(), -number)));
        counters.extend(
            outcome_millis
                .into_iter()
                .flat_map(|millis| [(OUTCOMES.to_owned(), 1), (OUTCOME_MILLIS.to_owned(), millis)]),
        );
        let found = ineffective_at.map(|at| (LAST_INEFFECTIVE_AT, at));
        self.add(keys::engine_shard(engine, shard), keys::outcomes(day), &counters, found)
    }

    fn add(
        &self,
        row: String,
        day: String,
        counters: &[(String, i64)],
        latest: Option<(&str, Timestamp)>,
    ) -> Result<Write, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        if let Some((name, at)) = latest {
            expression.set(&[name], text(at));
        }
        for (counter, by) in counters.iter().filter(|(_, by)| *by != 0) {
            expression.add(counter, *by);
        }
        let update = expression.into_update().key("engine_shard", text(row)).key("day", text(day));
        transaction::update(&self.table.name, update)
    }
}

/// How many remediations some events led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlannedRemediations {
    /// Planned: pending, or pending approval.
    pub planned: i64,
    /// Suppressed at once.
    pub suppressed: i64,
}

/// A change of the outcome counters of the remediations that were planned on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeCounters {
    /// The status that the remediations have reached.
    pub to: ActionStatus,
    /// The status that they had before, if it was counted.
    pub from: Option<ActionStatus>,
    /// How many remediations.
    pub number: i64,
    /// The time from planning to the worker's outcome, in milliseconds, if there is an outcome to count.
    pub outcome_millis: Option<i64>,
    /// When a remediation was found ineffective, planned on whatever day, if the row is that of the day of this time.
    pub ineffective_at: Option<Timestamp>,
}
