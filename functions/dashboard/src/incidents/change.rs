//! Acknowledging, taking over, resolving, reopening and commenting on an incident, on its page.

use age_governance::change_incident;
use age_http::{NoQuery, PathId, Problem};
use age_model::{IncidentId, StatusChange};
use age_policy::IncidentCommand;
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::form::VerifiedForm;
use crate::page;
use crate::paths::incident_path;
use crate::session::Session;

pub(crate) async fn acknowledge(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    change(&app, &id, IncidentCommand::Acknowledge, session, form.into_note()?).await
}

pub(crate) async fn resolve(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    change(&app, &id, IncidentCommand::Resolve, session, form.into_note()?).await
}

pub(crate) async fn reopen(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    change(&app, &id, IncidentCommand::Reopen, session, form.into_note()?).await
}

pub(crate) async fn comment(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    change(&app, &id, IncidentCommand::Comment, session, Some(form.into_required_note()?)).await
}

async fn change(
    app: &AppState,
    id: &IncidentId,
    command: IncidentCommand,
    session: Session,
    note: Option<String>,
) -> Result<Response, Problem> {
    let (incidents, lifecycle, clock) = (&app.tables.incidents, app.action_lifecycle.incidents(), app.clock.as_ref());
    let change = StatusChange { at: clock.now(), by: Some(session.caller.kid), note };
    let active = app.policies.current();
    let changed = change_incident(incidents, lifecycle, id, command, change, &active.hash, clock).await?;
    changed.ok_or_else(|| AppState::no_incident(id))?;
    Ok(page::redirect_to(&incident_path(id)))
}
