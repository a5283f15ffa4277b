//! When an engine was last heard: the rows that count its events also have the time of the latest event or repeat.

use age_model::{Day, Engine, StoreError, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use crate::dynamodb::attribute::{Item, SCHEMA_VERSION, number, text};
use crate::dynamodb::client::Consistency;
use crate::dynamodb::error::{read_failed, write_failed};
use crate::dynamodb::keys;
use crate::rollups::Rollups;
use crate::rollups::rows::{self, LAST_HEARD_AT};

/// The latest rows of shard 0 of which one counts events: a day has one such row, and one of outcomes. The latest day may have
/// outcomes alone, of remediations of the day before.
const LATEST_ROWS: i32 = 4;

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
        let mut last = rows::time(&self.table, &item, LAST_HEARD_AT)?;
        for shard in 1..rows::shard_count(&self.table, &item)? {
            if last.is_some_and(|at| at >= since) {
                break;
            }
            for item in self.items(engine, shard, (day, day), Consistency::Eventual).await? {
                last = last.max(rows::time(&self.table, &item, LAST_HEARD_AT)?);
            }
        }
        // A day whose events were counted without a time was heard at its beginning, or later.
        Ok(Some(last.unwrap_or_else(|| day.start())))
    }

    /// Returns the latest day on which `engine` was heard, with its row of shard 0.
    async fn latest_day(&self, engine: Engine) -> Result<Option<(Day, Item)>, StoreError> {
        let query = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .key_condition_expression("engine_shard = :engine_shard")
            .expression_attribute_values(":engine_shard", text(keys::engine_shard(engine, 0)))
            .scan_index_forward(false)
            .limit(LATEST_ROWS);
        let page = query.send().await.map_err(|error| read_failed("Query", &self.table.name, error))?;
        let day_of = |item: &Item| item.get("day")?.as_s().ok()?.parse().ok();
        Ok(page.items.unwrap_or_default().into_iter().find_map(|item| Some((day_of(&item)?, item))))
    }
}
