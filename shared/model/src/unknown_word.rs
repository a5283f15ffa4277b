//! Words of a later version: an enum value that this version does not know is kept as text.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The most bytes of a word that is kept.
const MAX_BYTES: usize = 64;

/// The most words that one process keeps. Later versions add some tens.
const MAX_WORDS: usize = 512;

/// Stands for a word that is too long, not visible, or one too many. No enum has this name.
const NOT_KEPT: &str = "(unknown)";

static WORDS: KeptWords = KeptWords(Mutex::new(BTreeSet::new()));

/// The words that are kept, each once.
struct KeptWords(Mutex<BTreeSet<&'static str>>);

/// An enum value of a stored row or of an API response that this version does not know, as its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownWord(&'static str);

impl UnknownWord {
    /// Keeps `text`, the word of a stored row or of an API response. A word of more than 64 bytes, with invisible characters,
    /// or after 512 others is `(unknown)`.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(WORDS.keep(text))
    }

    /// Returns the word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl KeptWords {
    /// Returns `text`, which is kept from now on, unless as many as [`MAX_WORDS`] are kept already.
    fn keep(&self, text: &str) -> &'static str {
        let is_visible = |character: char| !character.is_control() && !character.is_whitespace();
        if text.is_empty() || text.len() > MAX_BYTES || !text.chars().all(is_visible) {
            return NOT_KEPT;
        }
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = words.get(text) {
            return word;
        }
        if words.len() >= MAX_WORDS {
            return NOT_KEPT;
        }
        // INVARIANT: at most MAX_WORDS texts of MAX_BYTES are leaked.
        let word: &'static str = Box::leak(text.into());
        words.insert(word);
        word
    }
}

impl fmt::Debug for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_once_and_bounded() {
        assert_eq!(UnknownWord::stored("snoozed"), UnknownWord::stored("snoozed"));
        assert_ne!(UnknownWord::stored("snoozed"), UnknownWord::stored("delegated"));
        for text in ["", " ", "a b", "a\nb", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(UnknownWord::stored(text).as_str(), NOT_KEPT, "{text:?}");
        }
        let words = KeptWords(Mutex::default());
        assert_eq!(words.keep("of_a_row"), "of_a_row");
        let kept = (0..MAX_WORDS).filter(|number| {
            let word = format!("word_{number}");
            words.keep(&word) == word
        });
        assert_eq!(kept.count(), MAX_WORDS - 1);
        assert_eq!(words.keep("of_a_row"), "of_a_row");
    }
}
