//! Incidents whose events are counted in shards: counting an event, and merging the shards when no writers meet any more.

use age_model::{CounterChange, FiringAlertsChange, IncidentKey, StoreError, Timestamp};

use crate::dynamodb::transaction::{TransactionResult, Write};
use crate::incident_shards::{self, EventCounting, ShardRow, add_shards};
use crate::incident_state_row::{IncidentStateChange, IncidentStateRecord, read_state};
use crate::incident_states::IncidentStates;

/// How long no event must have been counted before the shards are merged, in seconds.
const QUIET_SECONDS: i64 = 60;

/// How long after the last writer may have read that events are counted in shards these are merged, in seconds. A writer commits within 10
/// seconds, and AWS ends its function within 30.
const MERGE_AFTER_SECONDS: i64 = 60;

/// The most shards that one transaction merges: it has up to 100 writes, an AWS limit.
const SHARDS_PER_TRANSACTION: usize = 90;

impl IncidentStates {
    /// Returns the write that counts `events` of the open incident of `before` in `shard`, the latest accepted at `at`. None if they are
    /// not counted in shards.
    ///
    /// INVARIANT: the write has no condition, so it is committed well within `MERGE_AFTER_SECONDS` after `before` was read.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn count_in_shard(
        &self,
        key: &IncidentKey,
        before: &IncidentStateRecord,
        counted: (u64, Timestamp),
        shard: u32,
    ) -> Result<Option<Write>, StoreError> {
        let incident = before.state.open_incident().filter(|_| before.counting == EventCounting::InShards);
        let count =
            |opened_at| incident_shards::count(&self.table, (key, opened_at, shard), counted, self.retention_days);
        incident.map(|incident| count(incident.opened_at)).transpose()
    }

    /// Takes the next step of merging the shards of the latest incident of `key`, if it is time for one at `now`. Returns where events are
    /// counted then. A step that meets another writer is left to the next call.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read or written.
    pub async fn merge_shards(&self, key: &IncidentKey, now: Timestamp) -> Result<EventCounting, StoreError> {
        loop {
            let (record, shards) = read_state(&self.table, key).await?;
            let last = record.counters.last_event_at;
            let (counting, shards) = match record.counting {
                EventCounting::InShards if last.is_none_or(|last| last.plus_seconds(QUIET_SECONDS) <= now) => {
                    (Some(EventCounting::Merging(now)), Vec::new())
                }
                EventCounting::Merging(since) if since.plus_seconds(MERGE_AFTER_SECONDS) <= now => {
                    let is_last = shards.len() <= SHARDS_PER_TRANSACTION;
                    let first: Vec<ShardRow> = shards.into_iter().take(SHARDS_PER_TRANSACTION).collect();
                    (is_last.then_some(EventCounting::InState), first)
                }
                unchanged => return Ok(unchanged),
            };
            let mut state = record.state.clone();
            state.version = state.version.saturating_add(1);
            let mut merged = record.row_counters;
            add_shards(&mut merged, &shards);
            let events = merged.events.saturating_sub(record.row_counters.events);
            let change = IncidentStateChange {
                before: &record,
                state: Some(&state),
                counters: match merged.last_event_at {
                    Some(at) => CounterChange::Increment(events, at),
                    None => CounterChange::Keep,
                },
                resolved_events: 0,
                firing_alerts: FiringAlertsChange::Keep,
                heard_at: merged.last_heard_at,
                requires_counters: true,
                archived: None,
                notification: None,
                counting,
                incident_change: None,
                at: now,
            };
            let mut writes = self.change(key, &change)?;
            for shard in &shards {
                writes.push(incident_shards::empty(&self.table, key, shard)?);
            }
            match self.commit(writes).await? {
                TransactionResult::Committed if counting.is_none() => {}
                TransactionResult::Committed => return Ok(counting.unwrap_or(record.counting)),
                _ => return Ok(record.counting),
            }
        }
    }
}
