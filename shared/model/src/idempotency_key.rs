//! Idempotency keys, by which repeated events are recognized.

use std::str::FromStr;

use thiserror::Error;

use crate::content_hash;

const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// A name by which a repeat of an event is recognized. Its namespace is the engine and what has chosen the name: the caller, or an
/// intake, which makes it of the fields of its format.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdempotencyKey {
    /// None: the caller has chosen the name.
    intake: Option<&'static str>,
    name: String,
}

/// The text is not an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 1 to {MAX_IDEMPOTENCY_KEY_BYTES} printable ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// Returns the key of an event that `intake` identifies by `parts`. The parts may contain any text.
    #[must_use]
    pub fn of_intake(intake: &'static str, parts: &[&str]) -> Self {
        Self { intake: Some(intake), name: content_hash::of(parts) }
    }

    /// Returns the name, without its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a text that no other key has.
    #[must_use]
    pub(crate) fn unique_text(&self) -> String {
        // INVARIANT: neither the name of a caller nor that of an intake contains a line feed.
        format!("{}\n{}", self.intake.unwrap_or_default(), self.name)
    }
}

/// A name that a caller chooses: 1 to 255 printable ASCII characters.
impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let fits = (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&text.len());
        if printable && fits { Ok(Self { intake: None, name: text.to_owned() }) } else { Err(InvalidIdempotencyKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_callers_and_of_each_intake_are_apart() {
        let name = content_hash::of(["a"]);
        let of_caller = |text: &str| text.parse::<IdempotencyKey>().unwrap().unique_text();
        let of_intake = IdempotencyKey::of_intake("cloudevents", &["a"]).unique_text();
        assert_ne!(of_intake, IdempotencyKey::of_intake("alertmanager", &["a"]).unique_text());
        for text in [name.clone(), format!("cloudevents/{name}"), format!("cloudevents {name}")] {
            assert_ne!(of_caller(&text), of_intake, "{text}");
        }
    }

    #[test]
    fn idempotency_key_is_1_to_255_printable_ascii_characters() {
        for good in ["a", "order 17/4", "~", &"k".repeat(255)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good}");
        }
        for bad in ["", "é", "a\tb", "a\u{7f}", &"k".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }
}
