//! Which activations of policy versions people were notified of, one row of the `incidents` table.

use age_model::{StoreError, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::Deserialize;

use crate::dynamodb::attribute::{SCHEMA_VERSION, number, text};
use crate::dynamodb::client::{DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::incident_rows::KEY;

#[derive(Debug, Deserialize)]
struct PolicyNotificationsRow {
    /// The number of the latest activation that people were notified of.
    #[serde(default)]
    notified: u64,
}

/// The row with the number of the latest activation that people were notified of.
#[derive(Debug, Clone)]
pub struct PolicyNotifications(Table);

impl PolicyNotifications {
    /// Uses the row in the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Leases the row until `lease_expires_at`, and returns the number of the latest activation that people were notified of; 0 if of
    /// none. None if another sender has the lease at `now`.
    ///
    /// # Errors
    /// [`StoreError`] if the row cannot be read or written; no notification may be sent then.
    pub async fn lease(&self, now: Timestamp, lease_expires_at: Timestamp) -> Result<Option<u64>, StoreError> {
        let update = self
            .update()
            .update_expression("SET lease_expires_at = :until, v = if_not_exists(v, :v)")
            .condition_expression("attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now")
            .expression_attribute_values(":until", text(lease_expires_at))
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":now", text(now))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(leased) => {
                let row: PolicyNotificationsRow = self.0.parse(&leased.attributes.unwrap_or_default())?;
                Ok(Some(row.notified))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(write_failed("UpdateItem", &self.0.name, error)),
            },
        }
    }

    /// Records that people were notified of the activations up to `notified`. Returns false if the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record(&self, notified: u64, lease_expires_at: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update()
            .update_expression("SET notified = :notified")
            .condition_expression("lease_expires_at = :until")
            .expression_attribute_values(":notified", number(notified))
            .expression_attribute_values(":until", text(lease_expires_at));
        self.0.update_if(update).await
    }

    fn update(&self) -> UpdateItemFluentBuilder {
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(keys::POLICY_NOTIFICATIONS))
    }
}
