//! SNS topics and their client.

use std::time::Duration;

use age_model::SubscriptionCounts;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::DisplayErrorContext;
use aws_sdk_sns::types::MessageAttributeValue;
use thiserror::Error;

use crate::message::{MAX_MESSAGE_BYTES, Message};

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
        let failed = |cause: String| PublishError { topic: self.arn.clone(), cause, is_message_rejected: true };
        let size = message.size_bytes();
        if size > MAX_MESSAGE_BYTES {
            return Err(failed(format!("the message has {size} bytes; SNS accepts {MAX_MESSAGE_BYTES}")));
        }
        let publish = self.client.publish().topic_arn(&self.arn).subject(&message.subject).message(message.body());
        let structure = message.depends_on_protocol().then(|| "json".to_owned());
        let mut publish = publish.set_message_structure(structure);
        for (name, value) in &message.attributes {
            let value =
                MessageAttributeValue::builder().data_type(value.data_type()).string_value(value.text()).build();
            publish = publish.message_attributes(*name, value.map_err(|error| failed(error.to_string()))?);
        }
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
        Err(PublishError { is_message_rejected, ..failed(cause) })
    }

    /// Returns the number of subscriptions to the topic.
    ///
    /// # Errors
    /// [`PublishError`] if that cannot be read.
    pub async fn subscriptions(&self) -> Result<SubscriptionCounts, PublishError> {
        let asked = self.client.get_topic_attributes().topic_arn(&self.arn).send().await;
        let failed = |cause| PublishError { topic: self.arn.clone(), cause, is_message_rejected: false };
        let attributes = asked.map_err(|error| failed(DisplayErrorContext(&error).to_string()))?.attributes;
        let attributes = attributes.unwrap_or_default();
        let number = |name: &str| attributes.get(name).and_then(|value| value.parse::<u64>().ok());
        let confirmed = number("SubscriptionsConfirmed")
            .ok_or_else(|| failed("the response lacks the number of subscriptions".to_owned()))?;
        Ok(SubscriptionCounts { confirmed, pending: number("SubscriptionsPending").unwrap_or_default() })
    }
}
