//! Idempotency keys, by which repeated events are recognized.

use std::str::FromStr;

use thiserror::Error;

use crate::content_hash;

const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// A name that the caller gives an event, so that a repeat is recognized: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

/// The text is not an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 1 to {MAX_IDEMPOTENCY_KEY_BYTES} printable ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// Returns the key of an event that the format `origin` identifies by `parts`. The parts may contain any text.
    #[must_use]
    pub fn of(origin: &str, parts: &[&str]) -> Self {
        Self(format!("{origin}/{}", content_hash::of(parts)))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let fits = (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&text.len());
        if printable && fits { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
