//! The notifications about credentials that were sent, one row of the `incidents` table. Nobody else may write the credentials
//! themselves to record them.

use std::collections::BTreeSet;

use age_model::{CredentialNotification, KeyId, StoreError, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::Deserialize;

use crate::dynamodb::attribute::text;
use crate::dynamodb::client::{DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::incident_rows::KEY;

/// The notifications that were sent, as the texts that identify them. Texts of an unknown form are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SentCredentialNotifications {
    #[serde(default)]
    sent: BTreeSet<String>,
}

impl SentCredentialNotifications {
    /// Whether `notification` was sent.
    #[must_use]
    pub fn contains(&self, notification: &CredentialNotification) -> bool {
        self.sent.contains(&notification.to_string())
    }

    /// Adds notifications that were sent.
    pub fn extend<'a>(&mut self, notifications: impl IntoIterator<Item = &'a CredentialNotification>) {
        self.sent.extend(notifications.into_iter().map(CredentialNotification::to_string));
    }

    /// Removes the notifications of credentials that are no longer `remembered`.
    pub fn retain(&mut self, remembered: impl Fn(&KeyId) -> bool) {
        let kid = |text: &str| text.split('#').next().and_then(|kid| kid.parse().ok());
        self.sent.retain(|text| kid(text).is_none_or(|kid| remembered(&kid)));
    }
}

/// The row with the notifications that were sent.
#[derive(Debug, Clone)]
pub struct CredentialNotifications(Table);

impl CredentialNotifications {
    /// Uses the row in the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Leases the row until `lease_expires_at`, and returns the notifications that were sent. None if another sender has the
    /// lease at `now`.
    ///
    /// # Errors
    /// [`StoreError`] if the row cannot be read or written; no notification may be sent then.
    pub async fn lease(
        &self,
        now: Timestamp,
        lease_expires_at: Timestamp,
    ) -> Result<Option<SentCredentialNotifications>, StoreError> {
        let update = self
            .update()
            .update_expression("SET lease_expires_at = :until")
            .condition_expression("attribute_not_exists(lease_expires_at) OR lease_expires_at <= :now")
            .expression_attribute_values(":until", text(lease_expires_at))
            .expression_attribute_values(":now", text(now))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(leased) => self.0.parse(&leased.attributes.unwrap_or_default()).map(Some),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(write_failed("UpdateItem", &self.0.name, error)),
            },
        }
    }

    /// Records that the notifications `sent` were sent, and ends the lease. Returns false if the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record(
        &self,
        sent: &SentCredentialNotifications,
        lease_expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .update()
            .update_expression("SET sent = :sent REMOVE lease_expires_at")
            .condition_expression("lease_expires_at = :until")
            .expression_attribute_values(":sent", self.0.attribute(&sent.sent)?)
            .expression_attribute_values(":until", text(lease_expires_at));
        self.0.update_if(update).await
    }

    fn update(&self) -> UpdateItemFluentBuilder {
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(keys::CREDENTIAL_NOTIFICATIONS))
    }
}
