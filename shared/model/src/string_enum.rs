//! Sets of names: one table gives an enum its text, its parser, its serde, its schema and its order.
//!
//! [`string_enum`] declares a closed set, for what requests choose. [`open_string_enum`] declares one whose stored rows and
//! responses may have words of a later version.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// How much of an unknown name its error repeats, in characters.
const MAX_REPEATED_CHARS: usize = 40;

/// A name that is not in its set. The message lists the set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of {}; got {got:?}", expected.join(", "))]
pub struct UnknownName {
    expected: Vec<&'static str>,
    got: String,
}

impl UnknownName {
    pub(crate) fn among(expected: impl IntoIterator<Item = &'static str>, got: &str) -> Self {
        Self { expected: expected.into_iter().collect(), got: got.chars().take(MAX_REPEATED_CHARS).collect() }
    }
}

/// A value that may contain words of a later version.
pub trait Words {
    /// Requires that this version knows every word.
    ///
    /// # Errors
    /// [`UnknownName`] of the first word that it does not know.
    fn require_known(&self) -> Result<(), UnknownName>;
}

/// Deserializes a value in which a word that this version does not know is an error: for `deserialize_with` in documents that
/// people write.
///
/// # Errors
/// An error that lists the known words.
pub fn deserialize_known<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Words,
{
    let value = T::deserialize(deserializer)?;
    value.require_known().map_err(serde::de::Error::custom)?;
    Ok(value)
}

impl<T: Words> Words for Option<T> {
    fn require_known(&self) -> Result<(), UnknownName> {
        self.as_ref().map_or(Ok(()), Words::require_known)
    }
}

impl<T: Words> Words for Vec<T> {
    fn require_known(&self) -> Result<(), UnknownName> {
        self.iter().try_for_each(Words::require_known)
    }
}

impl<T: Words> Words for BTreeSet<T> {
    fn require_known(&self) -> Result<(), UnknownName> {
        self.iter().try_for_each(Words::require_known)
    }
}

impl<K: Words, V: Words> Words for BTreeMap<K, V> {
    fn require_known(&self) -> Result<(), UnknownName> {
        self.iter().try_for_each(|(key, value)| key.require_known().and_then(|()| value.require_known()))
    }
}

/// Implements [`Words`] for types without words of a set.
macro_rules! without_words {
    ($($name:ty),+) => {$(
        impl Words for $name {
            fn require_known(&self) -> Result<(), UnknownName> {
                Ok(())
            }
        }
    )+};
}

without_words!(String, u32, u64, crate::engine::Engine);

/// The parts of an enum that both kinds of sets have.
macro_rules! string_enum_common {
    ($name:ident { $($variant:ident = $text:tt,)+ }) => {
        impl $name {
            /// Every known variant, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::string_enum::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .find(|member| member.as_str() == text)
                    .copied()
                    .ok_or_else(|| $crate::string_enum::UnknownName::among(Self::ALL.iter().map(|member| member.as_str()), text))
            }
        }
    };
}

/// Declares an enum whose variants have fixed names in JSON, rows and paths. The order of declaration is the order of `ALL` and
/// `Ord`. Each name is matched as a token, because the macros of serde and utoipa cannot read a matched literal.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// The name in JSON, rows and paths.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        $crate::string_enum::string_enum_common!($name { $($variant = $text,)+ });
    };
}

/// Declares an enum as [`string_enum`] does, with one more variant: `Unknown`, a word of a later version, which sorts last.
/// `Deserialize`, which reads stored rows and API responses, yields it; `FromStr`, which reads requests, refuses it.
macro_rules! open_string_enum {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:tt,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word that this version does not know.
            Unknown($crate::unknown_word::UnknownWord),
        }

        impl $name {
            /// The name in JSON, rows and paths.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(word) => word.as_str(),
                }
            }

            /// Whether this version knows the word.
            #[must_use]
            pub const fn is_known(self) -> bool {
                !matches!(self, Self::Unknown(_))
            }

            /// Returns the variant of `text`, the word of a stored row or of an API response.
            #[must_use]
            pub fn stored(text: &str) -> Self {
                text.parse().unwrap_or_else(|_| Self::Unknown($crate::unknown_word::UnknownWord::stored(text)))
            }
        }

        $crate::string_enum::string_enum_common!($name { $($variant = $text,)+ });

        impl $crate::string_enum::Words for $name {
            fn require_known(&self) -> Result<(), $crate::string_enum::UnknownName> {
                self.as_str().parse::<Self>().map(drop)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the name of a ", stringify!($name)))
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok($name::stored(text))
                    }
                }

                deserializer.deserialize_str(Visitor)
            }
        }

        // The contract lists the known words, as the derive macro would without the variant `Unknown`.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let description = [$($doc.trim()),*].join("\n");
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(description))
                    .enum_values(Some(Self::ALL.iter().map(|member| member.as_str())))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

pub(crate) use {open_string_enum, string_enum, string_enum_common};

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::severity::Severity;

    #[derive(Debug, Deserialize)]
    struct Document {
        #[serde(deserialize_with = "deserialize_known")]
        severities: BTreeMap<String, Severity>,
    }

    #[test]
    fn stored_word_that_is_not_known_keeps_its_text_and_sorts_last() {
        let read: Vec<Severity> = serde_json::from_str(r#"["HIGH","CATASTROPHIC"]"#).unwrap();
        assert_eq!((read[0], read[1].as_str(), read[1].is_known()), (Severity::High, "CATASTROPHIC", false));
        assert!(read[1] > Severity::Critical);
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["HIGH","CATASTROPHIC"]"#);
        let by_severity: BTreeMap<Severity, u64> = serde_json::from_str(r#"{"CATASTROPHIC":1}"#).unwrap();
        assert_eq!(serde_json::to_string(&by_severity).unwrap(), r#"{"CATASTROPHIC":1}"#);
        assert!(serde_json::from_str::<Severity>("1").is_err(), "another type is an error");
    }

    #[test]
    fn word_of_a_request_or_of_a_document_must_be_known() {
        assert!("CATASTROPHIC".parse::<Severity>().is_err());
        let document: Document = serde_json::from_str(r#"{"severities":{"page":"HIGH"}}"#).unwrap();
        assert_eq!(document.severities["page"], Severity::High);
        let error = serde_json::from_str::<Document>(r#"{"severities":{"page":"high"}}"#).unwrap_err().to_string();
        assert!(error.starts_with(r#"must be one of LOW, MEDIUM, HIGH, CRITICAL; got "high""#), "{error}");
    }
}
