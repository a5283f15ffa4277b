//! Channels: one row each, all in one partition. Their targets are encrypted by the caller.

use std::collections::BTreeSet;

use age_model::{
    Channel, ChannelFilter, ChannelKind, ChannelMessage, ChannelName, Engine, KeyId, SealedTarget, Severity,
    StoreError, Timestamp,
};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, binary, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::found::{Found, unreadable};

/// The attributes of the primary key.
const KEY: &[&str] = &["kind", "name"];

/// The attribute with the encrypted target.
const TARGET: &str = "target";

/// The row, except for the partition key, the target and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct ChannelRow {
    name: ChannelName,
    form: ChannelKind,
    host: String,
    severities: BTreeSet<Severity>,
    engines: BTreeSet<Engine>,
    messages: BTreeSet<ChannelMessage>,
    is_paused: bool,
    created_at: Timestamp,
    created_by: KeyId,
}

/// The result of creating a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedChannel {
    /// The channel was stored.
    Created,
    /// Another channel has the name.
    NameTaken,
}

/// The channels.
#[derive(Debug, Clone)]
pub struct Channels(Table);

impl Channels {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Returns all channels in the order of their names, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn all(&self) -> Result<Found<Channel>, StoreError> {
        let query = self.0.client.query().consistent_read(true);
        let query =
            query.key_condition_expression("kind = :kind").expression_attribute_values(":kind", text(keys::CHANNEL));
        let mut found = Found::default();
        for item in self.0.all(query).await? {
            match self.channel(&item) {
                Ok(channel) => found.items.push(channel),
                Err(error) => {
                    let name = item.get("name").and_then(|name| name.as_s().ok()).cloned();
                    found.unreadable.push(unreadable(name, error)?);
                }
            }
        }
        Ok(found)
    }

    /// Returns the channel `name`, if it exists, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, name: &ChannelName) -> Result<Option<Channel>, StoreError> {
        let key = [("kind", text(keys::CHANNEL)), ("name", text(name))];
        let item = self.0.get(key, Consistency::Strong).await?;
        item.map(|item| self.channel(&item)).transpose()
    }

    /// Stores `channel`, unless its name is taken.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn create(&self, channel: &Channel) -> Result<AddedChannel, StoreError> {
        let Channel { name, kind, host, target, filter, is_paused, created_at, created_by } = channel.clone();
        let ChannelFilter { severities, engines, messages } = filter;
        let form = kind;
        let row = ChannelRow { name, form, host, severities, engines, messages, is_paused, created_at, created_by };
        let Table { client, name, .. } = &self.0;
        let put = client
            .put_item()
            .table_name(name)
            .set_item(Some(self.0.serialize(&row)?))
            .item("kind", text(keys::CHANNEL))
            .item(TARGET, binary(&target.0))
            .condition_expression("attribute_not_exists(kind)");
        let Err(error) = put.send().await else { return Ok(AddedChannel::Created) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(AddedChannel::NameTaken),
            _ => Err(write_failed("PutItem", name, error)),
        }
    }

    /// Pauses the channel `name`, or resumes it. Returns false if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn set_paused(&self, name: &ChannelName, is_paused: bool) -> Result<bool, StoreError> {
        let update = self.update(name).update_expression("SET is_paused = :paused");
        self.0.update_if(update.expression_attribute_values(":paused", AttributeValue::Bool(is_paused))).await
    }

    /// Replaces the target of the channel `name`. Returns false if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn set_target(&self, name: &ChannelName, host: &str, target: &SealedTarget) -> Result<bool, StoreError> {
        let update = self
            .update(name)
            .update_expression("SET host = :host, #target = :target")
            .expression_attribute_names("#target", TARGET)
            .expression_attribute_values(":host", text(host))
            .expression_attribute_values(":target", binary(&target.0));
        self.0.update_if(update).await
    }

    /// Removes the channel `name` with its target. Returns false if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if it was not removed.
    pub async fn remove(&self, name: &ChannelName) -> Result<bool, StoreError> {
        let Table { client, name: table, .. } = &self.0;
        let delete = client.delete_item().table_name(table).key("kind", text(keys::CHANNEL)).key("name", text(name));
        let Err(error) = delete.condition_expression("attribute_exists(kind)").send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(write_failed("DeleteItem", table, error)),
        }
    }

    fn update(&self, name: &ChannelName) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name).key("kind", text(keys::CHANNEL));
        update.key("name", text(name)).condition_expression("attribute_exists(kind)")
    }

    fn channel(&self, item: &Item) -> Result<Channel, StoreError> {
        let row: ChannelRow = self.0.parse(item)?;
        let ChannelRow { name, form, host, severities, engines, messages, is_paused, created_at, created_by } = row;
        let target = item.get(TARGET).and_then(|target| target.as_b().ok());
        let target = target.ok_or_else(|| self.0.corrupt(item, TARGET, "must be binary"))?;
        let target = SealedTarget(target.as_ref().to_vec());
        let filter = ChannelFilter { severities, engines, messages };
        Ok(Channel { name, kind: form, host, target, filter, is_paused, created_at, created_by })
    }
}
