//! JSON as people like to read it.

/// `json` with line breaks and indents. Nothing else changes: not the order, no digit, no escape.
pub(crate) fn pretty(json: &str) -> String {
    let (mut text, mut depth, mut quoted, mut escaped) = (String::with_capacity(2 * json.len()), 0_usize, false, false);
    let mut last = None;
    for character in json.chars() {
        if quoted {
            text.push(character);
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        if character.is_ascii_whitespace() {
            continue;
        }
        let opened = matches!(last, Some('{' | '['));
        let closes = matches!(character, '}' | ']');
        depth = depth.saturating_sub(usize::from(closes));
        // An empty object or list stays on its line.
        if opened != closes || last == Some(',') {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
        text.push(character);
        if character == ':' {
            text.push(' ');
        }
        depth = depth.saturating_add(usize::from(matches!(character, '{' | '[')));
        quoted = character == '"';
        last = Some(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn no_digit_and_no_order_is_lost() {
        let json = r#"{"b":[],"a":{"x":2.50,"big":123456789012345678901234567890},"s":"{,:\"\\"}"#;
        let expected = "{\n  \"b\": [],\n  \"a\": {\n    \"x\": 2.50,\n    \"big\": 123456789012345678901234567890\n  },\n  \"s\": \"{,:\\\"\\\\\"\n}";
        assert_eq!(pretty(json), expected);
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
        fn it_is_what_serde_makes_of_it(value in values()) {
            prop_assert_eq!(pretty(&value.to_string()), serde_json::to_string_pretty(&value).unwrap());
        }
    }
}
