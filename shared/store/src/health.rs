//! How AGE itself is, as its sweep last found it.

use age_model::Timestamp;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::Deserialize;

use crate::db::Table;
use crate::incidents::KEY;
use crate::row::{RowName, text};
use crate::{Consistency, StoreError, keys};

/// How AGE is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// When its first sweep ran.
    pub installed_at: Timestamp,
    /// When its latest did.
    pub last_sweep_at: Timestamp,
    /// Whether anybody has confirmed to get escalations. None if it could not be told.
    #[serde(default)]
    pub notifications_reachable: Option<bool>,
}

/// The row that says so, in the `incidents` table.
#[derive(Debug, Clone)]
pub struct HealthStore(pub(crate) Table);

impl HealthStore {
    /// How AGE was at its latest sweep. None before the first.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self) -> Result<Option<Health>, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(keys::HEALTH))];
        let item = self.0.get(key, Consistency::Strong).await?;
        item.map(|item| self.row_name().read(&item)).transpose()
    }

    /// Records what a sweep at `now` has found.
    ///
    /// # Errors
    /// [`StoreError`] if it was not recorded.
    pub async fn put(&self, now: Timestamp, notifications_reachable: Option<bool>) -> Result<Health, StoreError> {
        let reachable = notifications_reachable.map_or(AttributeValue::Null(true), AttributeValue::Bool);
        let updated = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(keys::HEALTH))
            .update_expression(
                "SET installed_at = if_not_exists(installed_at, :now), last_sweep_at = :now, notifications_reachable = :reachable",
            )
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":reachable", reachable)
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let updated = updated.map_err(|error| StoreError::unwritten("UpdateItem", &self.0.name, error))?;
        self.row_name().read(&updated.attributes.unwrap_or_default())
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
