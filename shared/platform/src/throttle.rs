//! How often something may be asked of one execution environment, by one credential for instance.

use std::collections::BTreeMap;

use age_model::Timestamp;

use crate::env::{self, ConfigError};

/// How many requests a second, and how many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

impl Rate {
    /// `per_second` requests a second, `burst` at once; one at least of each.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        const fn one_or(number: u32) -> u32 {
            if number == 0 { 1 } else { number }
        }
        Self { per_second: one_or(per_second), burst: one_or(burst) }
    }

    /// As `REQUESTS_PER_SECOND` and `REQUESTS_BURST` say.
    ///
    /// # Errors
    /// [`ConfigError`] if they are not set to whole numbers.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::new(env::parsed("REQUESTS_PER_SECOND")?, env::parsed("REQUESTS_BURST")?))
    }
}

/// A bucket for every key that was seen: the generic cell rate algorithm, in microseconds.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    rate: Rate,
    /// When each bucket is full again.
    full_at: BTreeMap<K, i64>,
}

impl<K: Ord + Clone> Throttle<K> {
    pub(crate) const fn new(rate: Rate) -> Self {
        Self { rate, full_at: BTreeMap::new() }
    }

    /// Takes one request out of the bucket of `key`.
    ///
    /// # Errors
    /// In how many seconds there will be one to take, if there is none now.
    pub(crate) fn take(&mut self, key: &K, now: Timestamp) -> Result<(), u16> {
        let now = now.millis().saturating_mul(1000);
        let each = 1_000_000 / i64::from(self.rate.per_second);
        let whole = each.saturating_mul(self.rate.burst.into());
        // No right clock can have emptied the bucket further than that: one that was ahead must not keep anybody out.
        let possible = |full_at: &i64| *full_at <= now.saturating_add(whole);
        let begin = self.full_at.get(key).copied().filter(possible).unwrap_or(now).max(now);
        let full_at = begin.saturating_add(each);
        let wait = full_at.saturating_sub(whole).saturating_sub(now);
        if wait > 0 {
            return Err(u16::try_from(wait.saturating_add(999_999) / 1_000_000).unwrap_or(u16::MAX));
        }
        self.full_at.insert(key.clone(), full_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use age_model::KeyId;
    use proptest::prelude::*;

    use super::*;

    fn kid(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let mut throttle = Throttle::new(Rate::new(50, 100));
        let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let taken = |throttle: &mut Throttle<KeyId>, at: Timestamp| {
            (0..1000).filter(|_| throttle.take(&kid("worker"), at).is_ok()).count()
        };
        assert_eq!(taken(&mut throttle, now), 100);
        assert_eq!(throttle.take(&kid("worker"), now), Err(1));
        assert_eq!(throttle.take(&kid("another"), now), Ok(()), "each has its own");
        assert_eq!(taken(&mut throttle, now.plus_seconds(1)), 50);
        assert_eq!(taken(&mut throttle, now.plus_seconds(60)), 100);
        assert_eq!(taken(&mut throttle, now), 100, "a clock that is set back closes nothing");
    }

    proptest! {
        #[test]
        fn no_more_than_the_burst_and_the_rate_allow(per_second in 1_u32..200, burst in 1_u32..200, steps in prop::collection::vec(0_i64..200, 1..200)) {
            let mut throttle = Throttle::new(Rate::new(per_second, burst));
            let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
            let (mut now, mut taken) = (start, 0_u32);
            for millis in steps {
                now = now.plus_millis(millis);
                match throttle.take(&kid("worker"), now) {
                    Ok(()) => taken += 1,
                    Err(seconds) => {
                        prop_assert!(seconds >= 1);
                        let mut later = Throttle { rate: throttle.rate, full_at: throttle.full_at.clone() };
                        prop_assert_eq!(later.take(&kid("worker"), now.plus_seconds(seconds.into())), Ok(()));
                    }
                }
            }
            let elapsed = u32::try_from(now.millis() - start.millis()).unwrap();
            // A microsecond is lost in each division: one request in a very long time.
            prop_assert!(taken <= burst + elapsed * per_second / 1000 + 1);
        }
    }
}
