//! Messages of a queue, and which of them are to be received again.

use age_model::Timestamp;
use serde::{Deserialize, Serialize};

/// The event of a queue or of a schedule. A schedule has no messages.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct QueueEvent {
    #[serde(rename = "Records", default)]
    records: Vec<QueueMessage>,
}

/// A message of a queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMessage {
    message_id: String,
    /// The text of the message.
    pub body: String,
    attributes: QueueAttributes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueAttributes {
    /// Milliseconds since 1970.
    sent_timestamp: String,
}

impl QueueEvent {
    /// Returns the messages in their order.
    #[must_use]
    pub fn messages(&self) -> &[QueueMessage] {
        &self.records
    }
}

impl QueueMessage {
    /// Returns the id that SQS gave the message.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.message_id
    }

    /// Returns when the message was sent to the queue: the same whenever it is received again. The beginning of 1970 if SQS did not say.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        Timestamp::from_millis(self.attributes.sent_timestamp.parse().unwrap_or(0))
    }
}

/// The response to the event of a queue: the messages that are to be received again.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueResponse {
    batch_item_failures: Vec<QueueFailure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueFailure {
    item_identifier: String,
}

impl QueueResponse {
    /// Has `message` received again.
    pub fn add_failure(&mut self, message: &QueueMessage) {
        self.batch_item_failures.push(QueueFailure { item_identifier: message.message_id.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_of_a_queue_has_messages_and_that_of_a_schedule_none() {
        let event = serde_json::json!({ "Records": [{
            "messageId": "m-1", "receiptHandle": "x", "body": "{}", "eventSource": "aws:sqs",
            "attributes": { "SentTimestamp": "1795403565000", "ApproximateReceiveCount": "1" },
        }] });
        let event: QueueEvent = serde_json::from_value(event).unwrap();
        let [message] = event.messages() else { panic!("{event:?}") };
        assert_eq!((message.body.as_str(), message.sent_at().millis()), ("{}", 1_795_403_565_000));
        let mut response = QueueResponse::default();
        response.add_failure(message);
        let expected = serde_json::json!({ "batchItemFailures": [{ "itemIdentifier": "m-1" }] });
        assert_eq!(serde_json::to_value(response).unwrap(), expected);
        assert!(serde_json::from_str::<QueueEvent>("{}").unwrap().messages().is_empty());
    }
}
