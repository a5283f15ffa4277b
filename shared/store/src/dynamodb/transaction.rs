//! Transactions: their writes, sending them, and interpreting why one was cancelled.

use age_model::StoreError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::client::Table;
use crate::dynamodb::error::{built, write_failed};

/// One conditional write, as a part of a transaction.
#[derive(Debug, Clone)]
pub struct Write(TransactWriteItem);

/// A row that was found where a transaction was to insert one.
#[derive(Debug, Clone)]
pub struct ExistingRow {
    /// The index of the write in its transaction.
    pub index: usize,
    pub(crate) item: Item,
}

/// The result of sending a transaction once. Unless it is `Committed`, nothing was written.
#[derive(Debug)]
pub enum TransactionResult {
    /// All writes were applied.
    Committed,
    /// Rows that were to be inserted exist already. Never empty.
    Exists(Vec<ExistingRow>),
    /// A condition did not hold: a row has changed since it was read.
    Stale,
    /// Other transactions were writing the rows of the writes with these indexes, or their partitions were throttled.
    Conflict(Vec<usize>),
    /// An earlier attempt of the SDK with the same client token is still in progress: it may be applied or not.
    InProgress,
}

/// Reasons of a cancellation after which the same transaction may succeed. Throttling of a partition is reported as one.
const RETRYABLE: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

impl Table {
    /// Sends `writes` once as one transaction; the SDK's own retries share one client token. Errors name this table.
    ///
    /// # Errors
    /// [`StoreError`] if DynamoDB did not respond, or refused the transaction for another reason than its conditions.
    pub(crate) async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        let items = writes.into_iter().map(|write| write.0).collect();
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        let Err(error) = sent else { return Ok(TransactionResult::Committed) };
        let result = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                interpret(cancelled.cancellation_reasons())
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Some(TransactionResult::InProgress),
            _ => None,
        };
        result.ok_or_else(|| write_failed("TransactWriteItems", &self.name, error))
    }
}

/// Returns the result of a transaction that was cancelled for `reasons`. A failed condition takes precedence over a conflict:
/// the same transaction would fail again.
fn interpret(reasons: &[CancellationReason]) -> Option<TransactionResult> {
    let with_code = |codes: &'static [&str]| {
        let is_one = move |reason: &CancellationReason| reason.code().is_some_and(|code| codes.contains(&code));
        reasons.iter().enumerate().filter(move |(_, reason)| is_one(reason))
    };
    let existing =
        |(index, reason): (usize, &CancellationReason)| Some(ExistingRow { index, item: reason.item()?.clone() });
    let rows: Vec<ExistingRow> = with_code(&[CONDITION_FAILED]).filter_map(existing).collect();
    if !rows.is_empty() {
        return Some(TransactionResult::Exists(rows));
    }
    if with_code(&[CONDITION_FAILED]).next().is_some() {
        return Some(TransactionResult::Stale);
    }
    let conflicts: Vec<usize> = with_code(&RETRYABLE).map(|(index, _)| index).collect();
    (!conflicts.is_empty()).then_some(TransactionResult::Conflict(conflicts))
}

/// Makes a put a write of a transaction.
pub(crate) fn put(table: &str, put: PutBuilder) -> Result<Write, StoreError> {
    let put = built(table, put.table_name(table).build())?;
    Ok(Write(TransactWriteItem::builder().put(put).build()))
}

/// Makes an update a write of a transaction.
pub(crate) fn update(table: &str, update: UpdateBuilder) -> Result<Write, StoreError> {
    let update = built(table, update.table_name(table).build())?;
    Ok(Write(TransactWriteItem::builder().update(update).build()))
}

/// Makes a condition on a row that is not written a part of a transaction.
pub(crate) fn check(table: &str, check: ConditionCheckBuilder) -> Result<Write, StoreError> {
    let check = built(table, check.table_name(table).build())?;
    Ok(Write(TransactWriteItem::builder().condition_check(check).build()))
}

#[cfg(test)]
impl Write {
    /// Returns the item that a put writes.
    pub(crate) fn item(&self) -> Option<&Item> {
        self.0.put().map(aws_sdk_dynamodb::types::Put::item)
    }
}
