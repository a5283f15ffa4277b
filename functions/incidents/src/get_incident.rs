//! `GET /api/governance/incidents/{id}`: an incident with its timeline.

use age_governance::{IncidentTimeline, TimelineTables};
use age_http::{NoQuery, PathId, Problem};
use age_model::{IncidentId, TimelineEntry, UnreadableItem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, Tables};
use crate::incident_view::IncidentView;

/// An incident with its timeline.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentWithTimeline {
    #[serde(flatten)]
    incident: IncidentView,
    /// The earliest entry first.
    timeline: Vec<TimelineEntry>,
    /// Whether earlier events are left out.
    has_earlier_events: bool,
    /// Whether earlier notifications are left out.
    has_earlier_notifications: bool,
    /// Whether earlier status changes and comments are left out.
    has_earlier_changes: bool,
    /// The events, actions and notifications that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
}

/// Get an incident
///
/// Returns the incident with its timeline: events, actions, outcomes, approvals, notifications, deliveries to channels, status
/// changes and comments, in order.
#[utoipa::path(
    get,
    path = "/api/governance/incidents/{id}",
    operation_id = "get_incident", tag = "Incidents",
    params(("id" = String, Path, description = "The id of the incident, such as `billing.1795392300000.invoice_sync_failed`")),
    responses((status = 200, description = "The incident", body = IncidentWithTimeline)),
)]
pub(crate) async fn get_incident(
    State(App(app)): State<App>,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Json<IncidentWithTimeline>, Problem> {
    let record = app.incident(&id).await?;
    let Tables { incidents, search, events, actions, deliveries, .. } = &app.tables;
    let tables = TimelineTables { incidents, search, events, actions, deliveries };
    let min_severity = app.policies.current().policy.actions.min_severity;
    let timeline = IncidentTimeline::read(&record, min_severity, tables, app.clock.as_ref()).await?;
    let IncidentTimeline { entries, has_earlier_events, has_earlier_notifications, has_earlier_changes, unreadable } =
        timeline;
    Ok(Json(IncidentWithTimeline {
        incident: record.into(),
        timeline: entries,
        has_earlier_events,
        has_earlier_notifications,
        has_earlier_changes,
        unreadable,
    }))
}
