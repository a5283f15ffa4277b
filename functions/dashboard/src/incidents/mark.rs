//! Taking an incident, and ending it.

use age_model::{Incident, IncidentId, IncidentStatus, IncidentStatusConflict, StatusChange};
use age_platform::{NoQuery, PathId, Problem};
use axum::extract::State;
use axum::response::Response;

use crate::form::Form;
use crate::session::Session;
use crate::{App, Parts, incidents, page};

pub(crate) async fn acknowledge(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: Form,
) -> Result<Response, Problem> {
    app.mark(session, &id, form, IncidentStatus::Acknowledged, age_scoring::acknowledge).await
}

pub(crate) async fn resolve(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
    form: Form,
) -> Result<Response, Problem> {
    app.mark(session, &id, form, IncidentStatus::Resolved, age_scoring::resolve).await
}

impl Parts {
    /// Brings an incident to `status`, as the form has it, and goes back to its page.
    async fn mark(
        &self,
        session: Session,
        id: &IncidentId,
        form: Form,
        status: IncidentStatus,
        apply: impl Fn(&mut Incident, StatusChange) -> Result<(), IncidentStatusConflict>,
    ) -> Result<Response, Problem> {
        let mark = StatusChange { at: self.clock.now(), by: Some(session.caller.kid), note: form.note()? };
        let record = self.record(id).await?;
        self.tables.life.mark(record, status, mark, apply, self.clock.as_ref()).await?;
        Ok(page::see(&incidents::path(id)))
    }
}
