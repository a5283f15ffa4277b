//! Sending a transaction, and telling its refusals apart.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};

use crate::StoreError;
use crate::row::Item;

/// What came of a transaction. Unless it is `Committed`, nothing was stored.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// All of it is stored.
    Committed,
    /// At one place of the transaction, and at these others, an item was to be put where there is one: these stand there.
    Exists((usize, Item), Vec<(usize, Item)>),
    /// Another condition did not hold: what the transaction was decided on has changed.
    Stale,
    /// Somebody was writing the items at these places of the transaction, or they took no more writes at the moment.
    Conflict(Vec<usize>),
    /// An earlier try of the SDK is still under way: it may come through, or not.
    InProgress,
}

/// Why a transaction is cancelled that may succeed the next moment. A partition that is asked too much says so here, too.
const PASSING: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Sends `items` once, with the SDK's own retries behind one client token.
pub(crate) async fn send(client: &Client, table: &str, items: Vec<TransactWriteItem>) -> Result<Attempt, StoreError> {
    let sent = client.transact_write_items().set_transact_items(Some(items)).send().await;
    let Err(error) = sent else { return Ok(Attempt::Committed) };
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            match refusal(cancelled.cancellation_reasons()) {
                Some(attempt) => Ok(attempt),
                None => Err(unwritten(table, error)),
            }
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Ok(Attempt::InProgress),
        _ => Err(unwritten(table, error)),
    }
}

/// A condition that failed comes before a conflict: the same transaction would fail again.
fn refusal(reasons: &[CancellationReason]) -> Option<Attempt> {
    let places = |codes: &'static [&str]| {
        let is_one = move |reason: &CancellationReason| reason.code().is_some_and(|code| codes.contains(&code));
        reasons.iter().enumerate().filter(move |(_, reason)| is_one(reason))
    };
    let taken = |(place, reason): (usize, &CancellationReason)| Some((place, reason.item()?.clone()));
    let mut exist = places(&["ConditionalCheckFailed"]).filter_map(taken);
    if let Some(first) = exist.next() {
        return Some(Attempt::Exists(first, exist.collect()));
    }
    if places(&["ConditionalCheckFailed"]).next().is_some() {
        return Some(Attempt::Stale);
    }
    let conflicts: Vec<usize> = places(&PASSING).map(|(place, _)| place).collect();
    (!conflicts.is_empty()).then_some(Attempt::Conflict(conflicts))
}

/// A put as part of a transaction.
pub(crate) fn put(table: &str, put: PutBuilder) -> Result<TransactWriteItem, StoreError> {
    let put = built(table, put.table_name(table).build())?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// An update as part of a transaction.
pub(crate) fn update(table: &str, update: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    let update = built(table, update.table_name(table).build())?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// A request that was put together, or what it lacks.
pub(crate) fn built<T>(table: &str, request: Result<T, BuildError>) -> Result<T, StoreError> {
    let unbuilt = |error: BuildError| StoreError::Unavailable {
        operation: "building a request",
        table: table.to_owned(),
        cause: error.to_string(),
    };
    request.map_err(unbuilt)
}

fn unwritten<R: std::fmt::Debug + Send + Sync + 'static>(
    table: &str,
    error: SdkError<TransactWriteItemsError, R>,
) -> StoreError {
    StoreError::unwritten("TransactWriteItems", table, error)
}
