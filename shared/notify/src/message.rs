//! Messages to the subscribers of a topic.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The largest message that SNS accepts, in bytes, with its attributes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 262_144;

/// The longest subject (SNS): fewer than 100 characters of printable ASCII.
const MAX_SUBJECT_CHARS: usize = 99;

/// A message for a topic's subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject of the e-mail.
    pub(crate) subject: String,
    /// The text, for people, and for machines unless there is `json`.
    pub(crate) text: String,
    /// The text for machines.
    pub(crate) json: Option<String>,
    /// The attributes that subscribers can filter by.
    pub(crate) attributes: BTreeMap<&'static str, Attribute>,
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
    /// A message whose `text` is for people and machines.
    pub(crate) fn new(subject: &str, text: String) -> Self {
        Self { subject: subject_line(subject), text, json: None, attributes: BTreeMap::new() }
    }

    /// Returns what is published: the text, or a JSON object with the text of each protocol.
    pub(crate) fn body(&self) -> Cow<'_, str> {
        let Some(json) = &self.json else { return Cow::Borrowed(&self.text) };
        let by_protocol = serde_json::json!({
            "default": self.text, "sqs": json, "lambda": json, "http": json, "https": json, "firehose": json,
        });
        Cow::Owned(by_protocol.to_string())
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

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
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
    use super::*;

    #[test]
    fn subject_is_cut_and_printable_ascii() {
        assert_eq!(subject_line("[AGE] échec\r\nBcc: x"), "[AGE] ?chec??Bcc: x");
        assert_eq!(subject_line(&"x".repeat(500)).len(), MAX_SUBJECT_CHARS);
    }
}
