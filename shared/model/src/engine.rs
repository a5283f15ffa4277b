//! Engines: the systems that AGE supervises. The policy says which there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The most characters of a name.
const MAX_CHARS: usize = 32;

/// How much of a refused name its error repeats, in characters.
const MAX_REPEATED_CHARS: usize = 40;

/// The name of an engine, a system that AGE supervises: a lower-case letter, then up to 31 lower-case letters, digits and
/// underscores. The active policy says which engines there are; one that only an earlier version had is retired.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Engine([u8; MAX_CHARS]); // INVARIANT: an ASCII name, then zeros only, so that the order is that of names.

/// A text that is not the name of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "must be the name of an engine: a lower-case letter, then up to 31 lower-case letters, digits and underscores; got {got:?}"
)]
pub struct InvalidEngine {
    got: String,
}

impl Engine {
    /// AGE itself, as the engine of the events that AGE records. Nobody reports events of it.
    pub const AGE: Self = Self::from_static("age");

    /// Returns the engine of a literal name, for constants and tests.
    ///
    /// # Panics
    /// If the text is not a name; in a constant, the code does not compile then.
    #[must_use]
    #[expect(clippy::panic, reason = "a constant with another text does not compile")]
    pub const fn from_static(name: &'static str) -> Self {
        match Self::parse(name.as_bytes()) {
            Some(engine) => engine,
            None => panic!("not the name of an engine"),
        }
    }

    const fn parse(mut text: &[u8]) -> Option<Self> {
        let mut name = [0; MAX_CHARS];
        let mut rest = name.as_mut_slice();
        let mut is_first = true;
        while let Some((byte, following)) = text.split_first() {
            let is_allowed = byte.is_ascii_lowercase() || (!is_first && (byte.is_ascii_digit() || *byte == b'_'));
            let Some((place, places)) = rest.split_first_mut() else { return None };
            if !is_allowed {
                return None;
            }
            *place = *byte;
            (text, rest, is_first) = (following, places, false);
        }
        if is_first { None } else { Some(Self(name)) }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.0.split(|byte| *byte == 0).next().unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl FromStr for Engine {
    type Err = InvalidEngine;

    fn from_str(text: &str) -> Result<Self, InvalidEngine> {
        let invalid = || InvalidEngine { got: text.chars().take(MAX_REPEATED_CHARS).collect() };
        Self::parse(text.as_bytes()).ok_or_else(invalid)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Engine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Engine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Engine;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an engine")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Engine, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for Engine {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(
            "The name of an engine, a system that AGE supervises. The active policy says which engines there are.",
        ));
        text.pattern(Some("^[a-z][a-z0-9_]{0,31}$")).into()
    }
}

impl ToSchema for Engine {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_is_a_letter_and_up_to_31_letters_digits_and_underscores() {
        for good in ["a", "deep_agent", "qa2", "age", &"x".repeat(32)] {
            assert_eq!(good.parse::<Engine>().unwrap().as_str(), good);
        }
        for bad in ["", "_a", "2a", "Qa", "deep-agent", "a b", "é", "a\n", &"x".repeat(33)] {
            let error = bad.parse::<Engine>().unwrap_err().to_string();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
        assert_eq!(Engine::from_static("billing").to_string(), "billing");
    }

    proptest! {
        #[test]
        fn names_round_trip_and_sort_as_their_texts(one in "[a-z][a-z0-9_]{0,31}", other in "[a-z][a-z0-9_]{0,31}") {
            let engine = |name: &str| name.parse::<Engine>().unwrap();
            let json = serde_json::to_string(&engine(&one)).unwrap();
            prop_assert_eq!(&json, &format!("\"{one}\""));
            prop_assert_eq!(serde_json::from_str::<Engine>(&json).unwrap(), engine(&one));
            prop_assert_eq!(engine(&one).cmp(&engine(&other)), one.cmp(&other));
        }

        #[test]
        fn arbitrary_text_is_a_name_or_is_refused(text in any::<String>()) {
            if let Ok(engine) = text.parse::<Engine>() {
                prop_assert_eq!(engine.to_string(), text);
            }
        }
    }
}
