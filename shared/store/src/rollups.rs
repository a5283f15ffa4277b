//! The `rollups` table: one row counts one engine's day, or one shard of it; another, what became of the day's remedies.

mod counted;
mod memory;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use age_model::{ActionItem, ActionStatus, Day, Engine, Event, Period, Remediation, Timestamp};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use counted::EngineDay;
pub use counted::RollupSet;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use memory::Memory;
pub use rows::Rollup;
use rows::Row;

use crate::db::{Consistency, Db, Table};
use crate::row::{Item, RowName, number, text};
use crate::{StoreError, keys, transaction};

/// How many rows' days of an engine are read at the same time. All engines are: each reading has a connection of its own.
const SHARDS_AT_ONCE: usize = 8;

const WIDTH: &str = "width";
const PLANNED: &str = "planned";
const SUPPRESSED: &str = "suppressed";
const OUTCOMES: &str = "outcomes";
const OUTCOME_MILLIS: &str = "outcome_millis";
const KEY: &[&str] = &["engine_shard", "day"];

/// How fresh counters must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As of this moment.
    Strong,
    /// As of about a second ago. Days that are long over at this moment may be those that were read before.
    Remembered(Timestamp),
}

/// The `rollups` table.
#[derive(Debug, Clone)]
pub struct Rollups {
    table: Table,
    memory: Memory,
}

impl Rollups {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self { table: db.table(name), memory: Memory::default() }
    }

    /// Opens the connection before the first request needs it.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be asked.
    pub async fn warm(&self) -> Result<(), StoreError> {
        let day = Timestamp::from_millis(0).day();
        self.items(Engine::Compliance, 0, (day, day), Consistency::Eventual).await.map(drop)
    }

    /// All that is counted of the days of `period`, of all engines.
    ///
    /// # Errors
    /// [`StoreError`] if any row of it cannot be read: there are no partial counts.
    pub async fn of(&self, period: Period, freshness: Freshness) -> Result<RollupSet, StoreError> {
        self.days((period.first_day(), period.last_day()), freshness).await
    }

    /// All that is counted from the first to the last of `days`, of all engines.
    ///
    /// # Errors
    /// As [`Rollups::of`].
    pub(crate) async fn days(&self, days: (Day, Day), freshness: Freshness) -> Result<RollupSet, StoreError> {
        self.read(Engine::ALL, days, freshness).await
    }

    /// All that is counted of `engines` from the first to the last of `days`.
    pub(crate) async fn read(
        &self,
        engines: &[Engine],
        days: (Day, Day),
        freshness: Freshness,
    ) -> Result<RollupSet, StoreError> {
        let of_engine = |engine: &Engine| self.read_engine(*engine, days, freshness);
        Ok(RollupSet(try_join_all(engines.iter().map(of_engine)).await?.into_iter().flatten().collect()))
    }

    async fn read_engine(
        &self,
        engine: Engine,
        (first, last): (Day, Day),
        freshness: Freshness,
    ) -> Result<Vec<(Day, Arc<EngineDay>)>, StoreError> {
        let Freshness::Remembered(now) = freshness else {
            return self.query(engine, (first, last), Consistency::Strong).await;
        };
        let mut counted = self.memory.recall(engine, (first, last));
        let first = counted.last().map_or(first, |(day, _)| day.next());
        if first <= last {
            let read = self.query(engine, (first, last), Consistency::Eventual).await?;
            self.memory.keep(engine, &read, now);
            counted.extend(read);
        }
        Ok(counted)
    }

    /// Every one of `days`, as its rows have it: shard 0, then as many as its widths say.
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
            Row::Settled(day, settled) => counted.entry(day).or_default().settled = settled,
        };
        let rows = self.rows(engine, 0, (first, last), consistency).await?;
        let wide = rows.iter().filter_map(|row| match row {
            Row::Events(rollup) if rollup.width > 1 => Some((rollup.day, rollup.width)),
            _ => None,
        });
        let wide: Vec<(Day, u32)> = wide.collect();
        rows.into_iter().for_each(&mut add);
        let width = wide.iter().map(|(_, width)| *width).max().unwrap_or(1);
        if let (Some((first, _)), Some((last, _))) = (wide.iter().min(), wide.iter().max()) {
            let of_shard = |shard| self.rows(engine, shard, (*first, *last), consistency);
            let mut shards = stream::iter((1..width).map(of_shard)).buffered(SHARDS_AT_ONCE);
            while let Some(rows) = shards.try_next().await? {
                rows.into_iter().for_each(&mut add);
            }
        }
        Ok(counted.into_iter().map(|(day, counted)| (day, Arc::new(counted))).collect())
    }

    async fn rows(
        &self,
        engine: Engine,
        shard: u32,
        days: (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Row>, StoreError> {
        let items = self.items(engine, shard, days, consistency).await?;
        items.iter().map(|item| Row::read(&self.table.name, engine, shard, item)).collect()
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
            .expression_attribute_values(":last", text(keys::settled(last)))
            .consistent_read(consistency.is_strong());
        self.table.all(query).await
    }

    /// Counts events of `engine` on `day`, and the remedies that they begin with, as part of a transaction.
    pub(crate) fn count<'a>(
        &self,
        (engine, day): (Engine, Day),
        shard: u32,
        events: impl Iterator<Item = (&'a Event, &'a [ActionItem])>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut counters: BTreeMap<String, i64> = BTreeMap::new();
        for (event, actions) in events {
            *counters.entry(keys::counter(event.occurred_at.hour(), event.reported.severity)).or_default() += 1;
            // People's messages are their incident's.
            for item in actions.iter().filter(|item| item.action.is_remediation()) {
                let counter = if item.status == ActionStatus::Suppressed { SUPPRESSED } else { PLANNED };
                *counters.entry(counter.to_owned()).or_default() += 1;
            }
        }
        let counters: Vec<(String, i64)> = counters.into_iter().collect();
        self.add(keys::engine_shard(engine, shard), day.to_string(), &counters)
    }

    /// Counts that a remedy has come from `old` to `new`, as part of a transaction. The day is that on which it came to be owed.
    pub(crate) fn settle(&self, old: &ActionItem, new: &ActionItem) -> Result<TransactWriteItem, StoreError> {
        let mut counters = vec![(new.status.to_string(), 1)];
        if old.status == ActionStatus::Succeeded {
            counters.push((old.status.to_string(), -1));
        }
        if let (ActionStatus::Succeeded | ActionStatus::Failed, Some(completed_at)) = (new.status, new.completed_at) {
            let took = completed_at.millis().saturating_sub(new.created_at.millis()).max(0);
            counters.extend([(OUTCOMES.to_owned(), 1), (OUTCOME_MILLIS.to_owned(), took)]);
        }
        self.add(keys::engine_shard(new.engine, 0), keys::settled(new.created_at.day()), &counters)
    }

    /// Counts remedies of `engine` that have succeeded and were of no use, as parts of a transaction.
    pub(crate) fn ineffective(
        &self,
        engine: Engine,
        remediations: &[Remediation],
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut days: BTreeMap<Day, i64> = BTreeMap::new();
        for remediation in remediations {
            *days.entry(remediation.since.day()).or_default() += 1;
        }
        let of_day = |(day, number): (Day, i64)| {
            let (from, to) = (ActionStatus::Succeeded.to_string(), ActionStatus::Ineffective.to_string());
            self.add(keys::engine_shard(engine, 0), keys::settled(day), &[(to, number), (from, -number)])
        };
        days.into_iter().map(of_day).collect()
    }

    fn add(&self, row: String, day: String, counters: &[(String, i64)]) -> Result<TransactWriteItem, StoreError> {
        let mut update = Update::builder().key("engine_shard", text(row)).key("day", text(day));
        let mut parts = Vec::new();
        for (place, (counter, by)) in counters.iter().filter(|(_, by)| *by != 0).enumerate() {
            parts.push(format!("#c{place} :c{place}"));
            update = update
                .expression_attribute_names(format!("#c{place}"), counter)
                .expression_attribute_values(format!(":c{place}"), number(by));
        }
        transaction::update(&self.table.name, update.update_expression(format!("ADD {}", parts.join(", "))))
    }

    /// Over how many rows `engine` is spread on `day`, as shard 0's row says.
    pub(crate) async fn width(&self, engine: Engine, day: Day) -> Result<u32, StoreError> {
        let key = [("engine_shard", text(keys::engine_shard(engine, 0))), ("day", text(day))];
        let item = self.table.get(key, Consistency::Strong).await?;
        item.map_or(Ok(1), |item| rows::width(&RowName { table: &self.table.name, key: KEY }, &item))
    }

    /// Makes shard 0's row of `day` say at least `width`; answers what it says then, or None if others kept writing it.
    pub(crate) async fn publish_width(&self, engine: Engine, day: Day, width: u32) -> Result<Option<u32>, StoreError> {
        let sent = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("engine_shard", text(keys::engine_shard(engine, 0)))
            .key("day", text(day))
            .update_expression("SET #width = :width")
            .condition_expression("attribute_not_exists(#width) OR #width < :width")
            .expression_attribute_names("#width", WIDTH)
            .expression_attribute_values(":width", number(width))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Some(width)) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(wider)) => {
                let row = RowName { table: &self.table.name, key: KEY };
                Ok(Some(rows::width(&row, &wider.item().cloned().unwrap_or_default())?))
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
            _ => Err(self.update_failed(error)),
        }
    }

    fn update_failed<R: std::fmt::Debug + Send + Sync + 'static>(
        &self,
        error: SdkError<UpdateItemError, R>,
    ) -> StoreError {
        StoreError::unwritten("UpdateItem", &self.table.name, error)
    }
}
