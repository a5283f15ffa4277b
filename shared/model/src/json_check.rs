//! Checks of JSON texts that parsers leave out: readers differ in what they make of a key that an object has twice.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Why a JSON text is refused.
#[derive(Debug)]
pub(crate) enum InvalidJson {
    /// It is not valid.
    Syntax(serde_json::Error),
    /// An object has a key twice. With the JSON pointer of the key.
    DuplicateKey(String),
}

impl From<serde_json::Error> for InvalidJson {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax(error)
    }
}

impl InvalidJson {
    /// Puts `token` before the pointer.
    fn below(self, token: impl fmt::Display) -> Self {
        match self {
            Self::DuplicateKey(pointer) => Self::DuplicateKey(format!("/{token}{pointer}")),
            syntax @ Self::Syntax(_) => syntax,
        }
    }
}

/// Checks a JSON text down to the last escape, without parsing its numbers, which may be of any size, and that no object has a key
/// twice. A key that is written with escapes is the same key. Recurses as deep as the text is nested, so check the depth before.
///
/// # Errors
/// The first error.
pub(crate) fn check_json(text: &str) -> Result<(), InvalidJson> {
    match text.as_bytes().first() {
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(text)?;
            let mut keys = BTreeSet::new();
            for (Key(key), value) in &entries {
                if !keys.insert(key) {
                    return Err(InvalidJson::DuplicateKey(String::new()).below(pointer_token(key)));
                }
                check_json(value.get()).map_err(|error| error.below(pointer_token(key)))?;
            }
            Ok(())
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let check = |(index, item): (usize, &&RawValue)| check_json(item.get()).map_err(|error| error.below(index));
            items.iter().enumerate().try_for_each(check)
        }
        Some(b'"') => Ok(serde_json::from_str::<Key<'_>>(text).map(drop)?),
        _ => Ok(serde_json::from_str::<IgnoredAny>(text).map(drop)?),
    }
}

/// Escapes a key for a JSON pointer.
pub(crate) fn pointer_token(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// The entries of an object, in their order.
struct Entries<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// A string, borrowed from the text if it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(text.to_owned().into()))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duplicate(text: &str) -> Option<String> {
        match check_json(text) {
            Err(InvalidJson::DuplicateKey(pointer)) => Some(pointer),
            _ => None,
        }
    }

    #[test]
    fn duplicate_key_is_found_at_every_depth() {
        for (text, pointer) in [
            (r#"{"user":"a","user":"root"}"#, "/user"),
            (r#"{"user":"a","\u0075ser":"root"}"#, "/user"),
            (r#"{"a":{"b":[{},{"c":1,"c":1}]}}"#, "/a/b/1/c"),
            (r#"{"a/b~c":{"":1,"":2}}"#, "/a~1b~0c/"),
            (r#"{"\u00e9":1,"é":null}"#, "/é"),
            (r#"[[{"x":[],"x":{}}]]"#, "/0/0/x"),
        ] {
            assert_eq!(duplicate(text).as_deref(), Some(pointer), "{text}");
        }
    }

    #[test]
    fn keys_that_differ_are_not_duplicates() {
        for text in [
            r#"{"a":1,"A":1," a":1,"a ":1}"#,
            r#"{"a":{"a":{"a":1}}}"#,
            r#"[{"a":1},{"a":1}]"#,
            r#"{"é":1,"e\u0301":2}"#,
        ] {
            assert!(check_json(text).is_ok(), "{text}");
        }
    }
}
