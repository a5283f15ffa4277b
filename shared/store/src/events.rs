//! The `events` table.

use age_model::{Details, Engine, Event, EventId, EventType, KeyId, NewEvent, Severity, Timestamp};
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::keys::{self, Position};
use crate::row::{Item, RowName, text};
use crate::{Consistency, StoreError, transaction};

const KEY: &[&str] = &["id"];

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
    reported_by: Option<KeyId>,
    expires_at: i64,
}

/// The `events` table.
#[derive(Debug, Clone)]
pub struct Events {
    pub(crate) table: Table,
    retention_days: i64,
}

impl Events {
    /// The table called `name`, whose rows live `retention_days`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>, retention_days: i64) -> Self {
        Self { table: db.table(name), retention_days }
    }

    /// The event called `id`.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: EventId, consistency: Consistency) -> Result<Option<Event>, StoreError> {
        let item = self.table.get([("id", text(id))], consistency).await?;
        item.map(|item| self.parse(&item)).transpose()
    }

    /// The moment before which events may already be gone.
    pub(crate) fn oldest(&self, now: Timestamp) -> Timestamp {
        now.plus_days(-self.retention_days)
    }

    /// Reads a row of the table, or of its timeline.
    pub(crate) fn parse(&self, item: &Item) -> Result<Event, StoreError> {
        let name = self.row_name();
        let row: EventRow = name.read(item)?;
        let details: Details = row.details.parse().map_err(|error| name.corrupt(item, "details", error))?;
        let at = row.at.parse::<Position>().ok().and_then(|position| position.moment());
        Ok(Event {
            id: row.id,
            occurred_at: at.ok_or_else(|| name.corrupt(item, "at", "is not a position"))?,
            reported: NewEvent {
                engine: row.engine,
                event_type: row.event_type,
                severity: row.severity,
                details,
                source_time: row.source_time,
            },
            reported_by: row.reported_by,
        })
    }

    /// Stores `event`, as part of a transaction, unless its id is taken.
    pub(crate) fn put(&self, event: &Event, shard: u32) -> Result<TransactWriteItem, StoreError> {
        let reported = &event.reported;
        let row = EventRow {
            id: event.id,
            bucket: keys::bucket(reported.engine, event.occurred_at.day(), shard),
            at: Position::of_event(event.occurred_at, event.id).to_string(),
            engine: reported.engine,
            event_type: reported.event_type.clone(),
            severity: reported.severity,
            details: reported.details.as_str().to_owned(),
            source_time: reported.source_time,
            reported_by: event.reported_by.clone(),
            expires_at: event.occurred_at.plus_days(self.retention_days).seconds(),
        };
        let put = Put::builder()
            .set_item(Some(self.row_name().write(&row)?))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::put(&self.table.name, put)
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.table.name.as_str(), key: KEY }
    }
}
