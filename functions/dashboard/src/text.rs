//! What others wrote, as a page shows it.

use std::fmt::{self, Write};

/// A text of others. Characters that would reorder or hide what stands around them are shown by their numbers; the template
/// escapes the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown(String);

impl Shown {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_deceptive(character) {
                write!(f, "[U+{:04X}]", u32::from(character))?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// The joiners U+200C and U+200D stay: words and emoji need them.
fn is_deceptive(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name of ours in words: `critical_event` is `critical event`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// `number` with what it counts, such as `1 event` or `2 events`.
pub(crate) fn count(number: u64, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// How long `seconds` are, roughly: the two largest units.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_shown_by_its_number() {
        assert_eq!(Shown::new("a\u{202e}b\u{0}c\nd é ש").to_string(), "a[U+202E]b[U+0000]c\nd é ש");
    }

    #[test]
    fn spans_are_rough() {
        let spans: Vec<_> = [-5, 59, 60, 3660, 90_000].into_iter().map(span).collect();
        assert_eq!(spans, ["less than a minute", "less than a minute", "1 min", "1 h 1 min", "1 d 1 h"]);
    }
}
