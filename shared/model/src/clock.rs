//! Time and randomness as arguments.

use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::Timestamp;

/// There is no randomness to make a secret of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no randomness to make a secret of")]
pub struct RandomnessUnavailable;

/// Where the time and random bits come from. Nothing else in AGE may ask the machine for them.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// 128 random bits, to tell things apart.
    fn random(&self) -> u128;

    /// 256 random bits that nobody can guess.
    ///
    /// # Errors
    /// [`RandomnessUnavailable`] if there are none.
    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable>;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn random(&self) -> u128 {
        (**self).random()
    }

    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable> {
        (**self).secret()
    }
}

/// A clock that moves only when told to; its random bits are a fixed sequence. For tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Timestamp, u128)>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self { state: Mutex::new((now, 0)) }
    }

    /// Moves to `now`, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }

    /// Moves forward by `seconds`.
    pub fn advance(&self, seconds: i64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.plus_seconds(seconds);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn random(&self) -> u128 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // An odd multiplier walks through all 128-bit states; the high half is the well-mixed one.
        state.1 = state.1.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(0x5851_F42D_4C95_7F2D);
        state.1.rotate_left(64)
    }

    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable> {
        let mut bytes = [0; 32];
        let halves = [self.random(), self.random()];
        for (byte, random) in bytes.iter_mut().zip(halves.iter().flat_map(|half| half.to_be_bytes())) {
            *byte = random;
        }
        Ok(bytes)
    }
}
