//! JSON as text: indented, or on one line.

use std::fmt::Write;

use age_model::is_hidden;

/// Returns valid JSON with line breaks and an indent of two spaces. Characters in strings that are hidden or control a terminal are
/// escaped, which keeps their value. All else stays as it is: the order of fields, the digits of numbers, the escapes in strings.
/// `serde_json::Value` would change the first two.
pub(crate) fn format_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len().saturating_mul(2));
    let mut depth = 0_usize;
    let (mut in_string, mut is_escaped) = (false, false);
    let mut previous = None;
    for character in json.chars() {
        if in_string {
            push_escaped(&mut text, character);
            in_string = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            continue;
        }
        if character.is_ascii_whitespace() {
            continue;
        }
        let follows_open = matches!(previous, Some('{' | '['));
        let is_close = matches!(character, '}' | ']');
        depth = depth.saturating_sub(usize::from(is_close));
        // `{}` and `[]` stay on one line.
        if follows_open != is_close || previous == Some(',') {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
        text.push(character);
        if character == ':' {
            text.push(' ');
        }
        depth = depth.saturating_add(usize::from(matches!(character, '{' | '[')));
        in_string = character == '"';
        previous = Some(character);
    }
    text
}

/// As [`format_json`], on one line and without white space between the parts.
pub(crate) fn format_json_line(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for character in json.chars() {
        if in_string {
            push_escaped(&mut text, character);
            in_string = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
        } else if !character.is_ascii_whitespace() {
            text.push(character);
            in_string = character == '"';
        }
    }
    text
}

/// Appends a character of a string, as UTF-16 escapes if it is hidden.
fn push_escaped(text: &mut String, character: char) {
    if !is_hidden(character) {
        return text.push(character);
    }
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn formatting_keeps_digits_escapes_and_field_order() {
        let json = r#"{"b":[],"a":{"x":2.50,"big":123456789012345678901234567890},"s":"{,:\"\\"}"#;
        let expected = "{\n  \"b\": [],\n  \"a\": {\n    \"x\": 2.50,\n    \"big\": 123456789012345678901234567890\n  },\n  \"s\": \"{,:\\\"\\\\\"\n}";
        assert_eq!(format_json(json), expected);
    }

    #[test]
    fn hidden_characters_in_strings_are_escaped() {
        let formatted = format_json("[\"a\u{9b}2J\u{202e}\u{2028}\u{200d}\u{e0041}\u{7f} \u{e9}\"]");
        assert_eq!(formatted, "[\n  \"a\\u009b2J\\u202e\\u2028\\u200d\\udb40\\udc41\\u007f \u{e9}\"\n]");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[\"\\\\{}:, a]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn formatting_equals_serde_json_pretty(value in values()) {
            let formatted = format_json(&value.to_string());
            prop_assert!(formatted.chars().all(|character| character == '\n' || !is_hidden(character)));
            prop_assert_eq!(&serde_json::from_str::<Value>(&formatted).unwrap(), &value);
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let mut expected = String::new();
            for character in pretty.chars() {
                if character == '\n' { expected.push(character) } else { push_escaped(&mut expected, character) }
            }
            prop_assert_eq!(&formatted, &expected);
            let line = format_json_line(&formatted);
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(format_json(&line), expected);
        }
    }
}
