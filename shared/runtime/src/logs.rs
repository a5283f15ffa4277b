//! Logging: one JSON object per line, with the request id. A log line never contains a secret or an event's details.

use tracing_subscriber::filter::LevelFilter;

/// Starts logging to standard output, which Lambda collects.
pub fn init() {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(LevelFilter::INFO)
        // The runtime opens a span with the request id around each invocation.
        .with_current_span(true)
        .with_span_list(false)
        .with_target(true)
        .init();
}
