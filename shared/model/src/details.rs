//! What an engine says about an event: a JSON object, kept as it was given.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;
use utoipa::ToSchema;

/// The largest details accepted, in bytes of JSON without insignificant white space.
/// With it an event stays under 17 KB: 500 of them can be paged through within Lambda's 6 MB answer.
pub const MAX_DETAILS_BYTES: usize = 16 * 1024;

/// The deepest nesting accepted, counting the object itself. DynamoDB itself ends at 32.
pub const MAX_DETAILS_DEPTH: usize = 16;

/// A JSON object. Its text is the engine's own, less white space: numbers keep every digit, keys keep their order.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = Object)]
pub struct Details(String);

/// Why a text is not the details of an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DetailsError {
    /// Over [`MAX_DETAILS_BYTES`].
    #[error("must be at most {MAX_DETAILS_BYTES} bytes of JSON, is {0}")]
    TooLarge(usize),
    /// Over [`MAX_DETAILS_DEPTH`].
    #[error("must be nested at most {MAX_DETAILS_DEPTH} levels deep")]
    TooDeep,
    /// Some other JSON value.
    #[error("must be a JSON object")]
    NotAnObject,
    /// Not JSON: among others, an escaped half of a surrogate pair.
    #[error("must be valid JSON: {0}")]
    NotJson(String),
}

impl Details {
    /// Whether both say the same, whatever the order of their keys. Numbers are the same if they are written the same.
    #[must_use]
    pub fn content_eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Details {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl FromStr for Details {
    type Err = DetailsError;

    fn from_str(text: &str) -> Result<Self, DetailsError> {
        let (text, depth) = without_white_space(text);
        if text.len() > MAX_DETAILS_BYTES {
            return Err(DetailsError::TooLarge(text.len()));
        }
        // Before the parser sees it, which recurses.
        if depth > MAX_DETAILS_DEPTH {
            return Err(DetailsError::TooDeep);
        }
        check(&text).map_err(|error| DetailsError::NotJson(error.to_string()))?;
        if text.starts_with('{') { Ok(Self(text)) } else { Err(DetailsError::NotAnObject) }
    }
}

/// Whether a JSON text is sound to the last escape. Numbers are not read: they may be of any size.
/// The recursion ends: the text is at most [`MAX_DETAILS_DEPTH`] deep.
fn check(text: &str) -> Result<(), serde_json::Error> {
    match text.as_bytes().first() {
        Some(b'{') => {
            serde_json::from_str::<BTreeMap<String, &RawValue>>(text)?.values().try_for_each(|value| check(value.get()))
        }
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)?.iter().try_for_each(|value| check(value.get())),
        Some(b'"') => serde_json::from_str::<String>(text).map(drop),
        _ => serde_json::from_str::<IgnoredAny>(text).map(drop),
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Compares two JSON texts without reading their numbers, which would lose digits.
/// The recursion ends: details are at most [`MAX_DETAILS_DEPTH`] deep.
fn same(one: &str, other: &str) -> bool {
    fn both<'a, T: Deserialize<'a>>(one: &'a str, other: &'a str) -> Option<(T, T)> {
        Some((serde_json::from_str(one).ok()?, serde_json::from_str(other).ok()?))
    }
    let same_values = |(a, b): (&&RawValue, &&RawValue)| same(a.get(), b.get());
    if one == other {
        return true;
    }
    match one.as_bytes().first() {
        Some(b'{') => both::<BTreeMap<String, &RawValue>>(one, other)
            .is_some_and(|(a, b)| a.keys().eq(b.keys()) && a.values().zip(b.values()).all(same_values)),
        Some(b'[') => both::<Vec<&RawValue>>(one, other)
            .is_some_and(|(a, b)| a.len() == b.len() && a.iter().zip(&b).all(same_values)),
        Some(b'"') => both::<String>(one, other).is_some_and(|(a, b)| a == b),
        _ => false,
    }
}

/// The text without white space outside of strings, and how deep its brackets nest.
fn without_white_space(text: &str) -> (String, usize) {
    let (mut record, mut depth, mut deepest) = (String::with_capacity(text.len()), 0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for character in text.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            match character {
                ' ' | '\t' | '\n' | '\r' => continue,
                '"' => in_string = true,
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        record.push(character);
    }
    (record, deepest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn keeps_digits_and_order() {
        let text = r#"{ "z": 12345678901234567890123, "a": 1.10, "s": " \" \\", "e": 1e400 }"#;
        let details: Details = text.parse().unwrap();
        assert_eq!(details.as_str(), r#"{"z":12345678901234567890123,"a":1.10,"s":" \" \\","e":1e400}"#);
        assert_eq!(serde_json::to_string(&details).unwrap(), details.as_str());
    }

    #[test]
    fn bounds_are_exact() {
        let sized = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8)).parse::<Details>();
        assert!(sized(MAX_DETAILS_BYTES).is_ok());
        assert_eq!(sized(MAX_DETAILS_BYTES + 1), Err(DetailsError::TooLarge(MAX_DETAILS_BYTES + 1)));
        let nested = |levels: usize| {
            format!("{}{}", r#"{"a":"#.repeat(levels - 1) + "{}", "}".repeat(levels - 1)).parse::<Details>()
        };
        assert!(nested(MAX_DETAILS_DEPTH).is_ok());
        assert_eq!(nested(MAX_DETAILS_DEPTH + 1), Err(DetailsError::TooDeep));
        assert_eq!(format!(r#"{{"a":{}}}"#, "[".repeat(8000)).parse::<Details>(), Err(DetailsError::TooDeep));
    }

    #[test]
    fn refuses_other_values() {
        for text in ["[]", "1", "null", "\"{}\""] {
            assert_eq!(text.parse::<Details>(), Err(DetailsError::NotAnObject), "{text}");
        }
        for text in [r#"{"a":"\ud800"}"#, "{", "", "{}{}", r#"{"a":}"#] {
            assert!(matches!(text.parse::<Details>(), Err(DetailsError::NotJson(_))), "{text}");
        }
    }

    #[test]
    fn order_of_keys_does_not_matter_for_sameness() {
        let details = |text: &str| text.parse::<Details>().unwrap();
        assert!(details(r#"{"a":1,"b":2}"#).content_eq(&details(r#"{"b":2,"a":1}"#)));
        assert!(details(r#"{"a":[{"x":"\u0041","y":{}}]}"#).content_eq(&details(r#"{"a":[{"y":{},"x":"A"}]}"#)));
        let different = [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":[1]}"#, r#"{"a":[1,1]}"#),
            (r#"{"a":"1"}"#, r#"{"a":1}"#),
            (r#"{"a":{}}"#, r#"{"a":[]}"#),
            (r#"{"a":12345678901234567890123}"#, r#"{"a":12345678901234567890124}"#),
        ];
        for (one, other) in different {
            assert!(!details(one).content_eq(&details(other)), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn says_what_it_was_given(value in json_value(), pretty in any::<bool>()) {
            let object = json!({ "value": value });
            let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
            let details: Details = text.parse().unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(details.as_str()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = text.parse::<Details>();
        }
    }
}
