//! Attempts to deliver messages, in the partitions of the incidents that the messages are about.

use age_model::{Delivery, DeliveryAttempt, StoreError};

use crate::deliveries::{ATTEMPT_RETENTION_DAYS, Deliveries};
use crate::dynamodb::attribute::{number, text};
use crate::dynamodb::client::Table;
use crate::dynamodb::error::{read_failed, write_failed};
use crate::dynamodb::keys;
use crate::found::Found;

impl Deliveries {
    /// Stores an attempt to deliver `delivery` for each of its incidents. The same attempt may be stored again.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored for all of them.
    pub async fn add_attempt(&self, delivery: &Delivery, attempt: &DeliveryAttempt) -> Result<(), StoreError> {
        let Table { client, name, .. } = &self.0;
        let expires_at = attempt.at.plus_days(ATTEMPT_RETENTION_DAYS).seconds();
        for incident in &delivery.incidents {
            let put = client
                .put_item()
                .table_name(name)
                .set_item(Some(self.0.serialize(attempt)?))
                .item("scope", text(keys::attempts(incident)))
                .item("id", text(keys::attempt(delivery, attempt.at)))
                .item("expires_at", number(expires_at));
            put.send().await.map_err(|error| write_failed("PutItem", name, error))?;
        }
        Ok(())
    }

    /// Returns the latest `limit` attempts to deliver messages about an incident, the earliest first.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn attempts(&self, incident: &str, limit: usize) -> Result<Found<DeliveryAttempt>, StoreError> {
        let Table { client, name, .. } = &self.0;
        let query = client
            .query()
            .table_name(name)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .key_condition_expression("#scope = :scope")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(keys::attempts(incident)));
        let page = query.send().await.map_err(|error| read_failed("Query", name, error))?;
        let mut found = Found::of(page.items().iter().map(|item| self.0.parse(item)))?;
        found.items.reverse();
        Ok(found)
    }
}
