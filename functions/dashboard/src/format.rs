//! Formatting of values for people.

use std::time::Duration;

use age_model::Timestamp;

/// Returns `name` with spaces for underscores: `timed_out` is `timed out`.
pub(crate) fn to_words(name: &str) -> String {
    name.replace('_', " ")
}

/// Returns `text` with a capital first letter.
pub(crate) fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

/// Returns `number` with its unit, such as `1 event` or `2 events`.
pub(crate) fn format_count(number: u64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// Returns the time from `start` to `end`; zero if `end` is earlier.
pub(crate) fn duration_between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(end.seconds().saturating_sub(start.seconds())).unwrap_or_default())
}

/// Returns the two largest units of `duration`, such as `20 h 35 min`. The second is left out if it is zero.
pub(crate) fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
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

/// Returns a JSON text with line breaks and indentation. Only white space changes: numbers and the order of keys stay as the
/// engine sent them.
pub(crate) fn indent_json(json: &str) -> String {
    let (mut out, mut depth, mut in_string, mut escaped) = (String::new(), 0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
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
                    push_line_break(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                push_line_break(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                push_line_break(&mut out, depth);
            }
            ':' => out.push_str(": "),
            blank if blank.is_ascii_whitespace() => {}
            other => {
                out.push(other);
                in_string = other == '"';
            }
        }
    }
    out
}

fn push_line_break(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_is_indented_and_keeps_its_numbers() {
        let shown = indent_json(r#"{"a\"{,":[1.50,{}, [] ],"b":{ "c" : "x:[y" }}"#);
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
        fn indented_json_equals_that_of_serde_json(value in json()) {
            let (plain, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(indent_json(&plain), pretty.clone());
            prop_assert_eq!(indent_json(&pretty), pretty);
        }
    }

    #[test]
    fn duration_has_at_most_two_units() {
        let durations = [0, 59, 60, 3600, 3660, 74_100, 86_400, 90_000]
            .map(|seconds| format_duration(Duration::from_secs(seconds)));
        let expected =
            ["less than a minute", "less than a minute", "1 min", "1 h", "1 h 1 min", "20 h 35 min", "1 d", "1 d 1 h"];
        assert_eq!(durations, expected);
    }

    #[test]
    fn duration_between_a_moment_and_an_earlier_one_is_zero() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (earlier, later) = (at("2026-11-23T00:05:00Z"), at("2026-11-23T00:05:05Z"));
        assert_eq!(duration_between(earlier, later), Duration::from_secs(5));
        assert_eq!(duration_between(later, earlier), Duration::ZERO);
    }
}
