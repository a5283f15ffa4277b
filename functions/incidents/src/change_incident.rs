//! `POST /api/governance/incidents/{id}/acknowledge` and `…/resolve`: acknowledge and resolve an incident.

use age_http::{Caller, NoQuery, OptionalJsonBody, PathId, Problem, RequestBody, request_body};
use age_model::{Clock, IncidentId, Note, StatusChange};
use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::incident_view::IncidentView;

request_body! {
    /// A note on the change.
    #[schema(as = StatusChangeRequest)]
    struct StatusChangeBody {
        /// Shown in the timeline of the incident.
        note: Option<Note>,
    }
}

/// Acknowledge an incident
///
/// Stops reminders and the escalation to the second line. Acknowledging it again as the same caller has no effect.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/acknowledge",
    operation_id = "acknowledge_incident", tag = "Incidents",
    params(("id" = String, Path)),
    request_body = Option<StatusChangeBody>,
    responses(
        (status = 200, description = "The updated incident", body = IncidentView),
        (status = 409, description = "Another caller has acknowledged the incident, or it is resolved"),
    ),
)]
pub(crate) async fn acknowledge_incident(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    let change = status_change(caller, &body, app.clock.as_ref())?;
    let record = app.incident(&id).await?;
    let changed = age_governance::acknowledge_incident(&app.lifecycle, record, change, app.clock.as_ref()).await?;
    Ok(Json(changed.into()))
}

/// Resolve an incident
///
/// Resolving it again as the same caller has no effect.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/resolve",
    operation_id = "resolve_incident", tag = "Incidents",
    params(("id" = String, Path)),
    request_body = Option<StatusChangeBody>,
    responses(
        (status = 200, description = "The updated incident", body = IncidentView),
        (status = 409, description = "Another caller has resolved the incident"),
    ),
)]
pub(crate) async fn resolve_incident(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    let change = status_change(caller, &body, app.clock.as_ref())?;
    let record = app.incident(&id).await?;
    let changed = age_governance::resolve_incident(&app.lifecycle, record, change, app.clock.as_ref()).await?;
    Ok(Json(changed.into()))
}

fn status_change(caller: Caller, body: &[u8], clock: &dyn Clock) -> Result<StatusChange, Problem> {
    let StatusChangeBody { note } = StatusChangeBody::parse(body)?;
    Ok(StatusChange { at: clock.now(), by: Some(caller.kid), note: note.map(String::from) })
}
