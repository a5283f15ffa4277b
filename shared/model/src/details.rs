//! The details of an event: a JSON object, stored as its engine wrote it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;
use utoipa::ToSchema;

use crate::json_check::{InvalidJson, check_json};

/// The largest details accepted, in bytes of JSON without insignificant white space.
/// An event then stays under 17 KB, which keeps pages within Lambda's response limit of 6 MB.
pub const MAX_DETAILS_BYTES: usize = 16 * 1024;

/// The deepest nesting accepted, in levels, counting the object itself. DynamoDB's own limit is 32.
pub const MAX_DETAILS_DEPTH: usize = 16;

/// A JSON object. Its text is the engine's own without insignificant white space: numbers keep every digit, keys keep
/// their order. No object in it has a key twice.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = Object)]
pub struct Details(String);

/// Why a text is refused as the details of an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DetailsError {
    /// More than [`MAX_DETAILS_BYTES`] bytes.
    #[error("must be at most {MAX_DETAILS_BYTES} bytes of JSON; got {0}")]
    TooLarge(usize),
    /// More than [`MAX_DETAILS_DEPTH`] levels.
    #[error("must be nested at most {MAX_DETAILS_DEPTH} levels deep")]
    TooDeep,
    /// Another JSON value than an object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// Not valid JSON. An escaped half of a surrogate pair is not valid either.
    #[error("must be valid JSON: {0}")]
    NotJson(String),
    /// An object in them has a key twice, of which two readers may see different values. With the JSON pointer of the key.
    #[error("must have each key once; {0} is given twice")]
    DuplicateKey(String),
}

impl Details {
    /// Whether both have the same content, in any order of keys. Numbers are equal if they are written the same.
    #[must_use]
    pub fn content_eq(&self, other: &Self) -> bool {
        texts_equal(&self.0, &other.0)
    }

    /// Returns the JSON text.
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
        // Checked before the text is parsed, because the parser recurses.
        if depth > MAX_DETAILS_DEPTH {
            return Err(DetailsError::TooDeep);
        }
        check_json(&text).map_err(|error| match error {
            InvalidJson::Syntax(error) => DetailsError::NotJson(error.to_string()),
            InvalidJson::DuplicateKey(pointer) => DetailsError::DuplicateKey(pointer),
        })?;
        if text.starts_with('{') { Ok(Self(text)) } else { Err(DetailsError::NotAnObject) }
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Compares two JSON texts without parsing their numbers, which would lose digits. The recursion is bounded: details have at
/// most [`MAX_DETAILS_DEPTH`] levels.
fn texts_equal(one: &str, other: &str) -> bool {
    fn both<'a, T: Deserialize<'a>>(one: &'a str, other: &'a str) -> Option<(T, T)> {
        Some((serde_json::from_str(one).ok()?, serde_json::from_str(other).ok()?))
    }
    let values_equal = |(a, b): (&&RawValue, &&RawValue)| texts_equal(a.get(), b.get());
    if one == other {
        return true;
    }
    match one.as_bytes().first() {
        Some(b'{') => both::<BTreeMap<String, &RawValue>>(one, other)
            .is_some_and(|(a, b)| a.keys().eq(b.keys()) && a.values().zip(b.values()).all(values_equal)),
        Some(b'[') => both::<Vec<&RawValue>>(one, other)
            .is_some_and(|(a, b)| a.len() == b.len() && a.iter().zip(&b).all(values_equal)),
        Some(b'"') => both::<String>(one, other).is_some_and(|(a, b)| a == b),
        _ => false,
    }
}

/// Returns the text without white space outside strings, and how deep its brackets nest.
pub(crate) fn without_white_space(text: &str) -> (String, usize) {
    let (mut compact, mut depth, mut deepest) = (String::with_capacity(text.len()), 0_usize, 0_usize);
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
        compact.push(character);
    }
    (compact, deepest)
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
    fn digits_and_key_order_are_kept() {
        let text = r#"{ "z": 12345678901234567890123, "a": 1.10, "s": " \" \\", "e": 1e400 }"#;
        let details: Details = text.parse().unwrap();
        assert_eq!(details.as_str(), r#"{"z":12345678901234567890123,"a":1.10,"s":" \" \\","e":1e400}"#);
        assert_eq!(serde_json::to_string(&details).unwrap(), details.as_str());
    }

    #[test]
    fn size_and_depth_limits_are_exact() {
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
    fn other_json_values_and_invalid_json_are_refused() {
        for text in ["[]", "1", "null", "\"{}\""] {
            assert_eq!(text.parse::<Details>(), Err(DetailsError::NotAnObject), "{text}");
        }
        for text in [r#"{"a":"\ud800"}"#, "{", "", "{}{}", r#"{"a":}"#] {
            assert!(matches!(text.parse::<Details>(), Err(DetailsError::NotJson(_))), "{text}");
        }
    }

    #[test]
    fn key_given_twice_is_refused_at_every_depth() {
        for (text, pointer) in
            [(r#"{"user":"a","user":"root"}"#, "/user"), (r#"{"a":[{"user":1,"\u0075ser":1}]}"#, "/a/0/user")]
        {
            assert_eq!(text.parse::<Details>(), Err(DetailsError::DuplicateKey(pointer.to_owned())), "{text}");
        }
    }

    #[test]
    fn content_is_equal_in_any_order_of_keys() {
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
        fn details_keep_the_json_value(value in json_value(), pretty in any::<bool>()) {
            let object = json!({ "value": value });
            let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
            let details: Details = text.parse().unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(details.as_str()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = text.parse::<Details>();
        }
    }
}
