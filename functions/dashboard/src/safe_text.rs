//! Texts of engines and people, as pages show them.

use std::fmt;

/// A text of an engine or a person. Characters that would reorder or hide the text around them are shown as `[U+202E]`; the
/// template escapes the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SafeText(String);

impl SafeText {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the pieces between which a long name may break: each ends with `separator`.
    pub(crate) fn breakable_parts(&self, separator: char) -> impl Iterator<Item = Self> {
        self.0.split_inclusive(separator).map(Self::new)
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&age_model::visible_text(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_character_is_shown_by_its_number() {
        assert_eq!(SafeText::new("a\u{202e}b\u{0}c\nd é ש").to_string(), "a[U+202E]b[U+0000]c\nd é ש");
    }

    #[test]
    fn name_breaks_after_separators() {
        let parts = |text: &str, separator| {
            SafeText::new(text).breakable_parts(separator).map(|part| part.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(parts("ledger_sync\u{202e}_failed", '_'), ["ledger_", "sync[U+202E]_", "failed"]);
        assert_eq!(parts("a_b.example", '.'), ["a_b.", "example"]);
        assert_eq!(parts("plain", '_'), ["plain"]);
    }
}
