//! Time and randomness as arguments.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::time::Timestamp;

/// The machine has no random bytes for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no random bytes available to generate a secret")]
pub struct RandomnessUnavailable;

/// A wait that [`Clock::sleep`] has begun.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The source of time and random bits. No other code reads the machine's clock or random number generator.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Waits until the time has advanced by `duration`.
    fn sleep(&self, duration: Duration) -> Sleep<'_>;

    /// Returns 128 random bits for ids and delays, not for secrets.
    fn random(&self) -> u128;

    /// Returns 256 random bits of cryptographic quality.
    ///
    /// # Errors
    /// [`RandomnessUnavailable`] if the machine cannot supply them.
    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable>;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        (**self).sleep(duration)
    }

    fn random(&self) -> u128 {
        (**self).random()
    }

    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable> {
        (**self).secret()
    }
}

/// A clock that moves only when it is set or advanced, or when something sleeps, with a fixed sequence of random bits. For tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Timestamp, u128)>,
}

impl ManualClock {
    /// Creates a clock that shows `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self { state: Mutex::new((now, 0)) }
    }

    /// Sets the time to `now`, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }

    /// Advances the time by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.advance_millis(seconds.saturating_mul(1000));
    }

    /// Advances the time by `millis` milliseconds.
    pub fn advance_millis(&self, millis: i64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.plus_millis(millis);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Advances the time at once.
    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        self.advance_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> u128 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A linear congruential generator with a period of 2^128. The upper half of its state is the better one, so it comes last.
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
