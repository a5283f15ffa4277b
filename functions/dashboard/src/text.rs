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

impl Shown {
    /// Its parts, each up to an underscore: between them a long name may go on in the next line.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Self> {
        self.0.split_inclusive('_').map(Self::new)
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

/// A JSON text on several lines, as people read it. Not a character of it is lost but white space, so that numbers and the
/// order of keys stay as they were sent.
pub(crate) fn indented(json: &str) -> String {
    let (mut out, mut depth, mut in_text, mut escaped) = (String::new(), 0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if in_text {
            out.push(character);
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '{' | '[' => {
                out.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            blank if blank.is_ascii_whitespace() => {}
            other => {
                out.push(other);
                in_text = other == '"';
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A name of ours in words: `critical_event` is `critical event`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The same with a capital letter in front.
pub(crate) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

/// `number` with what it counts, such as `1 event` or `2 events`.
pub(crate) fn count(number: u64, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// How long `seconds` are, roughly: the two largest units, of which the second is left out if there is none of it.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_deceives_is_shown_by_its_number() {
        assert_eq!(Shown::new("a\u{202e}b\u{0}c\nd é ש").to_string(), "a[U+202E]b[U+0000]c\nd é ש");
    }

    #[test]
    fn long_names_go_on_behind_an_underscore() {
        let parts = |text: &str| Shown::new(text).parts().map(|part| part.to_string()).collect::<Vec<_>>();
        assert_eq!(parts("ledger_sync\u{202e}_failed"), ["ledger_", "sync[U+202E]_", "failed"]);
        assert_eq!(parts("plain"), ["plain"]);
    }

    #[test]
    fn json_is_shown_on_several_lines() {
        let shown = indented(r#"{"a\"{,":[1.50,{}, [] ],"b":{ "c" : "x:[y" }}"#);
        let expected = "{\n  \"a\\\"{,\": [\n    1.50,\n    {},\n    []\n  ],\n  \"b\": {\n    \"c\": \"x:[y\"\n  }\n}";
        assert_eq!(shown, expected);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn shown_json_means_the_same(value in json()) {
            let (plain, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(indented(&plain), pretty.clone());
            prop_assert_eq!(indented(&pretty), pretty);
        }
    }

    #[test]
    fn spans_are_rough() {
        let spans: Vec<_> = [-5, 59, 60, 3600, 3660, 86_400, 90_000].into_iter().map(span).collect();
        assert_eq!(spans, ["less than a minute", "less than a minute", "1 min", "1 h", "1 h 1 min", "1 d", "1 d 1 h"]);
    }
}
