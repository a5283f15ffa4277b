//! What is published.

use std::collections::{BTreeMap, BTreeSet};

/// SNS takes fewer than 100 characters of ASCII, none of them a control.
const MAX_SUBJECT_CHARS: usize = 99;

/// A message for a topic's subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject of the e-mail.
    pub(crate) subject: String,
    /// The text, for people and for machines alike unless there is a `json`.
    pub(crate) text: String,
    /// What machines get instead of the text.
    pub(crate) json: Option<String>,
    /// What subscribers filter by.
    pub(crate) attributes: BTreeMap<&'static str, Attribute>,
}

/// What a subscriber may filter by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// One word.
    One(String),
    /// Several, of which a filter may name any.
    Any(BTreeSet<String>),
}

impl Message {
    /// A message that everybody gets as `text`.
    pub(crate) fn new(subject: &str, text: String) -> Self {
        Self { subject: subject_line(subject), text, json: None, attributes: BTreeMap::new() }
    }

    /// The subject of the e-mail.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The text as SNS takes a subject. What is not printable ASCII becomes `?`: a message without it would be refused.
fn subject_line(text: &str) -> String {
    let printable = |character: char| if (' '..='~').contains(&character) { character } else { '?' };
    let line: String = text.chars().map(printable).take(MAX_SUBJECT_CHARS).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_what_sns_takes() {
        assert_eq!(subject_line("[AGE] échec\r\nBcc: x"), "[AGE] ?chec??Bcc: x");
        assert_eq!(subject_line(&"x".repeat(500)).len(), MAX_SUBJECT_CHARS);
    }
}
