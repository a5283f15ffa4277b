//! The `rollups` table: one row counts one engine's day, or one shard of it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use futures_util::future::try_join_all;
use model::{Counts, Day, Engine, Event, Hour, Period, Severity, SeverityCounts, Timestamp};

use crate::db::{Consistency, Db, Table};
use crate::row::{Item, RowName, number, text};
use crate::{StoreError, keys, transaction};

const WIDTH: &str = "width";
const KEY: &[&str] = &["engine_shard", "day"];

/// The counters of one engine, one day, one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// Whose events.
    pub engine: Engine,
    /// Which shard.
    pub shard: u32,
    /// Which day.
    pub day: Day,
    /// How many rows the day is spread over. Only shard 0 knows more than 1.
    pub width: u32,
    /// How many events in each hour that had any.
    pub hours: BTreeMap<Hour, SeverityCounts>,
}

/// The `rollups` table.
#[derive(Debug, Clone)]
pub struct Rollups(Table);

impl Rollups {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// Opens the connection before the first request needs it.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be asked.
    pub async fn warm(&self) -> Result<(), StoreError> {
        let day = Timestamp::from_millis(0).day();
        self.rows(Engine::Compliance, 0, (day, day), Consistency::Eventual).await.map(drop)
    }

    /// The counts of `period`, of all engines.
    ///
    /// # Errors
    /// [`StoreError`] if any row of it cannot be read: there are no partial counts.
    pub async fn counts(&self, period: Period, consistency: Consistency) -> Result<Counts, StoreError> {
        let days = (period.first_day(), period.last_day());
        let mut counts = Counts::default();
        for rollup in self.read(Engine::ALL, days, consistency).await? {
            for (hour, counted) in &rollup.hours {
                if period.counts(rollup.day, *hour) {
                    counts.add_all(rollup.engine, counted);
                }
            }
        }
        Ok(counts)
    }

    /// All rows of `engines` from the first to the last of `days`: shard 0, then as many as its widths say.
    pub(crate) async fn read(
        &self,
        engines: &[Engine],
        days: (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Rollup>, StoreError> {
        let of_engine = |engine: &Engine| self.read_engine(*engine, days, consistency);
        Ok(try_join_all(engines.iter().map(of_engine)).await?.into_iter().flatten().collect())
    }

    async fn read_engine(
        &self,
        engine: Engine,
        days: (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Rollup>, StoreError> {
        let mut rollups = self.rows(engine, 0, days, consistency).await?;
        let wide = || rollups.iter().filter(|rollup| rollup.width > 1);
        let width = wide().map(|rollup| rollup.width).max().unwrap_or(1);
        let (Some(first), Some(last)) = (wide().map(|r| r.day).min(), wide().map(|r| r.day).max()) else {
            return Ok(rollups);
        };
        let of_shard = |shard| self.rows(engine, shard, (first, last), consistency);
        rollups.extend(try_join_all((1..width).map(of_shard)).await?.into_iter().flatten());
        Ok(rollups)
    }

    async fn rows(
        &self,
        engine: Engine,
        shard: u32,
        (first, last): (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Rollup>, StoreError> {
        let mut pages = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("engine_shard = :engine_shard AND #day BETWEEN :first AND :last")
            .expression_attribute_names("#day", "day")
            .expression_attribute_values(":engine_shard", text(keys::engine_shard(engine, shard)))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .consistent_read(consistency.is_strong())
            .into_paginator()
            .items()
            .send();
        let mut rollups = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::unavailable("Query", &self.0.name, error))?;
            rollups.push(self.parse(engine, shard, &item)?);
        }
        Ok(rollups)
    }

    fn parse(&self, engine: Engine, shard: u32, item: &Item) -> Result<Rollup, StoreError> {
        let row = RowName { table: &self.0.name, key: KEY };
        let numeral = |field: &str| match item.get(field) {
            None => Ok(None),
            Some(value) => match value.as_n().ok().and_then(|digits| digits.parse::<u64>().ok()) {
                Some(count) => Ok(Some(count)),
                None => Err(row.corrupt(item, field, "is not a whole number")),
            },
        };
        let day = item.get("day").and_then(|value| value.as_s().ok()).and_then(|day| day.parse().ok());
        let day = day.ok_or_else(|| row.corrupt(item, "day", "is not a day"))?;
        let width = u32::try_from(numeral(WIDTH)?.unwrap_or(1));
        let width = width.map_err(|_| row.corrupt(item, WIDTH, "is too large"))?;

        let mut hours: BTreeMap<Hour, SeverityCounts> = BTreeMap::new();
        let mut counters = 0;
        for hour in Hour::all() {
            for severity in Severity::ALL {
                if let Some(count) = numeral(&keys::counter(hour, *severity))? {
                    counters += 1;
                    hours.entry(hour).or_default().add(*severity, count);
                }
            }
        }
        // A counter under a name that nobody reads would be a count that nobody sees. Other attributes are a later version's.
        if counters != item.keys().filter(|name| keys::is_counter(name)).count() {
            return Err(row.corrupt(item, "counters", "has one of no hour or severity"));
        }
        Ok(Rollup { engine, shard, day, width, hours })
    }

    /// Counts one event, as part of a transaction.
    pub(crate) fn count(&self, event: &Event, shard: u32) -> Result<TransactWriteItem, StoreError> {
        let (reported, at) = (&event.reported, event.occurred_at);
        let update = Update::builder()
            .key("engine_shard", text(keys::engine_shard(reported.engine, shard)))
            .key("day", text(at.day()))
            .update_expression("ADD #counter :one")
            .expression_attribute_names("#counter", keys::counter(at.hour(), reported.severity))
            .expression_attribute_values(":one", number(1));
        transaction::update(&self.0.name, update)
    }

    /// Makes shard 0's row of `day` say at least `width`; answers what it says then, or None if others kept writing it.
    pub(crate) async fn publish_width(&self, engine: Engine, day: Day, width: u32) -> Result<Option<u32>, StoreError> {
        let sent = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
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
                let item = wider.item().cloned().unwrap_or_default();
                Ok(Some(self.parse(engine, 0, &item)?.width))
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
            _ => Err(self.update_failed(error)),
        }
    }

    fn update_failed<R: std::fmt::Debug + Send + Sync + 'static>(
        &self,
        error: SdkError<UpdateItemError, R>,
    ) -> StoreError {
        StoreError::unwritten("UpdateItem", &self.0.name, error)
    }
}
