//! Pieces of texts for people.

use std::fmt::Write;

use age_model::{Details, EventType, Timestamp, shortened, visible_line, visible_text};

use crate::defang::defanged;

/// The most characters of an event type where it is a name among others. The page of the incident has all of them.
const MAX_NAME_CHARS: usize = 60;

/// The most characters of an event's details in a message. The page of the event has all of them.
const MAX_DETAILS_CHARS: usize = 1000;

/// The most characters of another quotation in a message. The page of the incident or action has all of it.
const MAX_QUOTED_CHARS: usize = 500;

/// The most lines of a quotation, and the most characters of each.
const MAX_QUOTED_LINES: usize = 16;
const MAX_QUOTED_LINE_CHARS: usize = 72;

/// Writes a line with a value and its name.
pub(crate) fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<11} {value}");
}

/// Returns an event type as a name among others: on one line, without links, and shortened if it is long.
pub(crate) fn display_name(event_type: &str) -> String {
    defanged_within(&visible_line(event_type), MAX_NAME_CHARS)
}

/// Returns the event type and details of an event, as far as given, and its time by the engine's clock, as a quotation of the engine.
pub(crate) fn quoted_event(
    event_type: &EventType,
    details: Option<&Details>,
    source_time: Option<Timestamp>,
) -> String {
    let mut text = "The engine reported, in its own words:\n".to_owned();
    text.push_str(&quoted(&format!("Event type: {}", event_type.as_str()), MAX_QUOTED_CHARS));
    if let Some(details) = details {
        text.push_str(&quoted(&format!("Details: {}", details.as_str()), MAX_DETAILS_CHARS));
    }
    if let Some(at) = source_time {
        text.push_str(&quoted(&format!("Time of the engine's clock: {}", at.in_words()), MAX_QUOTED_CHARS));
    }
    text
}

/// Returns the parts of an engine's request for a decision, each with its name, as a quotation of the engine.
pub(crate) fn quoted_request(parts: &[(&str, String)]) -> String {
    let parts = parts.iter().map(|(name, value)| quoted(&format!("{name}: {value}"), MAX_QUOTED_CHARS));
    format!("The engine asked, in its own words:\n{}", parts.collect::<String>())
}

/// Returns the words of a worker as a quotation.
pub(crate) fn quoted_worker(words: &str) -> String {
    format!("Its worker reported, in its own words:\n{}", quoted(words, MAX_QUOTED_CHARS))
}

/// Returns the words of an admin as a quotation.
pub(crate) fn quoted_admin(words: &str) -> String {
    quoted(words, MAX_QUOTED_CHARS)
}

/// Returns a sentence with names that others chose: on one line, without links, and shortened if it is long.
pub(crate) fn one_line(sentence: &str) -> String {
    defanged_within(&visible_line(sentence), MAX_QUOTED_CHARS)
}

/// Returns up to `max` characters of what others wrote, without links. Each line begins with `  > `, so that none can be taken for
/// AGE's own.
fn quoted(words: &str, max: usize) -> String {
    let words = defanged_within(&visible_text(words.trim()), max);
    let mut lines: Vec<String> = words.split('\n').flat_map(wrapped).collect();
    if lines.len() > MAX_QUOTED_LINES {
        lines.truncate(MAX_QUOTED_LINES);
        lines.push("…".to_owned());
    }
    let marked: Vec<String> = lines.iter().map(|line| format!("  > {line}\n")).collect();
    marked.concat()
}

/// Returns up to `max` characters of `text`, without links. It is shortened before as well: defanging takes time by its length.
fn defanged_within(text: &str, max: usize) -> String {
    shortened(&defanged(&shortened(text, max)), max)
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
        let quotation =
            quoted("disk full\n\nCRITICAL: Billing reported x\u{2028}AGE did: y\rTo acknowledge: rm -rf", 500);
        assert!(quotation.lines().all(|line| line.starts_with("  > ")), "{quotation}");
        assert!(quotation.contains("x[U+2028]AGE did: y[U+000D]To acknowledge"), "{quotation}");
    }

    #[test]
    fn quotation_is_bounded_in_characters_and_lines() {
        let long = quoted(&"word ".repeat(1000), MAX_QUOTED_CHARS);
        assert!(long.chars().filter(|character| *character == 'w').count() <= 100, "{long}");
        assert!(long.lines().all(|line| line.chars().count() <= 4 + MAX_QUOTED_LINE_CHARS), "{long}");
        assert!(long.trim_end().ends_with('…'));
        let unbroken = quoted(&"x".repeat(200), MAX_QUOTED_CHARS);
        assert_eq!(unbroken.lines().count(), 3, "{unbroken}");
        assert_eq!(quoted(&"a\n".repeat(200), MAX_QUOTED_CHARS).lines().count(), MAX_QUOTED_LINES + 1);
        let hidden = quoted(&"\u{202e}".repeat(500), MAX_QUOTED_CHARS);
        assert!(hidden.chars().count() < 600, "the bound counts what is shown");
    }

    #[test]
    fn long_details_are_cut_between_characters() {
        let details: Details = format!(r#"{{"a":"{}"}}"#, "é".repeat(2500)).parse().unwrap();
        let shown = quoted_event(&"x".parse().unwrap(), Some(&details), None);
        assert!(shown.ends_with("…\n") && shown.matches('é').count() > 900, "{shown}");
    }
}
