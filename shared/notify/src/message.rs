//! Messages to the subscribers of a topic.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

/// The version of the schemas of all messages. Fields may be added under the same number; it changes when a field changes or goes.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The largest message that SNS accepts, in bytes, with its attributes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 262_144;

/// The most bytes of the attributes of a message: the names of all engines that were ever known.
const MAX_ATTRIBUTES_BYTES: usize = 6_000;

/// The longest subject (SNS): fewer than 100 characters of printable ASCII.
const MAX_SUBJECT_CHARS: usize = 99;

/// A message for a topic's subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject of the e-mail.
    pub(crate) subject: String,
    /// The text for people. Empty if only machines read the message.
    pub(crate) text: String,
    /// The text for machines. None if people alone read the message.
    pub(crate) json: Option<String>,
    /// The attributes that subscribers can filter by.
    pub(crate) attributes: BTreeMap<&'static str, Attribute>,
}

/// The type of a message, by which machines choose its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageType {
    ActionRequest,
    Notification,
    Credentials,
    PolicyActivation,
    MissingSubscribers,
    Report,
}

/// The JSON of a message: the fields of all messages, and those of its type.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a, C> {
    schema_version: u32,
    #[serde(rename = "type")]
    message_type: MessageType,
    #[serde(flatten)]
    text: Option<TextForPeople<'a>>,
    #[serde(flatten)]
    content: &'a C,
}

/// The text of a message for people, within its JSON.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TextForPeople<'a> {
    /// The subject of the e-mail: fewer than 100 characters of printable ASCII.
    subject: &'a str,
    /// The text of the e-mail, in lines. Texts of engines and workers are quoted in lines that begin with `  > `. Absent if the message
    /// would be too large for SNS with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<&'a str>,
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// One value.
    One(String),
    /// Several values; a filter matches if it names one of them.
    Any(BTreeSet<String>),
}

impl Attribute {
    /// Returns the data type as SNS names it.
    pub(crate) const fn data_type(&self) -> &'static str {
        match self {
            Self::One(_) => "String",
            Self::Any(_) => "String.Array",
        }
    }

    /// Returns the value as SNS takes it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::One(word) => word.clone(),
            Self::Any(words) => serde_json::json!(words).to_string(),
        }
    }
}

impl Message {
    /// A message with `text` for people, and the same as JSON for machines: `content` and the text.
    pub(crate) fn new(message_type: MessageType, subject: &str, text: String, content: &impl Serialize) -> Self {
        let mut message = Self { subject: subject_line(subject), text, json: None, attributes: BTreeMap::new() };
        message.json = message.json_of(message_type, Some(&message.text), content);
        if message.size_bytes() > MAX_MESSAGE_BYTES - MAX_ATTRIBUTES_BYTES {
            message.json = message.json_of(message_type, None, content);
        }
        message
    }

    fn json_of(&self, message_type: MessageType, text: Option<&str>, content: &impl Serialize) -> Option<String> {
        let text = Some(TextForPeople { subject: &self.subject, text });
        // INVARIANT: AGE's own content is always serializable. If it were not, people would be notified all the same.
        serde_json::to_string(&Json { schema_version: SCHEMA_VERSION, message_type, text, content }).ok()
    }

    /// A message that only machines read.
    ///
    /// # Errors
    /// If `content` cannot be serialized.
    pub(crate) fn for_machines(
        message_type: MessageType,
        subject: &str,
        content: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let json = Json { schema_version: SCHEMA_VERSION, message_type, text: None, content };
        let json = Some(serde_json::to_string(&json)?);
        Ok(Self { subject: subject_line(subject), text: String::new(), json, attributes: BTreeMap::new() })
    }

    /// A message of which the text is all.
    pub(crate) fn text_only(subject: &str, text: String) -> Self {
        Self { subject: subject_line(subject), text, json: None, attributes: BTreeMap::new() }
    }

    /// Whether subscribers get different texts, depending on the protocol of their subscription.
    pub(crate) const fn depends_on_protocol(&self) -> bool {
        self.json.is_some() && !self.text.is_empty()
    }

    /// Returns what is published: the text, or a JSON object with the text of each protocol. People get e-mails and text messages,
    /// machines everything else.
    pub(crate) fn body(&self) -> Cow<'_, str> {
        match &self.json {
            None => Cow::Borrowed(&self.text),
            Some(json) if self.text.is_empty() => Cow::Borrowed(json),
            Some(json) => {
                Cow::Owned(serde_json::json!({ "default": json, "email": self.text, "sms": self.subject }).to_string())
            }
        }
    }

    /// Returns the size of the message as SNS counts it, in bytes: what is published, and the attributes.
    pub(crate) fn size_bytes(&self) -> usize {
        let attribute = |(name, value): (&&str, &Attribute)| name.len() + value.data_type().len() + value.text().len();
        self.body().len() + self.attributes.iter().map(attribute).sum::<usize>()
    }

    /// Returns the subject of the e-mail.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the text for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text for machines; of a message without one, the text for people.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.as_deref().unwrap_or(&self.text)
    }
}

/// Makes `text` a subject that SNS accepts: characters other than printable ASCII become `?`, and it is cut.
fn subject_line(text: &str) -> String {
    let printable = |character: char| if (' '..='~').contains(&character) { character } else { '?' };
    let line: String = text.chars().map(printable).take(MAX_SUBJECT_CHARS).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn subject_is_cut_and_printable_ascii() {
        assert_eq!(subject_line("[AGE] échec\r\nBcc: x"), "[AGE] ?chec??Bcc: x");
        assert_eq!(subject_line(&"x".repeat(500)).len(), MAX_SUBJECT_CHARS);
    }

    #[test]
    fn people_get_the_text_and_machines_the_json() {
        let content = json!({ "n": 1 });
        let message = Message::new(MessageType::Credentials, "[AGE] a", "line\n".to_owned(), &content);
        let body: Value = serde_json::from_str(&message.body()).unwrap();
        assert_eq!((&body["email"], &body["sms"]), (&json!("line\n"), &json!("[AGE] a")));
        let machine: Value = serde_json::from_str(body["default"].as_str().unwrap()).unwrap();
        assert_eq!(
            machine,
            json!({ "schemaVersion": 1, "type": "credentials", "subject": "[AGE] a", "text": "line\n", "n": 1 })
        );
    }

    #[test]
    fn json_lacks_the_text_that_does_not_fit() {
        let text = "x".repeat(MAX_MESSAGE_BYTES * 2 / 3);
        let message = Message::new(MessageType::Notification, "[AGE] a", text.clone(), &json!({ "n": 1 }));
        assert!(message.size_bytes() <= MAX_MESSAGE_BYTES, "{}", message.size_bytes());
        let machine: Value = serde_json::from_str(message.json()).unwrap();
        assert_eq!(machine, json!({ "schemaVersion": 1, "type": "notification", "subject": "[AGE] a", "n": 1 }));
        assert_eq!(message.text(), text);
    }

    #[test]
    fn message_for_machines_is_the_same_for_every_protocol() {
        let message = Message::for_machines(MessageType::ActionRequest, "[AGE] a", &json!({ "n": 1 })).unwrap();
        assert!(!message.depends_on_protocol());
        let body: Value = serde_json::from_str(&message.body()).unwrap();
        assert_eq!(body, json!({ "schemaVersion": 1, "type": "action_request", "n": 1 }));
    }
}
