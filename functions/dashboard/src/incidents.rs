//! Incidents: a list of them, the story of each, and whoever takes one.

pub(crate) mod list;
pub(crate) mod mark;
pub(crate) mod timeline;

use age_model::{IncidentCause, IncidentId, IncidentStatus};
use age_platform::Problem;
use age_store::IncidentRecord;

use crate::Parts;

impl Parts {
    async fn record(&self, id: &IncidentId) -> Result<IncidentRecord, Problem> {
        self.tables.incidents.get(id).await?.ok_or_else(|| Problem::not_found("there is no such incident"))
    }
}

/// Where the page of an incident is.
pub(crate) fn path(id: &IncidentId) -> String {
    format!("/dashboard/incidents/{id}")
}

/// A status as people say it, with a sign of its own: no status is told by its colour alone.
pub(crate) const fn status(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Open => "▲ open",
        IncidentStatus::Acknowledged => "● acknowledged",
        IncidentStatus::Resolved => "✓ resolved",
    }
}

/// Why an incident was opened.
pub(crate) const fn cause(cause: IncidentCause) -> &'static str {
    match cause {
        IncidentCause::CriticalEvent => "a CRITICAL event",
        IncidentCause::FailedRemediation => "a remedy came to a bad end",
        IncidentCause::GivenUp => "remedies were of no use too often, and no more are started",
        IncidentCause::EngineSilent => "the engine says nothing",
    }
}
