//! Taking an incident, and ending it.

use age_model::{Incident, IncidentId, IncidentStatus, IncidentStatusConflict, Note, StatusChange};
use age_platform::{Caller, Fields, NoQuery, OptionalJsonBody, PathId, Problem};
use axum::Json;
use axum::extract::State;
use utoipa::ToSchema;

use crate::view::IncidentView;
use crate::{App, Parts};

/// What somebody has to say about it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the form of what `mark` reads")]
struct Remark {
    note: Option<Note>,
}

/// Takes an incident.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/acknowledge",
    operation_id = "acknowledge_incident", tag = "Incidents",
    params(("id" = String, Path)),
    request_body = Option<Remark>,
    responses(
        (status = 200, description = "The incident as it is now", body = IncidentView),
        (status = 409, description = "Somebody else has, or it is over"),
    ),
)]
pub(crate) async fn acknowledge(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    app.mark(caller, &id, &body, IncidentStatus::Acknowledged, age_scoring::acknowledge).await
}

/// Ends an incident.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/{id}/resolve",
    operation_id = "resolve_incident", tag = "Incidents",
    params(("id" = String, Path)),
    request_body = Option<Remark>,
    responses(
        (status = 200, description = "The incident as it is now", body = IncidentView),
        (status = 409, description = "Somebody else has, or it is over"),
    ),
)]
pub(crate) async fn resolve(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<IncidentView>, Problem> {
    app.mark(caller, &id, &body, IncidentStatus::Resolved, age_scoring::resolve).await
}

impl Parts {
    /// Brings an incident to `status`, as the caller has it. Who says the same again is answered with what is.
    async fn mark(
        &self,
        caller: Caller,
        id: &IncidentId,
        body: &[u8],
        status: IncidentStatus,
        apply: impl Fn(&mut Incident, StatusChange) -> Result<(), IncidentStatusConflict>,
    ) -> Result<Json<IncidentView>, Problem> {
        let mark = Fields::read(body, |fields| {
            let note = fields.optional::<Note>("note")?;
            Ok(StatusChange { at: self.clock.now(), by: Some(caller.kid), note: note.map(String::from) })
        })?;
        let record = self.record(id).await?;
        let record = self.life.mark(record, status, mark, apply, self.clock.as_ref()).await?;
        Ok(Json(record.into()))
    }
}
