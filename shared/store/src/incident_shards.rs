//! The events of an incident that are counted outside of its row: in shards, one for each writer, so that writers do not meet.

use age_model::{IncidentCounters, IncidentKey, StoreError, Timestamp};
use serde::Deserialize;

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::Table;
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, Write};
use crate::dynamodb::update::UpdateExpression;

/// The number of shards of an incident. So many writers seldom choose the same one.
pub const INCIDENT_SHARDS: u32 = 1024;

/// How long after an event the row of a shard is kept beyond the retention of incidents, in days. An incident that was resolved before its
/// shards were merged is not longer kept than they are.
const EXTRA_DAYS: i64 = 7;

/// Where the events of an incident are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EventCounting {
    /// In the row of the state, with the other counters.
    #[default]
    InState,
    /// In shards, because writers met in the row of the state. That row has the events from before.
    InShards,
    /// In the row of the state again. The shards may still change until the writers that have read the state before this time have
    /// ended; then they are merged.
    Merging(Timestamp),
}

/// A row with events of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ShardRow {
    opened_at: String,
    pub(crate) events: u64,
    pub(crate) last_event_at: Timestamp,
    #[serde(default)]
    last_heard_at: Option<Timestamp>,
}

/// Adds `shards` to the counters of a state.
pub(crate) fn add_shards(counters: &mut IncidentCounters, shards: &[ShardRow]) {
    for shard in shards {
        counters.events = counters.events.saturating_add(shard.events);
        counters.last_event_at = counters.last_event_at.max(Some(shard.last_event_at));
        counters.last_heard_at = counters.last_heard_at.max(shard.last_heard_at);
    }
}

/// Returns the shards that have events of the incident of `key` that was opened at `opened_at`, read strongly.
pub(crate) async fn read_shards(
    table: &Table,
    key: &IncidentKey,
    opened_at: Timestamp,
) -> Result<Vec<ShardRow>, StoreError> {
    let query = table
        .client
        .query()
        .key_condition_expression("fingerprint = :fingerprint AND begins_with(opened_at, :prefix)")
        .expression_attribute_values(":fingerprint", text(keys::fingerprint(key)))
        .expression_attribute_values(":prefix", text(keys::incident_shards(opened_at)))
        .consistent_read(true);
    let items: Vec<Item> = table.all(query).await?;
    let shards: Vec<ShardRow> = items.iter().map(|item| table.parse(item)).collect::<Result<_, _>>()?;
    Ok(shards.into_iter().filter(|shard| shard.events > 0).collect())
}

/// Returns the write that counts `events` in a shard, the latest accepted at `at`. It has no condition.
pub(crate) fn count(
    table: &Table,
    (key, opened_at, shard): (&IncidentKey, Timestamp, u32),
    (events, at): (u64, Timestamp),
    retention_days: i64,
) -> Result<Write, StoreError> {
    let mut expression = UpdateExpression::default();
    expression.set_schema_version();
    expression.add("events", i64::try_from(events).unwrap_or(i64::MAX));
    expression.set(&["last_event_at"], text(at));
    expression.set(&["last_heard_at"], text(at));
    expression.set(&["expires_at"], number(at.plus_days(retention_days + EXTRA_DAYS).seconds()));
    let update = expression.into_update();
    let update = update.key("fingerprint", text(keys::fingerprint(key)));
    transaction::update(&table.name, update.key("opened_at", text(keys::incident_shard(opened_at, shard))))
}

/// Returns the write after which `shard` has no events, on the condition that it has still the same number. Its row expires later: no
/// function may delete rows about incidents.
pub(crate) fn empty(table: &Table, key: &IncidentKey, shard: &ShardRow) -> Result<Write, StoreError> {
    let mut expression = UpdateExpression::default();
    expression.set(&["events"], number(0));
    let path = expression.path(&["events"]);
    let condition = format!("{path} = {}", expression.value(number(shard.events)));
    let update = expression.into_update().key("fingerprint", text(keys::fingerprint(key)));
    transaction::update(&table.name, update.key("opened_at", text(&shard.opened_at)).condition_expression(condition))
}
