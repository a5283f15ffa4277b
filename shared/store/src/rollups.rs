//! The `rollups` table: one row counts one engine's day, or one shard of it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use futures_util::future::try_join_all;
use model::{
    ActionCounts, ActionItem, ActionStatus, Counts, Day, Engine, Event, Hour, Period, Remedy, Severity, SeverityCounts,
    Timestamp,
};

use crate::db::{Consistency, Db, Table};
use crate::row::{Item, RowName, number, text};
use crate::{StoreError, keys, transaction};

const WIDTH: &str = "width";
const OWED: &str = "owed";
const SUPPRESSED: &str = "suppressed";
const OUTCOMES: &str = "outcomes";
const OUTCOME_MILLIS: &str = "outcome_millis";
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
    /// How many remedies its events made owed.
    pub owed: u64,
    /// How many remedies of its events were suppressed at once.
    pub suppressed: u64,
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
        let mut counts = Counts::default();
        for counted in self.by_hour(period, consistency).await?.values() {
            counts.merge(counted);
        }
        Ok(counts)
    }

    /// The counts of `period`, of all engines, by the beginning of each hour that has any.
    ///
    /// # Errors
    /// [`StoreError`] if any row of it cannot be read: there are no partial counts.
    pub async fn by_hour(
        &self,
        period: Period,
        consistency: Consistency,
    ) -> Result<BTreeMap<Timestamp, Counts>, StoreError> {
        let days = (period.first_day(), period.last_day());
        let mut hours: BTreeMap<Timestamp, Counts> = BTreeMap::new();
        for rollup in self.read(Engine::ALL, days, consistency).await? {
            for (hour, counted) in &rollup.hours {
                if period.counts(rollup.day, *hour) {
                    hours.entry(rollup.day.at(*hour)).or_default().add_all(rollup.engine, counted);
                }
            }
        }
        Ok(hours)
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
        days: (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Rollup>, StoreError> {
        let items = self.items(keys::engine_shard(engine, shard), days, consistency).await?;
        items.iter().map(|item| self.parse(engine, shard, item)).collect()
    }

    async fn items(
        &self,
        row: String,
        (first, last): (Day, Day),
        consistency: Consistency,
    ) -> Result<Vec<Item>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("engine_shard = :engine_shard AND #day BETWEEN :first AND :last")
            .expression_attribute_names("#day", "day")
            .expression_attribute_values(":engine_shard", text(row))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .consistent_read(consistency.is_strong());
        self.0.all(query).await
    }

    fn parse(&self, engine: Engine, shard: u32, item: &Item) -> Result<Rollup, StoreError> {
        let row = RowName { table: &self.0.name, key: KEY };
        let numeral = |field: &str| numeral(&row, item, field);
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
        let [owed, suppressed] = [numeral(OWED)?.unwrap_or(0), numeral(SUPPRESSED)?.unwrap_or(0)];
        Ok(Rollup { engine, shard, day, width, hours, owed, suppressed })
    }

    /// Counts one event and the remedies that it begins with, as part of a transaction.
    pub(crate) fn count(
        &self,
        event: &Event,
        actions: &[ActionItem],
        shard: u32,
    ) -> Result<TransactWriteItem, StoreError> {
        let (reported, at) = (&event.reported, event.occurred_at);
        let (mut owed, mut suppressed) = (0, 0);
        // People's messages are their incident's.
        for item in actions.iter().filter(|item| item.action.is_remedy()) {
            *(if item.status == ActionStatus::Suppressed { &mut suppressed } else { &mut owed }) += 1;
        }
        let counters = [
            (keys::counter(at.hour(), reported.severity), 1),
            (OWED.to_owned(), owed),
            (SUPPRESSED.to_owned(), suppressed),
        ];
        self.add(keys::engine_shard(reported.engine, shard), at.day(), &counters)
    }

    /// Counts that a remedy has come from `old` to `new`, as part of a transaction. The day is that on which it came to be owed.
    pub(crate) fn settle(&self, old: &ActionItem, new: &ActionItem) -> Result<TransactWriteItem, StoreError> {
        let mut counters = vec![(new.status.to_string(), 1)];
        if old.status == ActionStatus::Succeeded {
            counters.push((old.status.to_string(), -1));
        }
        if let (ActionStatus::Succeeded | ActionStatus::Failed, Some(settled_at)) = (new.status, new.settled_at) {
            let took = settled_at.millis().saturating_sub(new.created_at.millis()).max(0);
            counters.extend([(OUTCOMES.to_owned(), 1), (OUTCOME_MILLIS.to_owned(), took)]);
        }
        self.add(keys::engine_actions(new.engine), new.created_at.day(), &counters)
    }

    /// Counts remedies of `engine` that have succeeded and were of no use, as parts of a transaction.
    pub(crate) fn ineffective(
        &self,
        engine: Engine,
        remedies: &[Remedy],
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut days: BTreeMap<Day, i64> = BTreeMap::new();
        for remedy in remedies {
            *days.entry(remedy.since.day()).or_default() += 1;
        }
        let of_day = |(day, number): (Day, i64)| {
            let (from, to) = (ActionStatus::Succeeded.to_string(), ActionStatus::Ineffective.to_string());
            self.add(keys::engine_actions(engine), day, &[(to, number), (from, -number)])
        };
        days.into_iter().map(of_day).collect()
    }

    fn add(&self, row: String, day: Day, counters: &[(String, i64)]) -> Result<TransactWriteItem, StoreError> {
        let mut update = Update::builder().key("engine_shard", text(row)).key("day", text(day));
        let mut parts = Vec::new();
        for (place, (counter, by)) in counters.iter().filter(|(_, by)| *by != 0).enumerate() {
            parts.push(format!("#c{place} :c{place}"));
            update = update
                .expression_attribute_names(format!("#c{place}"), counter)
                .expression_attribute_values(format!(":c{place}"), number(by));
        }
        transaction::update(&self.0.name, update.update_expression(format!("ADD {}", parts.join(", "))))
    }

    /// What became of the remedies that came to be owed on the days of `period`, of all engines.
    ///
    /// # Errors
    /// [`StoreError`] if any row of it cannot be read: there are no partial counts.
    pub async fn actions(&self, period: Period, consistency: Consistency) -> Result<ActionCounts, StoreError> {
        let days = (period.first_day(), period.last_day());
        let mut counts = ActionCounts::default();
        for rollup in self.read(Engine::ALL, days, consistency).await? {
            counts.owed = counts.owed.saturating_add(rollup.owed);
            *counts.by_status.entry(ActionStatus::Suppressed).or_default() += rollup.suppressed;
        }
        let of_engine = |engine: &Engine| self.items(keys::engine_actions(*engine), days, consistency);
        let row = RowName { table: &self.0.name, key: KEY };
        for item in try_join_all(Engine::ALL.iter().map(of_engine)).await?.iter().flatten() {
            for status in ActionStatus::settled() {
                *counts.by_status.entry(status).or_default() += numeral(&row, item, status.as_str())?.unwrap_or(0);
            }
            counts.outcomes += numeral(&row, item, OUTCOMES)?.unwrap_or(0);
            counts.outcome_millis += numeral(&row, item, OUTCOME_MILLIS)?.unwrap_or(0);
        }
        Ok(counts)
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

fn numeral(row: &RowName<'_>, item: &Item, field: &str) -> Result<Option<u64>, StoreError> {
    let Some(value) = item.get(field) else { return Ok(None) };
    let count = value.as_n().ok().and_then(|digits| digits.parse().ok());
    count.map(Some).ok_or_else(|| row.corrupt(item, field, "is not a whole number"))
}
