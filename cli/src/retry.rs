//! When and how often a failed request is sent again.

use std::cell::Cell;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::error::Error;

/// Upper bound of the wait before a retry. Also bounds the `Retry-After` that AGE sends.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// Attempts of a request for which a person waits.
const INTERACTIVE_MAX_ATTEMPTS: usize = 4;
/// Attempts of a request of an import: one failed request ends the whole import.
const BULK_MAX_ATTEMPTS: usize = 8;

/// Whether sending a request twice has the same effect as sending it once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    Idempotent,
    NonIdempotent,
}

/// Exponential backoff with jitter; AGE's `Retry-After` takes precedence.
pub(crate) struct RetryPolicy {
    initial_backoff: Duration,
    max_attempts: usize,
    is_disabled: Cell<bool>,
}

impl RetryPolicy {
    /// The policy for a command that sends single requests.
    pub(crate) fn interactive(initial_backoff: Duration) -> Self {
        Self { initial_backoff, max_attempts: INTERACTIVE_MAX_ATTEMPTS, is_disabled: Cell::new(false) }
    }

    /// The policy for a command that sends many requests.
    pub(crate) fn bulk(self) -> Self {
        Self { max_attempts: BULK_MAX_ATTEMPTS, ..self }
    }

    /// Ends all retries, also those of requests that are in progress.
    pub(crate) fn disable(&self) {
        self.is_disabled.set(true);
    }

    /// Calls `attempt` until it succeeds, fails with an error that a retry cannot change, or was called the maximum number
    /// of times. A request that is not idempotent is sent again only if it certainly had no effect.
    pub(crate) async fn run<T, F: Future<Output = Result<T, Error>>>(
        &self,
        idempotency: Idempotency,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.initial_backoff)
            .with_max_delay(MAX_BACKOFF)
            .with_max_times(self.max_attempts.saturating_sub(1))
            .with_jitter();
        let should_retry = |error: &Error| {
            let is_safe = idempotency == Idempotency::Idempotent || error.had_no_effect();
            error.is_retryable() && is_safe && !self.is_disabled.get()
        };
        let adjust = |error: &Error, backoff: Option<Duration>| Some(retry_delay(error.retry_after(), backoff?));
        attempt.retry(backoff).when(should_retry).adjust(adjust).await
    }
}

fn retry_delay(retry_after: Option<Duration>, backoff: Duration) -> Duration {
    retry_after.unwrap_or(backoff).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_replaces_backoff_up_to_the_maximum() {
        let seconds = Duration::from_secs;
        assert_eq!(retry_delay(None, seconds(4)), seconds(4));
        assert_eq!(retry_delay(Some(seconds(2)), seconds(4)), seconds(2));
        assert_eq!(retry_delay(Some(seconds(86_400)), seconds(4)), MAX_BACKOFF);
    }
}
