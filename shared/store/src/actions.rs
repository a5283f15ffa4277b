//! The `actions` table: what is owed for an event, written with it, and how far each has come.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use model::{Action, ActionRecord, ActionStatus, Engine, EventId, EventType, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::row::{Item, RowName, text};
use crate::{StoreError, keys, transaction};

/// How long the invocation that records a pending action has it to itself, in seconds. After that it is anybody's:
/// longer than any function may run, so that two never hand it over at the same time.
pub const FIRST_TRY_SECONDS: i64 = 30;

const KEY: &[&str] = &["event_id", "action"];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ActionRow {
    /// The event, or the report, that the action is for.
    pub(crate) event_id: String,
    pub(crate) action: Action,
    pub(crate) status: ActionStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<Engine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_type: Option<EventType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<Severity>,
    pub(crate) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dispatched_at: Option<Timestamp>,
    pub(crate) policy_hash: String,
    /// How many have tried to hand it over.
    pub(crate) attempt: u32,
    /// With `due_at`, the sparse index of what somebody has to do something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Timestamp>,
}

impl ActionRow {
    /// A new action. A pending one is leased to its maker for [`FIRST_TRY_SECONDS`].
    pub(crate) fn new(owner: String, record: ActionRecord, now: Timestamp, policy_hash: &str) -> Self {
        let pending = record.status == ActionStatus::Pending;
        Self {
            action: record.action,
            status: record.status,
            engine: None,
            event_type: None,
            severity: None,
            created_at: now,
            dispatched_at: None,
            policy_hash: policy_hash.to_owned(),
            attempt: u32::from(pending),
            due_shard: pending.then(|| keys::due_shard(&owner)),
            due_at: pending.then(|| now.plus_seconds(FIRST_TRY_SECONDS)),
            event_id: owner,
        }
    }
}

/// The `actions` table.
#[derive(Debug, Clone)]
pub struct Actions(Table);

impl Actions {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// The actions of an event, as they are now.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn of_event(&self, event: EventId) -> Result<Vec<ActionRecord>, StoreError> {
        let mut pages = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("event_id = :event_id")
            .expression_attribute_values(":event_id", text(event))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut records = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::unavailable("Query", &self.0.name, error))?;
            let row: ActionRow = self.row_name().read(&item)?;
            records.push(ActionRecord { action: row.action, status: row.status });
        }
        records.sort_by_key(|record| record.action);
        Ok(records)
    }

    /// Records that a pending action was handed over at `now`. False if it was no longer pending.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be recorded.
    pub async fn mark_dispatched(&self, owner: &str, action: Action, now: Timestamp) -> Result<bool, StoreError> {
        let (from, to) = (ActionStatus::Pending, ActionStatus::Dispatched);
        let update = self
            .advance(owner, action, from, to)?
            .update_expression("SET #status = :to, dispatched_at = :now REMOVE due_shard, due_at")
            .expression_attribute_values(":now", text(now));
        self.applied(update).await
    }

    /// The conditional write that every move of a status is: nothing happens unless the action is still at `from`.
    fn advance(
        &self,
        owner: &str,
        action: Action,
        from: ActionStatus,
        to: ActionStatus,
    ) -> Result<UpdateItemFluentBuilder, StoreError> {
        let to = from.to(to)?;
        Ok(self
            .update(owner, action)
            .condition_expression("#status = :from")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to)))
    }

    /// Leases a pending action that was due at `due_at` to the caller. False if somebody else was first.
    pub(crate) async fn claim(&self, row: &ActionRow, due_at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(&row.event_id, row.action)
            .update_expression("SET due_at = :until ADD attempt :one")
            .condition_expression("#status = :pending AND due_at = :due_at")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", text(ActionStatus::Pending))
            .expression_attribute_values(":due_at", text(due_at))
            .expression_attribute_values(":until", text(now.plus_seconds(FIRST_TRY_SECONDS)))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        self.applied(update).await
    }

    pub(crate) async fn get(&self, owner: &str, action: Action) -> Result<Option<ActionRow>, StoreError> {
        let Table { client, name } = &self.0;
        let got = client
            .get_item()
            .table_name(name)
            .key("event_id", text(owner))
            .key("action", text(action))
            .consistent_read(true)
            .send()
            .await;
        let item = got.map_err(|error| StoreError::unavailable("GetItem", name, error))?.item;
        item.map(|item| self.row_name().read(&item)).transpose()
    }

    /// Records what is owed, as part of a transaction.
    pub(crate) fn put(&self, row: &ActionRow) -> Result<TransactWriteItem, StoreError> {
        let item: Item = self.row_name().write(row)?;
        transaction::put(&self.0.name, Put::builder().set_item(Some(item)))
    }

    fn update(&self, owner: &str, action: Action) -> UpdateItemFluentBuilder {
        let Table { client, name } = &self.0;
        client.update_item().table_name(name).key("event_id", text(owner)).key("action", text(action))
    }

    async fn applied(&self, update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::unwritten("UpdateItem", &self.0.name, error)),
            },
        }
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
