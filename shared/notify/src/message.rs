//! Messages to the subscribers of a topic.

use std::collections::{BTreeMap, BTreeSet};

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

impl Message {
    /// A message whose `text` is for people and machines.
    pub(crate) fn new(subject: &str, text: String) -> Self {
        Self { subject: subject_line(subject), text, json: None, attributes: BTreeMap::new() }
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
