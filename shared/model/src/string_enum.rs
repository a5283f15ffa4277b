//! Closed sets of names: one table gives an enum its text, its parser, its serde and its order.

use thiserror::Error;

/// A name that is not in its set. The message lists the set, so that the caller can mend the request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of {}", expected.join(", "))]
pub struct UnknownName {
    expected: Vec<&'static str>,
}

impl UnknownName {
    pub(crate) fn among(expected: impl IntoIterator<Item = &'static str>) -> Self {
        Self { expected: expected.into_iter().collect() }
    }
}

/// Declares an enum whose variants are known to the outside by a fixed name.
/// Each text is taken as a token, not as a literal: the macros of serde and utoipa could not read that.
/// Order of declaration is the order of `ALL` and of `Ord`.
macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every member, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name used in requests, answers and keys.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .find(|member| member.as_str() == text)
                    .copied()
                    .ok_or_else(|| $crate::UnknownName::among(Self::ALL.iter().map(|member| member.as_str())))
            }
        }
    };
}

pub(crate) use string_enum;
