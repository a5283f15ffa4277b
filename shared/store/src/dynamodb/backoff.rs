//! Waiting before another attempt.

use std::time::Duration;

use age_model::Clock;

/// Waits a random time below a ceiling that doubles with each attempt: 5, 10, 20 … 320 ms.
pub async fn wait_before_retry(attempts: u32, clock: &dyn Clock) {
    let ceiling = 5_u64 << attempts.saturating_sub(1).min(6);
    let millis = u64::try_from(clock.random() % u128::from(ceiling)).unwrap_or(ceiling);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
