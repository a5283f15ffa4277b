//! The generic cell rate algorithm (ITU-T I.371), which limits a rate with one stored number.

/// A rate: one permit per interval, and up to `burst` permits at once after a pause.
///
/// Times and intervals are in one unit that the caller chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    interval: i64,
    burst: i64,
}

impl RateLimit {
    /// Creates a rate of one permit per `interval` and `burst` permits at once; both are at least 1.
    #[must_use]
    pub fn new(interval: i64, burst: u32) -> Self {
        Self { interval: interval.max(1), burst: i64::from(burst).max(1) }
    }

    /// Creates a rate of one permit per `interval`, which is at least 1.
    #[must_use]
    pub const fn single(interval: i64) -> Self {
        Self { interval, burst: 1 }
    }

    /// Takes a permit at `now`, leaving `reserved` of the burst to others. `full_at` is when all permits are available again.
    /// Returns the new `full_at`.
    ///
    /// # Errors
    /// The time until a permit is available, if none is.
    pub fn acquire(&self, full_at: Option<i64>, now: i64, reserved: u32) -> Result<i64, i64> {
        let begin = full_at.map_or(now, |full_at| full_at.max(now));
        let latest = self.latest(now, reserved);
        if begin > latest { Err(begin.saturating_sub(latest)) } else { Ok(begin.saturating_add(self.interval)) }
    }

    /// Takes `permits` at `now` without asking whether they are available. Returns the new `full_at`, which may lie further ahead than
    /// the burst.
    #[must_use]
    pub fn charge(&self, full_at: i64, now: i64, permits: usize) -> i64 {
        let permits = i64::try_from(permits).unwrap_or(i64::MAX);
        full_at.max(now).saturating_add(permits.saturating_mul(self.interval))
    }

    /// Gives back a permit that was not used. Returns the new `full_at`.
    #[must_use]
    pub const fn release(&self, full_at: i64) -> i64 {
        full_at.saturating_sub(self.interval)
    }

    /// Returns the latest `full_at` with which a permit is available at `now`.
    #[must_use]
    pub fn latest(&self, now: i64, reserved: u32) -> i64 {
        let available = self.burst.saturating_sub(i64::from(reserved)).saturating_sub(1).max(0);
        now.saturating_add(available.saturating_mul(self.interval))
    }

    /// Whether a correct clock can have stored `full_at`, if clocks differ by at most `skew`. A `full_at` further ahead must be
    /// ignored, or a clock that was ahead would block all callers.
    #[must_use]
    pub fn is_plausible(&self, full_at: i64, now: i64, skew: i64) -> bool {
        full_at <= now.saturating_add(self.burst.saturating_mul(self.interval)).saturating_add(skew)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn burst_is_available_after_a_pause_and_then_one_permit_per_interval() {
        let limit = RateLimit::new(10, 3);
        let mut full_at = None;
        for _ in 0..3 {
            full_at = Some(limit.acquire(full_at, 100, 0).unwrap());
        }
        assert_eq!(limit.acquire(full_at, 100, 0), Err(10));
        assert_eq!(limit.acquire(full_at, 109, 0), Err(1));
        assert_eq!(limit.acquire(full_at, 110, 0), Ok(140));
    }

    #[test]
    fn reserved_permits_are_left_to_others() {
        let limit = RateLimit::new(10, 3);
        let full_at = limit.acquire(None, 0, 2).unwrap();
        assert!(limit.acquire(Some(full_at), 0, 2).is_err());
        assert!(limit.acquire(Some(full_at), 0, 0).is_ok());
    }

    #[test]
    fn released_permit_is_available_again() {
        let limit = RateLimit::new(10, 3);
        let full_at = (0..3).fold(None, |full_at, _| Some(limit.acquire(full_at, 100, 0).unwrap()));
        assert!(limit.acquire(full_at, 100, 0).is_err());
        assert_eq!(limit.acquire(full_at.map(|full_at| limit.release(full_at)), 100, 0), Ok(130));
    }

    proptest! {
        #[test]
        fn permits_never_exceed_rate_and_burst(interval in 1_i64..50, burst in 1_u32..20, steps in prop::collection::vec(0_i64..30, 1..100)) {
            let limit = RateLimit::new(interval, burst);
            let (mut now, mut full_at, mut acquired) = (0, None, 0);
            for step in steps {
                now += step;
                match limit.acquire(full_at, now, 0) {
                    Ok(next) => (full_at, acquired) = (Some(next), acquired + 1),
                    Err(wait) => prop_assert!(limit.acquire(full_at, now + wait, 0).is_ok()),
                }
            }
            prop_assert!(acquired <= i64::from(burst) + now / interval);
        }
    }
}
