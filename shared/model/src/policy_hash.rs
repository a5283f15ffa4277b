//! Policy hashes: names of policy versions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use utoipa::ToSchema;

use crate::hexadecimal::hexadecimal;

/// How many bytes a SHA-256 has.
const BYTES: usize = 32;

/// The name of a policy version: the SHA-256 of its canonical JSON, as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$", min_length = 64, max_length = 64)]
pub struct PolicyHash([u8; BYTES]);

/// A text that is not a policy hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 64 lower-case hexadecimal digits, the SHA-256 of a policy")]
pub struct InvalidPolicyHash;

impl PolicyHash {
    /// Returns the hash of a policy by its canonical JSON.
    #[must_use]
    pub fn of_canonical_json(json: &str) -> Self {
        Self(Sha256::digest(json).into())
    }

    /// Returns the hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PolicyHash {
    type Err = InvalidPolicyHash;

    fn from_str(text: &str) -> Result<Self, InvalidPolicyHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(InvalidPolicyHash),
        };
        let (pairs, rest) = text.as_bytes().as_chunks();
        let bytes = pairs.iter().map(|[high, low]| Ok((digit(*high)? << 4) | digit(*low)?));
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>()?;
        if !rest.is_empty() {
            return Err(InvalidPolicyHash);
        }
        bytes.try_into().map(Self).map_err(|_| InvalidPolicyHash)
    }
}

impl From<PolicyHash> for String {
    fn from(hash: PolicyHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for PolicyHash {
    type Error = InvalidPolicyHash;

    fn try_from(text: String) -> Result<Self, InvalidPolicyHash> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hash_of_a_document_is_its_sha_256() {
        let hash = PolicyHash::of_canonical_json("{}");
        assert_eq!(hash.to_string(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(serde_json::to_value(hash).unwrap(), hash.to_string());
        assert_eq!(PolicyHash::from_bytes(*hash.as_bytes()), hash);
    }

    #[test]
    fn text_that_is_not_64_lower_case_digits_is_refused() {
        let hash = "0123456789abcdef".repeat(4);
        assert!(hash.parse::<PolicyHash>().is_ok());
        for text in ["", &hash[1..], &format!("{hash}0"), &hash.to_uppercase(), &hash.replace('f', "g")] {
            assert_eq!(text.parse::<PolicyHash>(), Err(InvalidPolicyHash), "{text}");
            assert!(serde_json::from_value::<PolicyHash>(text.into()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn hash_is_read_as_it_is_shown(bytes: [u8; BYTES]) {
            let hash = PolicyHash::from_bytes(bytes);
            prop_assert_eq!(hash.to_string().parse(), Ok(hash));
            prop_assert_eq!(serde_json::from_str::<PolicyHash>(&serde_json::to_string(&hash).unwrap()).unwrap(), hash);
        }
    }
}
