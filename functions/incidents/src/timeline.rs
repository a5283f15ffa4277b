//! One incident, with all that happened in the order in which it did.

use age_model::{IncidentId, TimelineEntry};
use age_platform::{NoQuery, PathId, Problem};
use age_store::IncidentTimeline;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::IncidentView;

/// An incident with its story.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentWithTimeline)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentWithTimeline {
    #[serde(flatten)]
    incident: IncidentView,
    /// What happened, the earliest first.
    timeline: Vec<TimelineEntry>,
    /// Whether there are earlier events that are not told here.
    has_earlier_events: bool,
    /// Whether there are earlier notices that are not told here.
    has_earlier_notifications: bool,
}

/// One incident, and what happened in the order in which it did.
#[utoipa::path(
    get,
    path = "/api/governance/incidents/{id}",
    operation_id = "get_incident", tag = "Incidents",
    params(("id" = String, Path)),
    responses((status = 200, description = "The incident", body = IncidentWithTimeline)),
)]
pub(crate) async fn show(
    State(App(app)): State<App>,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Json<IncidentWithTimeline>, Problem> {
    let (record, severe, clock) = (app.record(&id).await?, app.policy.actions.min_severity, app.clock.as_ref());
    let timeline =
        IncidentTimeline::read(&record, severe, &app.incidents, &app.listing, app.life.actions(), clock).await?;
    let IncidentTimeline { entries, has_earlier_events, has_earlier_notifications } = timeline;
    Ok(Json(IncidentWithTimeline {
        incident: record.into(),
        timeline: entries,
        has_earlier_events,
        has_earlier_notifications,
    }))
}
