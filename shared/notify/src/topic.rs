//! SNS topics and their client.

use std::collections::HashMap;
use std::time::Duration;

use age_model::SubscriptionCounts;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::DisplayErrorContext;
use aws_sdk_sns::operation::publish_batch::PublishBatchError;
use aws_sdk_sns::types::{BatchResultErrorEntry, MessageAttributeValue, PublishBatchRequestEntry};
use thiserror::Error;

use crate::message::{Attribute, MAX_MESSAGE_BYTES, Message};

/// The most messages of one request (SNS).
const MAX_BATCH: usize = 10;

/// A message was not published, or the response was lost. The text is for logs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("publishing to {topic} failed: {cause}")]
pub struct PublishError {
    topic: String,
    /// Why, for logs and operators.
    pub cause: String,
    /// Whether the topic rejects this message; it may accept others.
    pub is_message_rejected: bool,
}

/// An SNS client with the timeouts of a request that a caller waits for. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct Sns(Client);

impl Sns {
    /// Takes credentials, region and endpoint from `aws`.
    #[must_use]
    pub fn new(aws: &SdkConfig) -> Self {
        // The event is stored by now, and its caller waits. An action that is not dispatched in time is left to the sweep.
        let timeouts = TimeoutConfig::builder()
            // The first publish of an environment also pays for the TLS connection.
            .connect_timeout(Duration::from_millis(1500))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_millis(3500))
            .build();
        let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(50));
        let config = Builder::from(aws).timeout_config(timeouts).retry_config(retries).build();
        Self(Client::from_conf(config))
    }

    /// Returns the topic with this ARN.
    #[must_use]
    pub fn topic(&self, arn: impl Into<String>) -> Topic {
        Topic { client: self.0.clone(), arn: arn.into() }
    }
}

/// An SNS topic.
#[derive(Debug, Clone)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// Publishes `message`.
    ///
    /// # Errors
    /// [`PublishError`] if the topic did not confirm it.
    pub async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.check_size(message)?;
        let publish = self.client.publish().topic_arn(&self.arn).subject(&message.subject).message(message.body());
        let structure = message.depends_on_protocol().then(|| "json".to_owned());
        let attributes = self.attributes(message)?;
        let publish = publish.set_message_structure(structure).set_message_attributes(Some(attributes));
        let Err(error) = publish.send().await else { return Ok(()) };
        let is_message_rejected = error.as_service_error().is_some_and(|error| {
            let is_invalid = error.is_invalid_parameter_exception() || error.is_invalid_parameter_value_exception();
            // SNS also says so of an ARN that is wrong, which concerns every message.
            is_invalid && !error.to_string().contains("TopicArn")
        });
        let cause = match error.as_service_error() {
            Some(refusal) if is_message_rejected => refusal.to_string(),
            _ => DisplayErrorContext(&error).to_string(),
        };
        Err(self.failed(cause, is_message_rejected))
    }

    /// Publishes `messages` in their order, several in a request. Returns the result of each.
    pub async fn publish_all(&self, messages: &[Message]) -> Vec<Result<(), PublishError>> {
        let (mut results, mut rest) = (Vec::new(), messages);
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(batch_size(rest));
            match batch {
                [message] => results.push(self.publish(message).await),
                _ => results.extend(self.publish_batch(batch).await),
            }
            rest = others;
        }
        results
    }

    /// Publishes up to [`MAX_BATCH`] messages, none of which is too large.
    async fn publish_batch(&self, batch: &[Message]) -> Vec<Result<(), PublishError>> {
        let all_failed = |error: &PublishError| batch.iter().map(|_| Err(error.clone())).collect();
        let entries = batch.iter().enumerate().map(|(place, message)| self.entry(place, message));
        let entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => return all_failed(&error),
        };
        let request = self.client.publish_batch().topic_arn(&self.arn).set_publish_batch_request_entries(Some(entries));
        let refusals = match request.send().await {
            Ok(response) => response.failed.unwrap_or_default(),
            Err(error) if error.as_service_error().is_some_and(is_refused_as_a_whole) => {
                return self.publish_each(batch).await;
            }
            Err(error) => return all_failed(&self.failed(DisplayErrorContext(&error).to_string(), false)),
        };
        let refusals: HashMap<&str, &BatchResultErrorEntry> =
            refusals.iter().map(|entry| (entry.id(), entry)).collect();
        let result = |place: usize| match refusals.get(place.to_string().as_str()) {
            None => Ok(()),
            Some(refusal) => {
                let is_message_rejected = refusal.sender_fault() && refusal.code().starts_with("InvalidParameter");
                let cause = format!("{}: {}", refusal.code(), refusal.message().unwrap_or_default());
                Err(self.failed(cause, is_message_rejected))
            }
        };
        (0..batch.len()).map(result).collect()
    }

    async fn publish_each(&self, messages: &[Message]) -> Vec<Result<(), PublishError>> {
        let mut results = Vec::new();
        for message in messages {
            results.push(self.publish(message).await);
        }
        results
    }

    fn entry(&self, place: usize, message: &Message) -> Result<PublishBatchRequestEntry, PublishError> {
        let structure = message.depends_on_protocol().then(|| "json".to_owned());
        let entry = PublishBatchRequestEntry::builder()
            .id(place.to_string())
            .subject(&message.subject)
            .message(message.body())
            .set_message_structure(structure)
            .set_message_attributes(Some(self.attributes(message)?));
        entry.build().map_err(|error| self.failed(error.to_string(), true))
    }

    fn attributes(&self, message: &Message) -> Result<HashMap<String, MessageAttributeValue>, PublishError> {
        let attribute = |(name, value): (&&str, &Attribute)| {
            let value =
                MessageAttributeValue::builder().data_type(value.data_type()).string_value(value.text()).build();
            Ok(((*name).to_owned(), value.map_err(|error| self.failed(error.to_string(), true))?))
        };
        message.attributes.iter().map(attribute).collect()
    }

    fn check_size(&self, message: &Message) -> Result<(), PublishError> {
        let size = message.size_bytes();
        if size > MAX_MESSAGE_BYTES {
            let cause = format!("the message has {size} bytes; SNS accepts {MAX_MESSAGE_BYTES}");
            return Err(self.failed(cause, true));
        }
        Ok(())
    }

    fn failed(&self, cause: String, is_message_rejected: bool) -> PublishError {
        PublishError { topic: self.arn.clone(), cause, is_message_rejected }
    }

    /// Returns the number of subscriptions to the topic.
    ///
    /// # Errors
    /// [`PublishError`] if that cannot be read.
    pub async fn subscriptions(&self) -> Result<SubscriptionCounts, PublishError> {
        let asked = self.client.get_topic_attributes().topic_arn(&self.arn).send().await;
        let failed = |cause| self.failed(cause, false);
        let attributes = asked.map_err(|error| failed(DisplayErrorContext(&error).to_string()))?.attributes;
        let attributes = attributes.unwrap_or_default();
        let number = |name: &str| attributes.get(name).and_then(|value| value.parse::<u64>().ok());
        let confirmed = number("SubscriptionsConfirmed")
            .ok_or_else(|| failed("the response lacks the number of subscriptions".to_owned()))?;
        Ok(SubscriptionCounts { confirmed, pending: number("SubscriptionsPending").unwrap_or_default() })
    }
}

/// Whether SNS may accept the messages of a refused batch one by one. Emulators of IAM ask for a permission of batches, which AWS grants
/// together with `sns:Publish`.
fn is_refused_as_a_whole(error: &PublishBatchError) -> bool {
    error.is_authorization_error_exception()
        || error.is_batch_request_too_long_exception()
        || error.is_invalid_parameter_exception()
        || error.is_invalid_parameter_value_exception()
}

/// Returns how many of `messages`, at least one, go into one request: as many as its limits allow. A message that is too large is alone.
fn batch_size(messages: &[Message]) -> usize {
    let mut bytes = 0_usize;
    let fitting = messages.iter().take(MAX_BATCH).take_while(|message| {
        bytes = bytes.saturating_add(message.size_bytes());
        bytes <= MAX_MESSAGE_BYTES
    });
    fitting.count().max(1)
}
