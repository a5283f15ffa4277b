//! `POST /api/governance/incidents/{id}/acknowledge`, `…/resolve`, `…/reopen` and `…/comments`: change one incident.

use age_http::{Caller, JsonBody, NoQuery, OptionalJsonBody, PathId, Problem, RequestBody, request_body};
use age_model::{IncidentId, Note, StatusChange};
use age_policy::IncidentCommand;
use axum::Json;
use axum::extract::State;

use crate::app::{App, Inner};
use crate::incident_view::IncidentView;

request_body! {
    /// A note on the change.
    #[schema(as = StatusChangeRequest)]
    struct StatusChangeBody {
        /// Shown in the timeline of the incident.
        note: Option<Note>,
    }
}

request_body! {
    /// A comment.
    #[schema(as = CommentRequest)]
    struct CommentBody {
        /// Shown in the timeline of the incident.
        note: Note,
    }
}

/// Acknowledge an incident
///
/// Stops reminders and the escalation to the second line. If another caller has acknowledged the incident, this one takes it over.
/// Acknowledging it again as the same caller has no effect, except that another note becomes a comment.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/acknowledge",
    operation_id = "acknowledge_incident", tag = "Incidents",
    params(("id" = String, Path, description = "The id of the incident, such as `billing.1795392300000.invoice_sync_failed`")),
    request_body = Option<StatusChangeBody>,
    responses(
        (status = 200, description = "The updated incident", body = IncidentView),
        (status = 409, description = "The incident is resolved, or has too many comments"),
    ),
)]
pub(crate) async fn acknowledge_incident(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    let StatusChangeBody { note } = StatusChangeBody::parse(&body)?;
    app.change(&id, IncidentCommand::Acknowledge, caller, note).await
}

/// Resolve an incident
///
/// Resolving it again as the same caller has no effect, except that another note becomes a comment.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/resolve",
    operation_id = "resolve_incident", tag = "Incidents",
    params(("id" = String, Path, description = "The id of the incident, such as `billing.1795392300000.invoice_sync_failed`")),
    request_body = Option<StatusChangeBody>,
    responses(
        (status = 200, description = "The updated incident", body = IncidentView),
        (status = 409, description = "Another caller has resolved the incident, or it has too many comments"),
    ),
)]
pub(crate) async fn resolve_incident(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    let StatusChangeBody { note } = StatusChangeBody::parse(&body)?;
    app.change(&id, IncidentCommand::Resolve, caller, note).await
}

/// Reopen an incident
///
/// Possible within 24 hours after the incident was resolved, by a person or by AGE, unless a newer incident of its key exists. The
/// incident is open again, and nobody has acknowledged it. Its counters continue. Reopening it again as the same caller has no
/// effect, except that another note becomes a comment.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/reopen",
    operation_id = "reopen_incident", tag = "Incidents",
    params(("id" = String, Path, description = "The id of the incident, such as `billing.1795392300000.invoice_sync_failed`")),
    request_body = Option<StatusChangeBody>,
    responses(
        (status = 200, description = "The updated incident", body = IncidentView),
        (status = 409, description = "The incident is not resolved, was resolved too long ago, or has a newer one, which the detail names"),
    ),
)]
pub(crate) async fn reopen_incident(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    let StatusChangeBody { note } = StatusChangeBody::parse(&body)?;
    app.change(&id, IncidentCommand::Reopen, caller, note).await
}

/// Comment on an incident
///
/// Possible at every status, which does not change. The same comment by the same caller within 5 minutes is a retry, unless
/// something else was done in between.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/comments",
    operation_id = "comment_on_incident", tag = "Incidents",
    params(("id" = String, Path, description = "The id of the incident, such as `billing.1795392300000.invoice_sync_failed`")),
    request_body = CommentBody,
    responses(
        (status = 200, description = "The incident", body = IncidentView),
        (status = 409, description = "The incident has too many comments"),
    ),
)]
pub(crate) async fn comment_on_incident(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<IncidentView>, Problem> {
    let CommentBody { note } = CommentBody::parse(&body)?;
    app.change(&id, IncidentCommand::Comment, caller, Some(note)).await
}

impl Inner {
    async fn change(
        &self,
        id: &IncidentId,
        command: IncidentCommand,
        caller: Caller,
        note: Option<Note>,
    ) -> Result<Json<IncidentView>, Problem> {
        let clock = self.clock.as_ref();
        let change = StatusChange { at: clock.now(), by: Some(caller.kid), note: note.map(String::from) };
        let (incidents, lifecycle) = (&self.tables.incidents, &self.lifecycle);
        let active = self.policies.current();
        let changed =
            age_governance::change_incident(incidents, lifecycle, id, command, change, &active.hash, clock).await?;
        let changed = changed.ok_or_else(|| Inner::no_incident(id))?;
        Ok(Json(changed.record.into()))
    }
}
