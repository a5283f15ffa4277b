//! The clock and random number generator of the machine. Nothing else may read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use age_model::{Clock, RandomnessUnavailable, Sleep, Timestamp};

use crate::config::{ConfigValue, Variables};

const OFFSET: &str = "CLOCK_OFFSET_SECONDS";

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock {
    offset_seconds: i64,
}

impl SystemClock {
    /// Reads `CLOCK_OFFSET_SECONDS`, by which the clock is shifted to replay a past week. An offset is refused unless the host
    /// of `AWS_ENDPOINT_URL` is this machine: a shifted clock would falsify real records.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let Some(offset) = variables.local(OFFSET) else { return Self::default() };
        let offset_seconds = offset.parse().unwrap_or_else(|_| {
            variables.refuse(OFFSET, &format!("must be a whole number of seconds; got \"{offset}\""));
            0
        });
        Self { offset_seconds }
    }
}

impl ConfigValue for SystemClock {
    fn read(variables: &mut Variables<'_>, _: &str) -> Self {
        Self::read(variables)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
            .plus_seconds(self.offset_seconds)
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u128 {
        let mut bits = [0; 16];
        #[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
        let filled = getrandom::fill(&mut bits);
        if let Err(error) = filled {
            // Two events of the same millisecond then have the same id; the store inserts the first and refuses the second.
            tracing::error!(%error, "no random bytes available: {error}");
        }
        u128::from_be_bytes(bits)
    }

    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable> {
        let mut bits = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
        getrandom::fill(&mut bits).map_err(|error| {
            tracing::error!(%error, "no random bytes available: {error}");
            RandomnessUnavailable
        })?;
        Ok(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shifted(offset: Option<&str>, endpoint: Option<&str>) -> Option<i64> {
        let mut variables = Variables::new(|name| {
            let value = if name == OFFSET { offset } else { endpoint };
            value.map(str::to_owned)
        });
        let clock = SystemClock::read(&mut variables);
        variables.finish(clock.offset_seconds).ok()
    }

    #[test]
    fn clock_is_shifted_for_a_local_endpoint_only() {
        assert_eq!(shifted(Some("-3600"), Some("http://127.0.0.1:4566")), Some(-3600));
        assert_eq!(shifted(Some("60"), Some("http://localhost:4566/")), Some(60));
        for endpoint in [
            None,
            Some("https://dynamodb.us-east-1.amazonaws.com"),
            Some("http://127.0.0.1.example.com"),
            Some("http://x@localhost"),
        ] {
            assert_eq!(shifted(Some("60"), endpoint), None, "{endpoint:?}");
        }
        assert_eq!(shifted(Some("soon"), Some("http://localhost:4566")), None);
        assert_eq!(shifted(None, None), Some(0));
    }

    #[test]
    fn system_clock_has_the_current_time_and_differing_random_bits() {
        let clock = SystemClock::default();
        assert!(clock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
        assert_ne!(clock.random(), clock.random());
    }
}
