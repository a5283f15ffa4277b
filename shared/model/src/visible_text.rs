//! Texts of engines, workers and people, made safe to show beside AGE's own.

use std::fmt::Write;

/// Returns `text` with every character that is [hidden](is_hidden) shown by its number, such as `[U+202E]`. Line feeds stay.
#[must_use]
pub fn visible_text(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_hidden(character) {
            // Writing to a string cannot fail.
            let _ = write!(visible, "[U+{:04X}]", u32::from(character));
        } else {
            visible.push(character);
        }
    }
    visible
}

/// Returns the first `max` characters of `text`, the last of them an ellipsis if `text` is longer.
#[must_use]
pub fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Whether a character reorders the text around it, breaks a line, or shows nothing: control characters, and those that
/// Unicode ignores by default or that fonts show as blank. Variation selectors do not count: they only style what precedes.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_character_is_shown_by_its_number() {
        assert_eq!(visible_text("a\u{202e}b\u{0}\u{200d}c\nd é ש"), "a[U+202E]b[U+0000][U+200D]c\nd é ש");
    }

    #[test]
    fn long_text_is_shortened_between_characters() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("éééé", 3), "éé…");
    }
}
