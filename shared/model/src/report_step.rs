//! The next steps of a report: what is to be done, the most urgent first.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

crate::string_enum::open_string_enum! {
    /// What a next step of a report is about.
    ReportStepKind {
        /// Incidents that nobody has acknowledged.
        OpenIncidents = "open_incidents",
        /// Incidents that are acknowledged and not resolved.
        AcknowledgedIncidents = "acknowledged_incidents",
        /// Remediations that failed, timed out, were ineffective or undeliverable.
        FailedRemediations = "failed_remediations",
        /// CRITICAL events of the period.
        CriticalEvents = "critical_events",
        /// A category whose score is above its threshold.
        Category = "category",
    }
}

/// A next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportStep {
    /// What the step is about.
    pub kind: ReportStepKind,
    /// What to do. For CRITICAL events and categories this is the recommendation, word for word.
    pub text: String,
    /// The figures that led to it, without a full stop.
    pub detail: String,
    /// Number of incidents, remediations or events that it is about. None for a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The path of the dashboard's page that shows them, with its query.
    pub path: String,
}

/// The incidents that are unresolved when a report is made, whenever they were opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnresolvedIncidents {
    /// Number of incidents that nobody has acknowledged.
    pub open: u64,
    /// Number of incidents that are acknowledged.
    pub acknowledged: u64,
    /// Whether one of them has a CRITICAL event and was opened before the end of the period.
    pub has_critical_event: bool,
}
