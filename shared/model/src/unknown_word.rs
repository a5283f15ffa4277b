//! Words of a later version: an enum value that this version does not know is kept as text.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The most bytes of a word that is kept.
const MAX_BYTES: usize = 64;

/// The most words that one process keeps. Later versions add some tens.
const MAX_WORDS: usize = 512;

/// The most words that requests may add, so that a caller who guesses names leaves room for the words of stored rows.
const MAX_REQUESTED_WORDS: usize = 128;

/// Stands for a word that is too long, not visible, or one too many. No enum and no engine has this name.
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
        Self(WORDS.keep(text, MAX_WORDS))
    }

    /// Keeps `text`, the word of a request. Requests add at most 128 words.
    pub(crate) fn requested(text: &str) -> Self {
        Self(WORDS.keep(text, MAX_REQUESTED_WORDS))
    }

    /// Returns the word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl KeptWords {
    /// Returns `text`, which is kept from now on, unless as many as `most` are kept already.
    fn keep(&self, text: &str, most: usize) -> &'static str {
        let is_visible = |character: char| !character.is_control() && !character.is_whitespace();
        if text.is_empty() || text.len() > MAX_BYTES || !text.chars().all(is_visible) {
            return NOT_KEPT;
        }
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = words.get(text) {
            return word;
        }
        if words.len() >= most {
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
        let kept = (0..MAX_REQUESTED_WORDS + 5).filter(|number| {
            let guess = format!("guess_{number}");
            words.keep(&guess, MAX_REQUESTED_WORDS) == guess
        });
        assert_eq!(kept.count(), MAX_REQUESTED_WORDS);
        assert_eq!(words.keep("of_a_row", MAX_WORDS), "of_a_row");
        let kept = (0..MAX_WORDS).filter(|number| {
            let word = format!("word_{number}");
            words.keep(&word, MAX_WORDS) == word
        });
        assert_eq!(kept.count(), MAX_WORDS - MAX_REQUESTED_WORDS - 1);
        assert_eq!(words.keep("of_a_row", MAX_WORDS), "of_a_row");
    }
}
