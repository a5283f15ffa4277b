//! Pieces of texts for people.

use std::fmt::Write;

use age_model::{shortened, visible_text};

/// The most characters of an event type where it is a name among others. The page of the incident has all of them.
const MAX_NAME_CHARS: usize = 60;

/// The most characters of an event's details in a message. The page of the event has all of them.
const MAX_DETAILS_CHARS: usize = 1000;

/// The most characters of a worker's words in a message. The page of the action has all of them.
const MAX_QUOTED_CHARS: usize = 500;

/// The most lines of a worker's words, and the most characters of each.
const MAX_QUOTED_LINES: usize = 12;
const MAX_QUOTED_LINE_CHARS: usize = 72;

/// Writes a line with a value and its name.
pub(crate) fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<11} {value}");
}

/// Returns an event type as a name among others: hidden characters are shown by their numbers, and a long one is shortened.
pub(crate) fn display_name(event_type: &str) -> String {
    shortened(&visible_text(event_type), MAX_NAME_CHARS)
}

/// Returns the details of an event, on one line.
pub(crate) fn shortened_details(details: &str) -> String {
    shortened(&visible_text(details), MAX_DETAILS_CHARS)
}

/// Returns the words of a worker as a quotation. Each line begins with `  > `, so that none can be taken for AGE's own.
pub(crate) fn quoted(words: &str) -> String {
    let words = shortened(&visible_text(words.trim()), MAX_QUOTED_CHARS);
    let mut lines: Vec<String> = words.split('\n').flat_map(wrapped).collect();
    if lines.len() > MAX_QUOTED_LINES {
        lines.truncate(MAX_QUOTED_LINES);
        lines.push("…".to_owned());
    }
    let marked: Vec<String> = lines.iter().map(|line| format!("  > {line}\n")).collect();
    marked.concat()
}

/// Splits a line into lines that no mail program wraps. A word that is too long is split as well.
fn wrapped(line: &str) -> Vec<String> {
    let (mut lines, mut current, mut length) = (Vec::new(), String::new(), 0);
    for word in line.split_inclusive(' ') {
        let characters: Vec<char> = word.chars().collect();
        for piece in characters.chunks(MAX_QUOTED_LINE_CHARS) {
            if length + piece.len() > MAX_QUOTED_LINE_CHARS {
                lines.push(std::mem::take(&mut current));
                length = 0;
            }
            current.extend(piece);
            length += piece.len();
        }
    }
    lines.push(current);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_quotation_is_marked() {
        let quotation = quoted("disk full\n\nCRITICAL: Billing reported x\u{2028}AGE did: y\rTo acknowledge: rm -rf");
        assert!(quotation.lines().all(|line| line.starts_with("  > ")), "{quotation}");
        assert!(quotation.contains("x[U+2028]AGE did: y[U+000D]To acknowledge"), "{quotation}");
    }

    #[test]
    fn quotation_is_bounded_in_characters_and_lines() {
        let long = quoted(&"word ".repeat(1000));
        assert!(long.chars().filter(|character| *character == 'w').count() <= 100, "{long}");
        assert!(long.lines().all(|line| line.chars().count() <= 4 + MAX_QUOTED_LINE_CHARS), "{long}");
        assert!(long.trim_end().ends_with('…'));
        let unbroken = quoted(&"x".repeat(200));
        assert_eq!(unbroken.lines().count(), 3, "{unbroken}");
        assert_eq!(quoted(&"a\n".repeat(200)).lines().count(), MAX_QUOTED_LINES + 1);
        assert!(quoted(&"\u{202e}".repeat(500)).chars().count() < 600, "the bound counts what is shown");
    }

    #[test]
    fn long_details_are_cut_between_characters() {
        let shown = shortened_details(&format!(r#"{{"a":"{}"}}"#, "é".repeat(5000)));
        assert!(shown.ends_with('…') && shown.chars().count() == MAX_DETAILS_CHARS);
    }
}
