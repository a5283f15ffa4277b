//! The key with which AGE seals what it gives out and gets back.

use std::fmt;

use thiserror::Error;

use crate::clock::{Clock, RandomnessUnavailable};

/// A random key. AGE makes it once and stores it with its credentials. Cursors, forms and sessions are sealed with keys that are
/// derived from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealingKey([u8; 32]);

/// The bytes are not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 32 bytes")]
pub struct InvalidSealingKey;

impl SealingKey {
    /// Generates a key.
    ///
    /// # Errors
    /// [`RandomnessUnavailable`] if none can be generated.
    pub fn fresh(clock: &dyn Clock) -> Result<Self, RandomnessUnavailable> {
        clock.secret().map(Self)
    }

    /// Returns the bytes, which are secret.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for SealingKey {
    type Error = InvalidSealingKey;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidSealingKey> {
        bytes.try_into().map(Self).map_err(|_| InvalidSealingKey)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::keyring::Keyring;

    #[test]
    fn debug_output_hides_the_key() {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let key = SealingKey::fresh(&clock).unwrap();
        assert_eq!(SealingKey::try_from(key.reveal().as_slice()), Ok(key));
        assert_eq!(SealingKey::try_from([0; 31].as_slice()), Err(InvalidSealingKey));
        let keyring = Keyring::default().with_sealing_key(Some(key));
        assert!(format!("{keyring:?}").contains("SealingKey(…)"));
    }
}
