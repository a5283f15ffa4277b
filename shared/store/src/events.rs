//! The `events` table.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    DecisionId, Details, Engine, Event, EventId, EventType, KeyId, NewEvent, Severity, StoreError, Timestamp,
};
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::keys::Position;
use crate::dynamodb::transaction::{self, ExistingRow, TransactionResult, Write};

#[derive(Debug, Serialize, Deserialize)]
struct EventRow {
    id: EventId,
    bucket: String,
    at: String,
    engine: Engine,
    event_type: EventType,
    severity: Severity,
    details: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision_id: Option<DecisionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported_by: Option<KeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolves: Option<EventId>,
    /// The operation that the event reports: the name of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// The partition of the index `operations`: the engine, until the event was compared with the decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unchecked_engine: Option<Engine>,
    expires_at: i64,
}

/// The `events` table.
#[derive(Debug, Clone)]
pub struct Events {
    table: Table,
    retention_days: i64,
}

impl Events {
    /// Uses the table `name`, whose rows expire `retention_days` after the event was accepted.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>, retention_days: i64) -> Self {
        Self { table: db.table(name, &["id"]), retention_days }
    }

    /// Returns the event `id`, if it exists.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: EventId, consistency: Consistency) -> Result<Option<Event>, StoreError> {
        let item = self.table.get([("id", text(id))], consistency).await?;
        item.map(|item| self.parse(&item)).transpose()
    }

    /// Returns those of the events `ids` that exist, read strongly, by id.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn get_all(&self, ids: &BTreeSet<EventId>) -> Result<BTreeMap<EventId, Event>, StoreError> {
        let keys: Vec<Item> = ids.iter().map(|id| Item::from([("id".to_owned(), text(id))])).collect();
        let events =
            self.table.get_all(keys).await?.into_iter().map(|item| self.parse(&item).map(|event| (event.id, event)));
        events.collect()
    }

    /// Returns the write that inserts `event` into `shard` of its engine's day, on the condition that its id is new. `operation` is what
    /// its type reports by the policy. An event with one, or that names a decision, is to be compared with the decisions.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn insertion(&self, event: &Event, shard: u32, operation: Option<&str>) -> Result<Write, StoreError> {
        let reported = &event.reported;
        let is_unchecked = operation.is_some() || reported.decision_id.is_some();
        let row = EventRow {
            id: event.id,
            bucket: keys::bucket(reported.engine, event.occurred_at.day(), shard),
            at: Position::of_event(event.occurred_at, event.id).to_string(),
            engine: reported.engine,
            event_type: reported.event_type.clone(),
            severity: reported.severity,
            details: reported.details.as_str().to_owned(),
            source_time: reported.source_time,
            decision_id: reported.decision_id,
            reported_by: event.reported_by.clone(),
            resolves: event.resolves,
            operation: operation.map(str::to_owned),
            unchecked_engine: is_unchecked.then_some(reported.engine),
            expires_at: self.expires_at(event).seconds(),
        };
        let put = Put::builder()
            .set_item(Some(self.table.serialize(&row)?))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::put(&self.table.name, put)
    }

    /// Returns the event that was found where [`Events::insertion`] was to insert one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn existing(&self, row: &ExistingRow) -> Result<Event, StoreError> {
        self.parse(&row.item)
    }

    /// Sends `writes` of this and other tables once as one transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the result is unknown, or DynamoDB refused the transaction for another reason than its conditions.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        self.table.commit(writes).await
    }

    /// Returns the error of a transaction that conflicted with others in each of `attempts`.
    #[must_use]
    pub fn contended(&self, attempts: u32) -> StoreError {
        StoreError::Contended { table: self.table.name.clone(), attempts }
    }

    /// Returns when `event` expires, and what belongs to it.
    #[must_use]
    pub fn expires_at(&self, event: &Event) -> Timestamp {
        event.occurred_at.plus_days(self.retention_days)
    }

    /// After how many days events expire.
    pub(crate) const fn retention_days(&self) -> i64 {
        self.retention_days
    }

    /// Parses a row of the table, or of its index `timeline`.
    pub(crate) fn parse(&self, item: &Item) -> Result<Event, StoreError> {
        let row: EventRow = self.table.parse(item)?;
        let details: Details = row.details.parse().map_err(|error| self.table.corrupt(item, "details", error))?;
        let at = row.at.parse::<Position>().ok().and_then(|position| position.time());
        Ok(Event {
            id: row.id,
            occurred_at: at.ok_or_else(|| self.table.corrupt(item, "at", "must be a time and an event id"))?,
            reported: NewEvent {
                engine: row.engine,
                event_type: row.event_type,
                severity: row.severity,
                details,
                source_time: row.source_time,
                decision_id: row.decision_id,
            },
            reported_by: row.reported_by,
            resolves: row.resolves,
        })
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use age_model::MAX_DETAILS_BYTES;
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;

    /// DynamoDB's limits of a transaction: items, and bytes.
    const MAX_ITEMS: usize = 100;
    const MAX_BYTES: usize = 4 * 1024 * 1024;

    #[test]
    fn transaction_of_the_largest_events_stays_far_below_the_limit() {
        let details = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_DETAILS_BYTES - 8));
        let now = "2026-11-23T00:05:00Z".parse().unwrap();
        let event = Event {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            reported: NewEvent {
                engine: Engine::from_static("documentation"),
                event_type: "\u{1f600}".repeat(128).parse().unwrap(),
                severity: Severity::Critical,
                details: details.parse().unwrap(),
                source_time: Some(now),
                decision_id: Some("01936f2e-0000-7000-8000-00000000000c".parse().unwrap()),
            },
            occurred_at: now,
            reported_by: Some("k".repeat(32).parse().unwrap()),
            resolves: Some("01936f2e-0000-7000-8000-00000000000b".parse().unwrap()),
        };
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let write = Events::new(&DynamoDb::new(&config), "Events", 400)
            .insertion(&event, 511, Some(&"x".repeat(1024)))
            .unwrap();
        let item = write.item().unwrap();
        let bytes: usize = item.iter().map(|(name, value)| name.len() + format!("{value:?}").len()).sum();
        assert!(bytes > MAX_DETAILS_BYTES && bytes * MAX_ITEMS < MAX_BYTES / 2, "{bytes}");
    }
}
