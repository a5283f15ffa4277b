//! The alerts that AGE has opened in a pager and not resolved.

use age_model::{ChannelName, IncidentStatus, StoreError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::deliveries::Deliveries;
use crate::dynamodb::attribute::text;
use crate::dynamodb::client::Table;
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::found::Found;

/// The most alerts of a channel that are compared with their incidents at once.
const MAX_ALERTS: usize = 1000;

/// An alert that is open in a pager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlert {
    /// The id of the incident.
    pub incident: String,
    /// The status of the incident that the pager knows.
    pub status: IncidentStatus,
    /// The latest delivered content, in the form of the channel's deliveries.
    pub content: String,
    /// When that was.
    pub delivered_at: Timestamp,
}

impl Deliveries {
    /// Returns the alerts that are open in `channel`, at most 1,000, in the order of their incidents' ids. Rows that this version cannot
    /// read are logged and left out.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn open_alerts(&self, channel: &ChannelName) -> Result<Vec<OpenAlert>, StoreError> {
        let page = self.rows(channel, keys::ALERT, MAX_ALERTS, None).await?;
        Ok(Found::of(page.items().iter().map(|item| self.0.parse(item)))?.items)
    }

    /// Stores that `alert` is open in `channel`.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn set_alert(&self, channel: &ChannelName, alert: &OpenAlert) -> Result<(), StoreError> {
        let Table { client, name, .. } = &self.0;
        let put = client
            .put_item()
            .table_name(name)
            .set_item(Some(self.0.serialize(alert)?))
            .item("scope", text(channel))
            .item("id", text(keys::alert(&alert.incident)));
        put.send().await.map(drop).map_err(|error| write_failed("PutItem", name, error))
    }

    /// Stores that no alert of `incident` is open in `channel`.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn remove_alert(&self, channel: &ChannelName, incident: &str) -> Result<(), StoreError> {
        self.delete(channel, keys::alert(incident)).await
    }
}
