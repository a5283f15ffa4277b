//! The policies that arguments name.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use age_model::PolicyHash;
use serde::Deserialize;
use thiserror::Error;

use crate::api_client::ApiClient;
use crate::api_response::parse_json;
use crate::commands::policy::resource::{MAX_PAGE, RESOURCE};
use crate::error::Error;
use crate::input_source::InputSource;

/// A policy: a stored version, the default policy of agectl, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyRef {
    /// The version that AGE works by.
    Active,
    /// The default policy of this version of agectl.
    Default,
    /// A stored version.
    Version(VersionRef),
    /// A document that a person wrote.
    File(InputSource),
}

/// The hash of a stored version, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionRef(String);

/// A text that does not name a policy version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be the hash of a policy version, or its first {MIN_DIGITS} or more digits; `agectl policy list` lists them"
)]
pub(crate) struct InvalidVersionRef;

/// The fewest digits of a hash that name a version.
const MIN_DIGITS: usize = 8;
/// The digits of a whole hash.
const MAX_DIGITS: usize = 64;
/// The digits of a hash in texts for people.
const SHOWN_DIGITS: usize = 12;

impl FromStr for PolicyRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "active" => Self::Active,
            "default" => Self::Default,
            _ => match text.parse() {
                Ok(version) => Self::Version(version),
                Err(InvalidVersionRef) => Self::File(text.parse()?),
            },
        })
    }
}

impl FromStr for VersionRef {
    type Err = InvalidVersionRef;

    fn from_str(text: &str) -> Result<Self, InvalidVersionRef> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_hash = (MIN_DIGITS..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(is_digit);
        if is_hash { Ok(Self(text.to_owned())) } else { Err(InvalidVersionRef) }
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl VersionRef {
    /// Returns the whole hash. Asks AGE for its versions if the argument has only its beginning.
    pub(super) async fn resolve(&self, client: &ApiClient) -> Result<PolicyHash, Error> {
        #[derive(Deserialize)]
        struct Listed {
            hash: PolicyHash,
        }
        if let Ok(hash) = self.0.parse() {
            return Ok(hash);
        }
        let listed = client.list(&[RESOURCE], &[], usize::MAX, MAX_PAGE).await?;
        let hashes: Result<Vec<PolicyHash>, Error> =
            listed.items.iter().map(|item| Ok(parse_json::<Listed>(item.get())?.hash)).collect();
        let found: Vec<_> = hashes?.into_iter().filter(|hash| hash.to_string().starts_with(&self.0)).collect();
        match found.as_slice() {
            [hash] => Ok(*hash),
            _ => Err(Error::NoSuchPolicy { digits: self.0.clone(), matches: found.len() as u64 }),
        }
    }
}

/// Returns the first digits of a hash, for texts in which the whole hash would hide the rest.
pub(super) fn short(hash: &PolicyHash) -> String {
    hash.to_string().chars().take(SHOWN_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_names_a_version_a_word_or_a_file() {
        let hash = "0123456789abcdef".repeat(4);
        let version = |text: &str| PolicyRef::Version(VersionRef(text.to_owned()));
        let file = |text: &str| PolicyRef::File(InputSource::File(text.into()));
        for (text, expected) in [
            ("active", PolicyRef::Active),
            ("default", PolicyRef::Default),
            ("-", PolicyRef::File(InputSource::Stdin)),
            (hash.as_str(), version(&hash)),
            ("01234567", version("01234567")),
            ("0123456", file("0123456")),
            ("./01234567", file("./01234567")),
            ("0123456G", file("0123456G")),
            ("policy.toml", file("policy.toml")),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(format!("{hash}0").parse::<VersionRef>(), Err(InvalidVersionRef));
        assert_eq!(short(&hash.parse().unwrap()), "0123456789ab");
    }
}
