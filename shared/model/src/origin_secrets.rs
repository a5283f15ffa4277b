//! The secrets of a proxy in front of the API.

use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// As many as a rotation needs.
const MAX_SECRETS: usize = 2;

/// The SHA-256 hashes of the secrets that a proxy in front of the API sends with each request. None: no proxy is
/// required.
///
/// A hash reveals nothing about a secret that was chosen at random, so it may stand in a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginSecrets(Vec<[u8; 32]>);

/// The text is not a list of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one or two SHA-256 hashes of 64 hexadecimal digits, with a comma between them")]
pub struct InvalidOriginSecrets;

impl OriginSecrets {
    /// Whether a request with `secret` came through the proxy, or no proxy is required.
    #[must_use]
    pub fn accept(&self, secret: Option<&[u8]>) -> bool {
        let hash = secret.map(|secret| <[u8; 32]>::from(Sha256::digest(secret)));
        // Compares in constant time, and with each hash, so that the duration reveals nothing about them.
        let matches = |hash: [u8; 32]| self.0.iter().fold(false, |found, known| found | bool::from(known.ct_eq(&hash)));
        self.0.is_empty() || hash.is_some_and(matches)
    }
}

impl FromStr for OriginSecrets {
    type Err = InvalidOriginSecrets;

    fn from_str(text: &str) -> Result<Self, InvalidOriginSecrets> {
        let hashes: Option<Vec<_>> = text.split(',').map(parse_hash).collect();
        hashes.filter(|hashes| hashes.len() <= MAX_SECRETS).map(Self).ok_or(InvalidOriginSecrets)
    }
}

fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc` and of the empty text (FIPS 180-4).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn only_the_secret_of_a_hash_is_accepted() {
        let one: OriginSecrets = ABC.parse().unwrap();
        let two: OriginSecrets = format!("{EMPTY},{}", ABC.to_uppercase()).parse().unwrap();
        for secrets in [&one, &two] {
            assert!(secrets.accept(Some(b"abc")));
            assert!(!secrets.accept(Some(b"abd")) && !secrets.accept(Some(ABC.as_bytes())) && !secrets.accept(None));
        }
        assert!(two.accept(Some(b"")) && !one.accept(Some(b"")));
        assert!(OriginSecrets::default().accept(None) && OriginSecrets::default().accept(Some(b"x")));
    }

    #[test]
    fn text_that_is_no_list_of_hashes_is_refused() {
        let (short, long, other) = (&ABC[1..], format!("{ABC}0"), ABC.replace('b', "g"));
        let three = [ABC; 3].join(",");
        for text in ["", ",", short, &long, &other, &three, &format!("{ABC}, {EMPTY}"), &format!("{ABC},")] {
            assert_eq!(text.parse::<OriginSecrets>(), Err(InvalidOriginSecrets), "{text}");
        }
    }
}
