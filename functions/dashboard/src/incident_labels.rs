//! How pages word incidents.

use age_model::{IncidentCause, IncidentStatus};

/// Returns the word of a status, after a symbol: no status is recognized by its colour alone.
pub(crate) const fn status_label(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Open => "▲ open",
        IncidentStatus::Acknowledged => "● acknowledged",
        IncidentStatus::Resolved => "✓ resolved",
    }
}

/// Returns why an incident was opened.
pub(crate) const fn describe_cause(cause: IncidentCause) -> &'static str {
    match cause {
        IncidentCause::CriticalEvent => "CRITICAL event",
        IncidentCause::FailedRemediation => "failed remediation",
        IncidentCause::GivenUp => "remediations were ineffective too often; AGE starts no more of them",
        IncidentCause::EngineSilent => "silent engine",
    }
}
