//! The health of AGE itself, which each sweep records.

use std::collections::BTreeMap;

use age_model::{StoreError, SubscriptionCounts, Timestamp, TopicHealth, TopicName};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::Deserialize;

use crate::dynamodb::attribute::{Item, SCHEMA_VERSION, number, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::incident_rows::KEY;

#[derive(Debug, Deserialize)]
struct HealthRow {
    installed_at: Timestamp,
    last_sweep_at: Timestamp,
    #[serde(default, rename = "subscriber_notice_at")]
    subscriber_notice: Option<Timestamp>,
}

/// The health of AGE as of the latest sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemHealth {
    /// When the first sweep ran.
    pub installed_at: Timestamp,
    /// When the latest sweep ran.
    pub last_sweep_at: Timestamp,
    /// When people were last told that the alarms topic has no subscriber.
    pub subscriber_notice_at: Option<Timestamp>,
    topics: BTreeMap<TopicName, TopicHealth>,
}

impl SystemHealth {
    /// Returns what is known about the subscriptions to `topic`.
    #[must_use]
    pub fn topic(&self, topic: TopicName) -> TopicHealth {
        self.topics.get(&topic).copied().unwrap_or_default()
    }

    /// Whether the notifications topic has a confirmed subscription. None if that is unknown.
    #[must_use]
    pub fn notifications_reachable(&self) -> Option<bool> {
        self.topic(TopicName::Notifications).is_subscribed
    }
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
        item.map(|item| self.parse(&item)).transpose()
    }

    /// Records the health as of a sweep at `now`, and returns it. `subscriptions` has the topics of which AWS told the number.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record(
        &self,
        now: Timestamp,
        subscriptions: &BTreeMap<TopicName, SubscriptionCounts>,
    ) -> Result<SystemHealth, StoreError> {
        let mut set = vec![
            "v = if_not_exists(v, :v), installed_at = if_not_exists(installed_at, :now), last_sweep_at = :now"
                .to_owned(),
        ];
        let mut update = self.update().expression_attribute_values(":now", text(now));
        update = update.expression_attribute_values(":v", number(SCHEMA_VERSION));
        for topic in TopicName::ALL {
            let counts = subscriptions.get(topic);
            let (name, value) = (keys::topic_is_subscribed(*topic), format!(":{topic}"));
            set.push(format!("{name} = {value}"));
            let is_subscribed = counts.map(|counts| counts.confirmed > 0);
            let is_subscribed = is_subscribed.map_or(AttributeValue::Null(true), AttributeValue::Bool);
            update = update.expression_attribute_values(value, is_subscribed);
            if counts.is_some_and(|counts| counts.confirmed + counts.pending > 0) {
                // Set once and never removed, without reading the row first.
                set.push(format!("{} = :used", keys::topic_was_used(*topic)));
                update = update.expression_attribute_values(":used", AttributeValue::Bool(true));
            }
        }
        let updated =
            update.update_expression(format!("SET {}", set.join(", "))).return_values(ReturnValue::AllNew).send().await;
        let updated = updated.map_err(|error| write_failed("UpdateItem", &self.0.name, error))?;
        self.parse(&updated.attributes.unwrap_or_default())
    }

    /// Records that the notice about missing subscribers is sent at `at`, or that it was not sent: None. Returns false, and
    /// nothing is written, if `before` is no longer the time of the latest notice.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn set_subscriber_notice(
        &self,
        before: Option<Timestamp>,
        at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let update = match at {
            Some(at) => {
                let update = self.update().update_expression("SET subscriber_notice_at = :at");
                update.expression_attribute_values(":at", text(at))
            }
            None => self.update().update_expression("REMOVE subscriber_notice_at"),
        };
        let update = match before {
            Some(before) => update
                .condition_expression("subscriber_notice_at = :before")
                .expression_attribute_values(":before", text(before)),
            None => update.condition_expression("attribute_not_exists(subscriber_notice_at)"),
        };
        self.0.update_if(update).await
    }

    fn update(&self) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name);
        update.key("fingerprint", text(keys::AGE)).key("opened_at", text(keys::HEALTH))
    }

    fn parse(&self, item: &Item) -> Result<SystemHealth, StoreError> {
        let HealthRow { installed_at, last_sweep_at, subscriber_notice: subscriber_notice_at } = self.0.parse(item)?;
        let flag = |name: String| item.get(&name).and_then(|value| value.as_bool().ok()).copied();
        let topic = |topic: &TopicName| {
            let is_subscribed = flag(keys::topic_is_subscribed(*topic));
            let was_used = flag(keys::topic_was_used(*topic)).unwrap_or_default();
            (*topic, TopicHealth { is_subscribed, was_used })
        };
        let topics = TopicName::ALL.iter().map(topic).collect();
        Ok(SystemHealth { installed_at, last_sweep_at, subscriber_notice_at, topics })
    }
}
