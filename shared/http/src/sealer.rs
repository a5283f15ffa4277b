//! Seals: MACs over what AGE gives out and gets back, so that nobody else can change or invent it. Sealed texts are not secret.

use age_model::SealingKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::problem::Problem;

/// Half of the HMAC: 128 bits cannot be guessed.
const TAG_BYTES: usize = 16;

/// The block of SHA-256, in which HMAC pads shorter keys with zeros.
const BLOCK_BYTES: usize = 64;

/// Seals texts for one purpose.
#[derive(Clone)]
pub struct Sealer(Hmac<Sha256>);

impl Sealer {
    /// Derives the sealer for `purpose`. What it seals does not open for another purpose.
    #[must_use]
    pub fn derive(key: &SealingKey, purpose: &str) -> Self {
        let derived = keyed(key.reveal()).chain_update(purpose).finalize();
        Self(keyed(&derived.into_bytes().into()))
    }

    /// Returns `text`, sealed in `scope`.
    #[must_use]
    pub fn seal(&self, scope: &str, text: &str) -> String {
        let mut bytes = self.tag(scope, text).to_vec();
        bytes.extend_from_slice(text.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the text that was sealed in `scope`; None if `sealed` was not.
    #[must_use]
    pub fn open(&self, scope: &str, sealed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (tag, text) = bytes.split_at_checked(TAG_BYTES)?;
        let text = std::str::from_utf8(text).ok()?;
        self.mac(scope, text).verify_truncated_left(tag).ok()?;
        Some(text.to_owned())
    }

    fn tag(&self, scope: &str, text: &str) -> [u8; TAG_BYTES] {
        let [tag @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] =
            self.mac(scope, text).finalize().into_bytes().into();
        tag
    }

    fn mac(&self, scope: &str, text: &str) -> Hmac<Sha256> {
        let length = u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes();
        self.0.clone().chain_update(length).chain_update(scope).chain_update(text)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

/// Returns the 503 of a request that needs AGE's key before there is one.
pub(crate) fn no_key() -> Problem {
    Problem::unavailable(
        "AGE has no key to seal with yet; it makes one when a credential is created, rotated or revoked",
    )
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; BLOCK_BYTES];
    for (byte, of_key) in block.iter_mut().zip(key) {
        *byte = *of_key;
    }
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use age_model::ManualClock;

    use super::*;

    #[test]
    fn text_opens_only_with_its_key_purpose_and_scope() {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let (key, other_key) = (SealingKey::fresh(&clock).unwrap(), SealingKey::fresh(&clock).unwrap());
        let cursors = Sealer::derive(&key, "cursors");
        let text = cursors.seal("events", "here");
        assert_eq!(Sealer::derive(&key, "cursors").open("events", &text).as_deref(), Some("here"));
        assert_eq!(cursors.open("event", &text), None);
        assert_eq!(Sealer::derive(&key, "forms").open("events", &text), None);
        assert_eq!(Sealer::derive(&other_key, "cursors").open("events", &text), None);
        assert_eq!(format!("{cursors:?}"), "Sealer(…)");
    }

    #[test]
    fn derivation_is_hmac_sha256() {
        let zeros = SealingKey::try_from([0; 32].as_slice()).unwrap();
        // Python: hmac.new(hmac.new(bytes(32), b"cursors", "sha256").digest(), bytes(8) + b"x", "sha256").digest()[:16] + b"x"
        assert_eq!(Sealer::derive(&zeros, "cursors").seal("", "x"), "ysRKm7P6N9_vYau06hqqBng");
    }
}
