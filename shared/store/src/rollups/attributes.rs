//! Attributes that rows of several kinds have.

use std::str::FromStr;

use age_model::{StoreError, Timestamp};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::client::Table;

/// How many shards a day has, in its row of shard 0.
pub(super) const SHARD_COUNT: &str = "shard_count";

/// Returns the shard count in a row of shard 0.
pub(super) fn shard_count(table: &Table, item: &Item) -> Result<u32, StoreError> {
    let shard_count = u32::try_from(count(table, item, SHARD_COUNT)?.unwrap_or(1));
    shard_count.map_err(|_| table.corrupt(item, SHARD_COUNT, "is too large"))
}

/// Returns the time of the attribute `field`, if the row has it.
pub(super) fn time(table: &Table, item: &Item, field: &str) -> Result<Option<Timestamp>, StoreError> {
    let Some(value) = item.get(field) else { return Ok(None) };
    let at = value.as_s().ok().and_then(|text| text.parse().ok());
    at.map(Some).ok_or_else(|| table.corrupt(item, field, "must be a time"))
}

/// Returns the number of the attribute `field`, if the row has it. It may be negative.
pub(super) fn signed_count(table: &Table, item: &Item, field: &str) -> Result<Option<i64>, StoreError> {
    whole_number(table, item, field)
}

/// Returns the number of the attribute `field`, if the row has it.
pub(super) fn count(table: &Table, item: &Item, field: &str) -> Result<Option<u64>, StoreError> {
    whole_number(table, item, field)
}

fn whole_number<N: FromStr>(table: &Table, item: &Item, field: &str) -> Result<Option<N>, StoreError> {
    let Some(value) = item.get(field) else { return Ok(None) };
    let count = value.as_n().ok().and_then(|digits| digits.parse().ok());
    count.map(Some).ok_or_else(|| table.corrupt(item, field, "must be a whole number"))
}
