//! The period of a simulation or an export.

use age_model::Timestamp;
use clap::Args;

/// The days of a period whose beginning is not given.
const DEFAULT_DAYS: i64 = 28;

#[derive(Debug, Args)]
pub(super) struct PeriodArgs {
    /// Beginning of the period, RFC 3339, such as 2026-11-02T00:00:00Z [default: 4 weeks before its end]
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// End of the period, RFC 3339, at most 13 weeks after its beginning [default: the last whole hour]
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

impl PeriodArgs {
    /// Returns the beginning and the end.
    pub(super) fn resolve(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        // A command that is repeated within the hour asks for the same period, which AGE may be simulating already.
        let to = self.to.unwrap_or_else(|| now.floor_hour());
        (self.from.unwrap_or_else(|| to.plus_days(-DEFAULT_DAYS)), to)
    }
}
