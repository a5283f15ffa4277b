//! The paths of pages.

use age_model::{Action, ChannelName, DecisionId, EventId, HoldId, IncidentId, PolicyHash, ReportId};

/// The path of the page of all channels.
pub(crate) const CHANNELS_PATH: &str = "/dashboard/channels";

pub(crate) fn event_path(id: EventId) -> String {
    format!("/dashboard/events/{id}")
}

pub(crate) fn action_path(event: EventId, action: Action) -> String {
    format!("/dashboard/events/{event}/actions/{action}")
}

pub(crate) fn incident_path(id: &IncidentId) -> String {
    format!("/dashboard/incidents/{id}")
}

pub(crate) fn decision_path(id: DecisionId) -> String {
    format!("/dashboard/decisions/{id}")
}

pub(crate) fn hold_path(id: HoldId) -> String {
    format!("/dashboard/holds/{id}")
}

pub(crate) fn channel_path(name: &ChannelName) -> String {
    format!("{CHANNELS_PATH}/{name}")
}

pub(crate) fn report_path(id: ReportId) -> String {
    format!("/dashboard/reports/{id}")
}

pub(crate) fn policy_path(hash: &PolicyHash) -> String {
    format!("/dashboard/policy/{hash}")
}

/// Returns the URL of the list at `path` with those of `fields` that have a value.
pub(crate) fn list_url(path: &str, fields: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
