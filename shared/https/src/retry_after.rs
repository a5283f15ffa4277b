//! The header `Retry-After`.

use std::time::{Duration, UNIX_EPOCH};

use age_model::Timestamp;
use hyper::header::HeaderValue;

/// The longest wait that a receiver can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Returns how long to wait from `now`, at most 24 hours: `value` is a number of seconds or an HTTP date. None if it is neither.
pub(crate) fn parse_retry_after(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only a number that is too large cannot be read.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        let now = Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
        date.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(now)
    };
    Some(wait.min(MAX_RETRY_AFTER))
}
