//! The machine's clock and randomness. The one place that may ask for them.

use std::time::{SystemTime, UNIX_EPOCH};

use age_model::{Clock, RandomnessUnavailable, Timestamp};

use crate::env::{self, ConfigError};

const OFFSET: &str = "CLOCK_OFFSET_SECONDS";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock {
    offset_seconds: i64,
}

impl SystemClock {
    /// The machine's clock; against a local AWS shifted by `CLOCK_OFFSET_SECONDS`, so that a past week can be replayed.
    ///
    /// # Errors
    /// [`ConfigError`] if the clock is to be shifted anywhere else: a shifted clock would falsify a real record.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::shifted(env::optional(OFFSET), env::optional(ENDPOINT))
    }

    fn shifted(offset: Option<String>, endpoint: Option<String>) -> Result<Self, ConfigError> {
        let Some(offset) = offset else { return Ok(Self::default()) };
        let invalid = |problem: &str| ConfigError::Invalid { name: OFFSET, problem: problem.to_owned() };
        let local = |endpoint: String| {
            let rest = endpoint.strip_prefix("http://")?;
            let host = rest.split(['/', ':']).next()?;
            Some(host == "127.0.0.1" || host == "localhost")
        };
        if endpoint.and_then(local) != Some(true) {
            return Err(invalid("the clock may be shifted only where AWS_ENDPOINT_URL is this machine"));
        }
        let offset_seconds = offset.parse().map_err(|_| invalid("must be a whole number of seconds"))?;
        Ok(Self { offset_seconds })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
            .plus_seconds(self.offset_seconds)
    }

    fn random(&self) -> u128 {
        let mut bits = [0; 16];
        #[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
        let filled = getrandom::fill(&mut bits);
        if let Err(error) = filled {
            // Two events of one millisecond would share an id then; the store takes the first and refuses the second.
            tracing::error!(%error, "no randomness");
        }
        u128::from_be_bytes(bits)
    }

    fn secret(&self) -> Result<[u8; 32], RandomnessUnavailable> {
        let mut bits = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
        getrandom::fill(&mut bits).map_err(|error| {
            tracing::error!(%error, "no randomness");
            RandomnessUnavailable
        })?;
        Ok(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shifted_on_a_local_aws_only() {
        let shifted = |offset: &str, endpoint: Option<&str>| {
            SystemClock::shifted(Some(offset.to_owned()), endpoint.map(str::to_owned)).map(|clock| clock.offset_seconds)
        };
        assert_eq!(shifted("-3600", Some("http://127.0.0.1:4566")), Ok(-3600));
        assert_eq!(shifted("60", Some("http://localhost:4566/")), Ok(60));
        for endpoint in [
            None,
            Some("https://dynamodb.us-east-1.amazonaws.com"),
            Some("http://127.0.0.1.example.com"),
            Some("http://x@localhost"),
        ] {
            assert!(shifted("60", endpoint).is_err(), "{endpoint:?}");
        }
        assert!(shifted("soon", Some("http://localhost:4566")).is_err());
        assert_eq!(SystemClock::shifted(None, None).unwrap().offset_seconds, 0);
    }

    #[test]
    fn ticks_and_draws() {
        let clock = SystemClock::default();
        assert!(clock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
        assert_ne!(clock.random(), clock.random());
    }
}
