//! Deliveries of messages to channels. A channel's partition has its queue: a lane, which one sender at a time leases, the deliveries that
//! are pending, and the alerts that are open in a pager. An incident's partition has the attempts to deliver messages about it.

pub(crate) mod alerts;
mod attempts;
mod lane;

use age_model::{ChannelName, Delivery, MessageId, StoreError, Timestamp};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::{DynamoDb, Table};
use crate::dynamodb::error::{read_failed, write_failed};
use crate::dynamodb::keys;
use crate::found::Found;

/// The attributes of the primary key.
const KEY: &[&str] = &["scope", "id"];

/// Days after which a delivery expires whose channel was removed or is paused. Others are made or given up within a day.
const PENDING_RETENTION_DAYS: i64 = 7;

/// Days after which attempts expire.
const ATTEMPT_RETENTION_DAYS: i64 = 400;

/// A pending delivery, except for its key and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct PendingRow {
    scope: ChannelName,
    queued_at: Timestamp,
    message: MessageId,
    part: u32,
    incidents: Vec<String>,
    content: String,
}

/// The deliveries.
#[derive(Debug, Clone)]
pub struct Deliveries(Table);

impl Deliveries {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Adds `delivery` to the queue of its channel, unless it is there.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn add(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let Delivery { channel, queued_at, message, part, incidents, content } = delivery.clone();
        let row = PendingRow { scope: channel, queued_at, message, part, incidents, content };
        let Table { client, name, .. } = &self.0;
        let put = client
            .put_item()
            .table_name(name)
            .set_item(Some(self.0.serialize(&row)?))
            .item("id", text(keys::pending(delivery)))
            .item("expires_at", number(delivery.queued_at.plus_days(PENDING_RETENTION_DAYS).seconds()))
            .condition_expression("attribute_not_exists(id)");
        let Err(error) = put.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(write_failed("PutItem", name, error)),
        }
    }

    /// Returns the first `limit` deliveries that `channel` has yet to get, the oldest first, read strongly. Rows that cannot be read do not
    /// count, so that they hold up no other.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn pending(&self, channel: &ChannelName, limit: usize) -> Result<Found<Delivery>, StoreError> {
        let mut found = Found::default();
        let mut start = None;
        loop {
            let page = self.rows(channel, keys::PENDING, limit, start).await?;
            found.extend(Found::of(page.items().iter().map(|item| self.delivery(item)))?);
            start = page.last_evaluated_key;
            if found.items.len() >= limit || start.is_none() {
                found.items.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Removes `delivery` from the queue of its channel.
    ///
    /// # Errors
    /// [`StoreError`] if it was not removed, or that is unknown.
    pub async fn remove(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.delete(&delivery.channel, keys::pending(delivery)).await
    }

    /// Returns the first `limit` rows of `channel` after `start` whose id begins with `prefix`, read strongly, at most a megabyte.
    async fn rows(
        &self,
        channel: &ChannelName,
        prefix: &str,
        limit: usize,
        start: Option<Item>,
    ) -> Result<QueryOutput, StoreError> {
        let Table { client, name, .. } = &self.0;
        let query = client
            .query()
            .table_name(name)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .key_condition_expression("#scope = :scope AND begins_with(id, :prefix)")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(channel))
            .expression_attribute_values(":prefix", text(prefix));
        query.send().await.map_err(|error| read_failed("Query", name, error))
    }

    async fn delete(&self, channel: &ChannelName, id: String) -> Result<(), StoreError> {
        let Table { client, name, .. } = &self.0;
        let delete = client.delete_item().table_name(name).key("scope", text(channel)).key("id", text(id));
        delete.send().await.map(drop).map_err(|error| write_failed("DeleteItem", name, error))
    }

    fn delivery(&self, item: &Item) -> Result<Delivery, StoreError> {
        let PendingRow { scope, queued_at, message, part, incidents, content } = self.0.parse(item)?;
        Ok(Delivery { channel: scope, queued_at, message, part, incidents, content })
    }
}
