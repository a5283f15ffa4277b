//! Text of others in chats: visible, without links, and without what chat programs replace or notify people by.

use age_model::{shortened, visible_line, visible_text};

use crate::defang::defanged;

/// Returns up to `max` characters of what others wrote, in lines, without links, mentions and placeholders.
pub(crate) fn foreign_text(words: &str, max: usize) -> String {
    harmless(&visible_text(words.trim()), max)
}

/// As [`foreign_text`], on one line.
pub(crate) fn foreign_line(words: &str, max: usize) -> String {
    harmless(&visible_line(words.trim()), max)
}

/// The text is shortened first as well: defanging takes time by its length.
fn harmless(text: &str, max: usize) -> String {
    shortened(&without_placeholders(&defanged(&shortened(text, max))), max)
}

/// Returns `text` with every `@` in brackets, so that none mentions a person or a group, and without `{{` and `${`, which begin
/// placeholders of Adaptive Cards such as `{{DATE(…)}}`.
fn without_placeholders(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '@' if !(safe.ends_with('[') && characters.peek() == Some(&']')) => safe.push_str("[@]"),
            '{' if safe.ends_with(['{', '$']) => safe.push_str(" {"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_and_placeholders_are_broken() {
        for (text, expected) in [
            ("@channel and @here", "[@]channel and [@]here"),
            ("ops@evil.example", "ops[@]evil[.]example"),
            ("{{DATE(2026-11-23)}} ${name}", "{ {DATE(2026-11-23)}} $ {name}"),
            ("{{{{", "{ { { {"),
            (r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#),
            ("<@U123>", "<[@]U123>"),
        ] {
            assert_eq!(foreign_line(text, 100), expected);
        }
    }

    #[test]
    fn line_has_no_line_feed_and_text_keeps_its_own() {
        assert_eq!(foreign_line("a\nb", 100), "a[U+000A]b");
        assert_eq!(foreign_text("a\nb\u{202e}", 100), "a\nb[U+202E]");
        assert_eq!(foreign_text(&"@".repeat(100), 10).chars().count(), 10);
    }
}
