//! Closed sets of names: one table gives an enum its text, its parser, its serde and its order.

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
            /// Every variant, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in JSON, rows and paths.
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

pub(crate) use string_enum;
