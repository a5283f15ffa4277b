//! Incidents: a list of them, the story of each, and whoever takes one.

pub(crate) mod list;
pub(crate) mod mark;
pub(crate) mod story;

use model::{Cause, IncidentId, IncidentStatus};
use platform::Problem;
use store::Known;

use crate::Parts;

impl Parts {
    async fn known(&self, id: &IncidentId) -> Result<Known, Problem> {
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
pub(crate) const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::CriticalEvent => "a CRITICAL event",
        Cause::Action => "a remedy came to a bad end",
        Cause::GivenUp => "remedies were of no use too often, and no more are started",
        Cause::Silence => "the engine says nothing",
    }
}
