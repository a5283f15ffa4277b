//! The paths of pages.

use age_model::{Action, EventId, IncidentId, PolicyHash, ReportId};

pub(crate) fn event_path(id: EventId) -> String {
    format!("/dashboard/events/{id}")
}

pub(crate) fn action_path(event: EventId, action: Action) -> String {
    format!("/dashboard/events/{event}/actions/{action}")
}

pub(crate) fn incident_path(id: &IncidentId) -> String {
    format!("/dashboard/incidents/{id}")
}

pub(crate) fn report_path(id: ReportId) -> String {
    format!("/dashboard/reports/{id}")
}

pub(crate) fn policy_path(hash: &PolicyHash) -> String {
    format!("/dashboard/policy/{hash}")
}
