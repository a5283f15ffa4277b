//! Names of channels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// The name of a channel, such as `ops-chat`: 1 to 32 characters, chosen by the admin who creates it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$")]
pub struct ChannelName(String);

/// The text is not the name of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 1 to 32 characters, each a lower-case letter, digit, - or _, the first a letter")]
pub struct InvalidChannelName;

impl ChannelName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ChannelName {
    type Err = InvalidChannelName;

    fn from_str(text: &str) -> Result<Self, InvalidChannelName> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        let fits = (1..=32).contains(&text.len())
            && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            && text.bytes().all(is_part);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidChannelName) }
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.0
    }
}

impl TryFrom<String> for ChannelName {
    type Error = InvalidChannelName;

    fn try_from(text: String) -> Result<Self, InvalidChannelName> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_a_short_word() {
        for good in ["a", "ops-chat", "pager_2", &"x".repeat(32)] {
            assert!(good.parse::<ChannelName>().is_ok(), "{good}");
        }
        for bad in ["", "2nd", "-x", "Ops", "a b", "a#b", "ä", &"x".repeat(33)] {
            assert!(bad.parse::<ChannelName>().is_err(), "{bad}");
        }
    }
}
