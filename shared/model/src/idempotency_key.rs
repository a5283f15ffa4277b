//! The name under which a repeated event is recognized.

use std::str::FromStr;

use thiserror::Error;

use crate::digest;

const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// What a caller names an event by, so that a repeat is known as one: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A text that is not an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 1 to {MAX_IDEMPOTENCY_KEY_BYTES} printable ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The key of what `origin` names by `parts`, whatever they hold.
    #[must_use]
    pub fn of(origin: &str, parts: &[&str]) -> Self {
        Self(format!("{origin}/{}", digest::of(parts)))
    }

    /// The text.
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
    fn keys_are_printable_ascii() {
        for good in ["a", "order 17/4", "~", &"k".repeat(255)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good}");
        }
        for bad in ["", "é", "a\tb", "a\u{7f}", &"k".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }
}
