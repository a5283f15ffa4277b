//! The messages of AGE in its contract: their schemas, a webhook of each topic, and the `AsyncAPI` document.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::action_message::ActionRequest;
use crate::credential_message::CredentialsContent;
use crate::message::{SCHEMA_VERSION, TextForPeople};
use crate::notification_json::NotificationContent;
use crate::policy_message::PolicyActivationContent;
use crate::subscriber_notice::MissingSubscribersContent;

const SCHEMAS: &str = "#/components/schemas/";

/// The schemas of what messages contain besides the fields that all have.
#[derive(Debug, OpenApi)]
#[openapi(components(schemas(
    TextForPeople<'static>,
    ActionRequest<'static>,
    NotificationContent<'static>,
    CredentialsContent<'static>,
    PolicyActivationContent<'static>,
    MissingSubscribersContent<'static>,
    age_model::Report,
)))]
pub struct Contract;

/// A type of messages.
struct MessageSchema {
    name: &'static str,
    /// The value of `type`.
    message_type: &'static str,
    /// The schema of the fields of this type alone.
    content: &'static str,
    has_text: bool,
    description: &'static str,
}

const ACTION_REQUEST: MessageSchema = MessageSchema {
    name: "ActionRequestMessage",
    message_type: "action_request",
    content: "ActionRequest",
    has_text: false,
    description: "A request to a worker to carry out an action. The same request may be delivered more than once, with the same `id`.",
};
const NOTIFICATION: MessageSchema = MessageSchema {
    name: "NotificationMessage",
    message_type: "notification",
    content: "NotificationContent",
    has_text: true,
    description: "Incidents, and approvals of actions and of operations, of which people are notified.",
};
const CREDENTIALS: MessageSchema = MessageSchema {
    name: "CredentialsMessage",
    message_type: "credentials",
    content: "CredentialsContent",
    has_text: true,
    description: "Credentials that expire or have expired, or that an operator made.",
};
const POLICY_ACTIVATION: MessageSchema = MessageSchema {
    name: "PolicyActivationMessage",
    message_type: "policy_activation",
    content: "PolicyActivationContent",
    has_text: true,
    description: "A policy version was activated.",
};
const MISSING_SUBSCRIBERS: MessageSchema = MessageSchema {
    name: "MissingSubscribersMessage",
    message_type: "missing_subscribers",
    content: "MissingSubscribersContent",
    has_text: true,
    description: "Topics whose messages nobody receives.",
};
const REPORT: MessageSchema = MessageSchema {
    name: "ReportMessage",
    message_type: "report",
    content: "Report",
    has_text: true,
    description: "The weekly report.",
};

/// The attributes of a message, by name: the data type of SNS, and the meaning.
type Attributes = &'static [(&'static str, &'static str, &'static str)];

/// A topic, and the messages that it has.
struct TopicContract {
    /// The name of the webhook and of the channel.
    name: &'static str,
    operation: &'static str,
    /// The output of the template that has the ARN.
    output: &'static str,
    summary: &'static str,
    messages: &'static [MessageSchema],
    attributes: Attributes,
}

const OF_NOTIFICATIONS: Attributes = &[
    ("engine", "String.Array", "The engines that the message is about. Absent if it is about none."),
    ("action", "String", "`notify_admin`. Only of type `notification`."),
    ("severity", "String", "The highest severity. Only of type `notification`."),
];

const TOPICS: &[TopicContract] = &[
    TopicContract {
        name: "actions",
        operation: "receive_action_request",
        output: "ActionsTopicArn",
        summary: "Requests to workers to carry out actions",
        messages: &[ACTION_REQUEST],
        attributes: &[
            ("engine", "String", "The engine whose worker carries out the action."),
            ("action", "String", "The action."),
            ("severity", "String", "The severity of the event."),
        ],
    },
    TopicContract {
        name: "notifications",
        operation: "receive_notification",
        output: "NotificationsTopicArn",
        summary: "Notifications to the first line",
        messages: &[NOTIFICATION, CREDENTIALS, POLICY_ACTIVATION, MISSING_SUBSCRIBERS],
        attributes: OF_NOTIFICATIONS,
    },
    TopicContract {
        name: "second_line",
        operation: "receive_escalation",
        output: "SecondLineTopicArn",
        summary: "Escalations to the second line",
        messages: &[NOTIFICATION],
        attributes: OF_NOTIFICATIONS,
    },
    TopicContract {
        name: "reports",
        operation: "receive_report",
        output: "ReportsTopicArn",
        summary: "Weekly reports",
        messages: &[REPORT],
        attributes: &[],
    },
];

/// Adds the schemas of all messages and a webhook of each topic to `contract`, an `OpenAPI` document that has the schemas of [`Contract`].
pub fn add_webhooks(contract: &mut Value) {
    if let Some(schemas) = contract.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        let messages = TOPICS.iter().flat_map(|topic| topic.messages);
        schemas.extend(messages.map(|message| (message.name.to_owned(), message.schema())));
    }
    let webhooks: Map<String, Value> = TOPICS.iter().map(|topic| (topic.name.to_owned(), topic.webhook())).collect();
    if let Some(contract) = contract.as_object_mut() {
        contract.insert("webhooks".to_owned(), webhooks.into());
    }
}

/// Returns the `AsyncAPI` document of the topics, with the schemas of `contract`.
#[must_use]
pub fn asyncapi(contract: &Value) -> Value {
    let by_name = |of: fn(&TopicContract) -> Value| -> Map<String, Value> {
        TOPICS.iter().map(|topic| (topic.name.to_owned(), of(topic))).collect()
    };
    let operations: Map<String, Value> =
        TOPICS.iter().map(|topic| (topic.operation.to_owned(), topic.async_operation())).collect();
    json!({
        "asyncapi": "3.1.0",
        "info": {
            "title": "Messages of AGE, the Autonomous Governance Engine",
            "version": contract.pointer("/info/version"),
            "description": "AGE publishes to SNS topics. Every message for machines is JSON with `schemaVersion` and `type`. Fields may be \
                            added under the same `schemaVersion`; it changes when a field changes or goes.",
            "license": { "name": "MIT" },
            "contact": contract.pointer("/info/contact"),
            "tags": [{ "name": "Messages" }],
        },
        "servers": {
            "sns": {
                "host": "sns.{region}.amazonaws.com",
                "protocol": "sns",
                "description": "SNS of the region in which AGE is deployed.",
                "variables": { "region": { "default": "us-east-1" } },
            },
        },
        "defaultContentType": "application/json",
        "channels": by_name(TopicContract::channel),
        "operations": operations,
        "components": { "schemas": contract.pointer("/components/schemas") },
    })
}

impl MessageSchema {
    fn reference(&self) -> Value {
        json!({ "$ref": format!("{SCHEMAS}{}", self.name) })
    }

    fn schema(&self) -> Value {
        let common = json!({
            "type": "object",
            "required": ["schemaVersion", "type"],
            "properties": {
                "schemaVersion": {
                    "type": "integer",
                    "enum": [SCHEMA_VERSION],
                    "description": "Fields may be added under the same number; it changes when a field changes or goes.",
                },
                "type": { "type": "string", "enum": [self.message_type] },
            },
        });
        let text = self.has_text.then(|| json!({ "$ref": format!("{SCHEMAS}TextForPeople") }));
        let content = json!({ "$ref": format!("{SCHEMAS}{}", self.content) });
        let parts: Vec<Value> = [common].into_iter().chain(text).chain([content]).collect();
        json!({ "description": self.description, "allOf": parts })
    }
}

impl TopicContract {
    /// Returns the schema of all messages of the topic.
    fn schema(&self) -> Value {
        if let [only] = self.messages {
            return only.reference();
        }
        let mapping: Map<String, Value> = self
            .messages
            .iter()
            .map(|message| (message.message_type.to_owned(), format!("{SCHEMAS}{}", message.name).into()))
            .collect();
        json!({
            "oneOf": self.messages.iter().map(MessageSchema::reference).collect::<Vec<_>>(),
            "discriminator": { "propertyName": "type", "mapping": mapping },
        })
    }

    fn description(&self) -> String {
        let attributes =
            self.attributes.iter().map(|(name, data_type, meaning)| format!("\n- `{name}` ({data_type}): {meaning}"));
        let attributes: String = attributes.collect();
        let attributes = if attributes.is_empty() {
            "The messages have no attributes.".to_owned()
        } else {
            format!("Message attributes, by which a subscription can filter:\n{attributes}")
        };
        format!(
            "The SNS topic whose ARN is the output `{}` of the template. Subscribe a queue, a function or an HTTPS endpoint: `Message` of \
             the SNS envelope, or the body with raw message delivery, is this JSON.\n\n{attributes}",
            self.output
        )
    }

    fn webhook(&self) -> Value {
        json!({
            "post": {
                "operationId": self.operation,
                "tags": ["Messages"],
                "summary": self.summary,
                "description": self.description(),
                "security": [],
                "requestBody": { "required": true, "content": { "application/json": { "schema": self.schema() } } },
                "responses": { "200": { "description": "The subscriber has the message. SNS delivers it again after any other answer." } },
            },
        })
    }

    fn channel(&self) -> Value {
        let attributes: Map<String, Value> = self
            .attributes
            .iter()
            .map(|(name, data_type, meaning)| {
                let text = format!("{meaning} SNS data type: {data_type}.");
                ((*name).to_owned(), json!({ "type": "string", "description": text }))
            })
            .collect();
        let message = |message: &MessageSchema| {
            let value = json!({
                "name": message.name,
                "title": message.description,
                "contentType": "application/json",
                "headers": { "type": "object", "properties": attributes },
                "payload": message.reference(),
            });
            (message.message_type.to_owned(), value)
        };
        json!({
            "address": null,
            "title": self.summary,
            "description": self.description(),
            "messages": self.messages.iter().map(message).collect::<Map<_, _>>(),
        })
    }

    fn async_operation(&self) -> Value {
        json!({
            "action": "send",
            "channel": { "$ref": format!("#/channels/{}", self.name) },
            "summary": self.summary,
            "description": self.description(),
        })
    }
}
