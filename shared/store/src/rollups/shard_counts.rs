//! How many shards the counters of an engine's day have. The row of shard 0 says it.

use age_model::{Day, Engine, StoreError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use crate::dynamodb::attribute::{SCHEMA_VERSION, number, text};
use crate::dynamodb::client::Consistency;
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::rollups::Rollups;
use crate::rollups::attributes::{self, SHARD_COUNT};

/// Counters of an engine's day that have shards. Each kind has a shard count of its own, so that an engine that asks for many decisions
/// is not taken for one that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardedCounters {
    /// The counters of events.
    Events,
    /// The counters of decisions.
    Decisions,
    /// The counters of the outcomes of remediations.
    Outcomes,
}

impl ShardedCounters {
    /// Returns `rollups.day` of the rows with the counters of `day`.
    fn key(self, day: Day) -> String {
        match self {
            Self::Events => day.to_string(),
            Self::Decisions => keys::decisions(day),
            Self::Outcomes => keys::outcomes(day),
        }
    }
}

impl Rollups {
    /// Returns the shard count of `counters` of `engine` on `day`, as the row of shard 0 has it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn shard_count(
        &self,
        (engine, day): (Engine, Day),
        counters: ShardedCounters,
    ) -> Result<u32, StoreError> {
        let key = [("engine_shard", text(keys::engine_shard(engine, 0))), ("day", text(counters.key(day)))];
        let item = self.table.get(key, Consistency::Strong).await?;
        item.map_or(Ok(1), |item| attributes::shard_count(&self.table, &item))
    }

    /// Raises the shard count of `counters` in the row of shard 0 of `day` to at least `shard_count`. Returns the shard count that the
    /// row has afterwards, or None if a transaction was writing the row.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn publish_shard_count(
        &self,
        (engine, day): (Engine, Day),
        counters: ShardedCounters,
        shard_count: u32,
    ) -> Result<Option<u32>, StoreError> {
        let sent = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("engine_shard", text(keys::engine_shard(engine, 0)))
            .key("day", text(counters.key(day)))
            .update_expression("SET v = if_not_exists(v, :v), #shard_count = :shard_count")
            .condition_expression("attribute_not_exists(#shard_count) OR #shard_count < :shard_count")
            .expression_attribute_names("#shard_count", SHARD_COUNT)
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":shard_count", number(shard_count))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Some(shard_count)) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(larger)) => {
                Ok(Some(attributes::shard_count(&self.table, &larger.item().cloned().unwrap_or_default())?))
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
            _ => Err(write_failed("UpdateItem", &self.table.name, error)),
        }
    }
}
