//! When an engine was last heard: the rows that count its events also have the time of the latest event or repeat.

use age_model::{Day, Engine, StoreError, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use crate::dynamodb::attribute::{Item, SCHEMA_VERSION, number, text};
use crate::dynamodb::client::Consistency;
use crate::dynamodb::error::{read_failed, write_failed};
use crate::dynamodb::keys;
use crate::rollups::Rollups;
use crate::rollups::attributes;
use crate::rollups::rows::LAST_HEARD_AT;

/// The latest rows of shard 0, of which one counts events unless the engine is silent: a day has one such row, one of decisions and one of
/// outcomes. The latest day may have outcomes alone, of remediations of the day before.
const LATEST_ROWS: i32 = 6;

impl Rollups {
    /// Records in `shard` that `engine` was heard at `at`, without an event to count.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record_heard(&self, engine: Engine, shard: u32, at: Timestamp) -> Result<(), StoreError> {
        let update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("engine_shard", text(keys::engine_shard(engine, shard)))
            .key("day", text(at.day()))
            .update_expression("SET v = if_not_exists(v, :v), last_heard_at = :at")
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":at", text(at));
        let Err(error) = update.send().await else { return Ok(()) };
        match error.as_service_error() {
            // A transaction is counting an event of the engine, and so records the same.
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(()),
            _ => Err(write_failed("UpdateItem", &self.table.name, error)),
        }
    }

    /// Returns when `engine` was last heard, read eventually consistent; None if it never was. A time from `since` on may be earlier
    /// than the last one.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn last_heard_at(&self, engine: Engine, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let Some((day, item)) = self.latest_day(engine).await? else { return Ok(None) };
        // No shard of a later day exists: its row of shard 0 would have been written first.
        let mut last = attributes::time(&self.table, &item, LAST_HEARD_AT)?;
        for shard in 1..attributes::shard_count(&self.table, &item)? {
            if last.is_some_and(|at| at >= since) {
                break;
            }
            for item in self.items(engine, shard, (day, day), Consistency::Eventual).await? {
                last = last.max(attributes::time(&self.table, &item, LAST_HEARD_AT)?);
            }
        }
        // A day whose events were counted without a time was heard at its beginning, or later.
        Ok(Some(last.unwrap_or_else(|| day.start())))
    }

    /// Returns the latest day on which `engine` was heard, with its row of shard 0.
    async fn latest_day(&self, engine: Engine) -> Result<Option<(Day, Item)>, StoreError> {
        let day_of = |item: &Item| item.get("day")?.as_s().ok()?.parse().ok();
        let (mut limit, mut start) = (Some(LATEST_ROWS), None);
        loop {
            let query = self
                .table
                .client
                .query()
                .table_name(&self.table.name)
                .key_condition_expression("engine_shard = :engine_shard")
                .expression_attribute_values(":engine_shard", text(keys::engine_shard(engine, 0)))
                .scan_index_forward(false)
                .set_limit(limit)
                .set_exclusive_start_key(start);
            let page = query.send().await.map_err(|error| read_failed("Query", &self.table.name, error))?;
            let latest = page.items.unwrap_or_default().into_iter().find_map(|item| Some((day_of(&item)?, item)));
            // An engine that was silent for many days may have asked for decisions on each: the next page has all of them.
            (limit, start) = (None, page.last_evaluated_key);
            if latest.is_some() || start.is_none() {
                return Ok(latest);
            }
        }
    }
}
