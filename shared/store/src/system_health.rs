//! The health of AGE itself, which each sweep records.

use age_model::{StoreError, Timestamp};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::Deserialize;

use crate::dynamodb::attribute::{SCHEMA_VERSION, number, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::incident_rows::KEY;

/// The health of AGE as of the latest sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct SystemHealth {
    /// When the first sweep ran.
    pub installed_at: Timestamp,
    /// When the latest sweep ran.
    pub last_sweep_at: Timestamp,
    /// Whether the notifications topic has a confirmed subscriber. None if SNS did not respond.
    #[serde(default)]
    pub notifications_reachable: Option<bool>,
}

/// The row with AGE's health, in the `incidents` table.
#[derive(Debug, Clone)]
pub struct SystemHealthStore(Table);

impl SystemHealthStore {
    /// Uses the row in the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Returns the health as of the latest sweep, read strongly; None before the first sweep.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self) -> Result<Option<SystemHealth>, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(keys::HEALTH))];
        let item = self.0.get(key, Consistency::Strong).await?;
        item.map(|item| self.0.parse(&item)).transpose()
    }

    /// Records the health as of a sweep at `now`, and returns it.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record(
        &self,
        now: Timestamp,
        notifications_reachable: Option<bool>,
    ) -> Result<SystemHealth, StoreError> {
        let reachable = notifications_reachable.map_or(AttributeValue::Null(true), AttributeValue::Bool);
        let updated = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(keys::HEALTH))
            .update_expression(
                "SET v = if_not_exists(v, :v), installed_at = if_not_exists(installed_at, :now), last_sweep_at = :now, notifications_reachable = :reachable",
            )
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":reachable", reachable)
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let updated = updated.map_err(|error| write_failed("UpdateItem", &self.0.name, error))?;
        self.0.parse(&updated.attributes.unwrap_or_default())
    }
}
