//! Rate limits of requests, per execution environment and key, such as a credential.

use std::collections::BTreeMap;

use age_model::{RateLimit, Timestamp};

const SECOND_MICROS: i64 = 1_000_000;

/// The most that one request costs: the events of the largest batch.
const MAX_COST: usize = 500;

/// A rate of requests: how many per second, and how many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRate {
    per_second: u32,
    burst: u32,
}

impl RequestRate {
    /// Creates a rate of `per_second` requests per second and `burst` requests at once; both are at least 1.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    fn limit(self) -> RateLimit {
        RateLimit::new(SECOND_MICROS / i64::from(self.per_second.max(1)), self.burst)
    }
}

/// How many requests of its caller a request counts for, as an extension of its response: a batch counts for its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestCost(pub usize);

/// A rate limit for each key.
#[derive(Debug, Clone)]
pub(crate) struct RateLimiter<K> {
    limit: RateLimit,
    /// When all permits of each key are available again, in microseconds.
    full_at: BTreeMap<K, i64>,
}

impl<K: Ord + Clone> RateLimiter<K> {
    pub(crate) fn new(rate: RequestRate) -> Self {
        Self { limit: rate.limit(), full_at: BTreeMap::new() }
    }

    /// Takes a permit of `key`.
    ///
    /// # Errors
    /// The number of seconds after which a permit is available, if none is now.
    pub(crate) fn acquire(&mut self, key: &K, now: Timestamp) -> Result<(), u16> {
        let now = now.millis().saturating_mul(1000);
        // A time further ahead than a correct clock can have stored is ignored: a clock that was ahead must not block callers.
        let debt = self.limit.charge(now, now, MAX_COST) - now;
        let full_at = self.full_at.get(key).copied().filter(|full_at| self.limit.is_plausible(*full_at, now, debt));
        match self.limit.acquire(full_at, now, 0) {
            Ok(full_at) => {
                self.full_at.insert(key.clone(), full_at);
                Ok(())
            }
            Err(wait) => Err(u16::try_from(wait.saturating_add(SECOND_MICROS - 1) / SECOND_MICROS).unwrap_or(u16::MAX)),
        }
    }

    /// Takes the permits of a request of `key` beyond its first one, which was acquired before. They may not be available yet: then
    /// the next request waits for as long.
    pub(crate) fn charge(&mut self, key: &K, RequestCost(cost): RequestCost, now: Timestamp) {
        let now = now.millis().saturating_mul(1000);
        let full_at = self.full_at.get(key).copied().unwrap_or(now);
        self.full_at.insert(key.clone(), self.limit.charge(full_at, now, cost.min(MAX_COST).saturating_sub(1)));
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
    fn burst_is_followed_by_the_rate_and_keys_are_independent() {
        let mut limiter = RateLimiter::new(RequestRate::new(50, 100));
        let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let acquired = |limiter: &mut RateLimiter<KeyId>, at: Timestamp| {
            (0..1000).filter(|_| limiter.acquire(&kid("worker"), at).is_ok()).count()
        };
        assert_eq!(acquired(&mut limiter, now), 100);
        assert_eq!(limiter.acquire(&kid("worker"), now), Err(1));
        assert_eq!(limiter.acquire(&kid("another"), now), Ok(()), "each key has its own limit");
        assert_eq!(acquired(&mut limiter, now.plus_seconds(1)), 50);
        assert_eq!(acquired(&mut limiter, now.plus_seconds(60)), 100);
        assert_eq!(acquired(&mut limiter, now), 100, "a clock that is set back does not block the key");
    }

    #[test]
    fn batch_counts_for_its_events_and_is_not_refused_for_its_size() {
        let mut limiter = RateLimiter::new(RequestRate::new(50, 100));
        let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let mut batch = |events: usize, seconds: i64| {
            let at = now.plus_seconds(seconds);
            limiter.acquire(&kid("worker"), at)?;
            limiter.charge(&kid("worker"), RequestCost(events), at);
            Ok(())
        };
        assert_eq!(batch(500, 0), Ok(()));
        // 400 events more than the burst, at 50 a second.
        assert_eq!((batch(1, 0), batch(1, 8), batch(1, 9)), (Err(9), Err(1), Ok(())));
        assert_eq!(batch(1, -3600), Ok(()), "a clock that is set back does not block the key");
    }

    proptest! {
        #[test]
        fn requests_never_exceed_burst_and_rate(per_second in 1_u32..200, burst in 1_u32..200, steps in prop::collection::vec(0_i64..200, 1..200)) {
            let mut limiter = RateLimiter::new(RequestRate::new(per_second, burst));
            let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
            let (mut now, mut acquired) = (start, 0_u32);
            for millis in steps {
                now = now.plus_millis(millis);
                match limiter.acquire(&kid("worker"), now) {
                    Ok(()) => acquired += 1,
                    Err(seconds) => {
                        prop_assert!(seconds >= 1);
                        prop_assert_eq!(limiter.clone().acquire(&kid("worker"), now.plus_seconds(seconds.into())), Ok(()));
                    }
                }
            }
            let elapsed = u32::try_from(now.millis() - start.millis()).unwrap();
            // The interval is rounded down to whole microseconds, which allows a request more over a long time.
            prop_assert!(acquired <= burst + elapsed * per_second / 1000 + 1);
        }
    }
}
