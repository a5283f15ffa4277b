//! Acknowledging and resolving an incident on its page.

use age_governance::{acknowledge_incident, resolve_incident};
use age_http::{NoQuery, PathId, Problem};
use age_model::{Clock, IncidentId, StatusChange};
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
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
    let (lifecycle, clock) = (app.action_lifecycle.incidents(), app.clock.as_ref());
    let change = read_status_change(session, form, clock)?;
    acknowledge_incident(lifecycle, app.get_incident(&id).await?, change, clock).await?;
    Ok(page::redirect_to(&incident_path(&id)))
}

pub(crate) async fn resolve(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    let (lifecycle, clock) = (app.action_lifecycle.incidents(), app.clock.as_ref());
    let change = read_status_change(session, form, clock)?;
    resolve_incident(lifecycle, app.get_incident(&id).await?, change, clock).await?;
    Ok(page::redirect_to(&incident_path(&id)))
}

fn read_status_change(session: Session, form: VerifiedForm, clock: &dyn Clock) -> Result<StatusChange, Problem> {
    Ok(StatusChange { at: clock.now(), by: Some(session.caller.kid), note: form.into_note()? })
}
