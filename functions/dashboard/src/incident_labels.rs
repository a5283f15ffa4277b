//! How pages word incidents.

use age_model::{IncidentCause, IncidentStatus};

use crate::format::to_words;

/// Returns the word of a status, after a symbol: no status is recognized by its colour alone.
pub(crate) fn status_label(status: IncidentStatus) -> String {
    let symbol = match status {
        IncidentStatus::Open => "▲",
        IncidentStatus::Acknowledged => "●",
        IncidentStatus::Resolved => "✓",
        IncidentStatus::Unknown(_) => "?",
    };
    format!("{symbol} {}", to_words(status.as_str()))
}

/// Returns why an incident was opened.
pub(crate) const fn describe_cause(cause: IncidentCause) -> &'static str {
    match cause {
        IncidentCause::CriticalEvent => "CRITICAL event",
        IncidentCause::FailedRemediation => "failed remediation",
        IncidentCause::GivenUp => "remediations were ineffective too often; AGE starts no more of them",
        IncidentCause::EngineSilent => "silent engine",
        IncidentCause::ManyEventTypes => "too many open incidents: this one gathers further event types",
        IncidentCause::Unknown(cause) => cause.as_str(),
    }
}
