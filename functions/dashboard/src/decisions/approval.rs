//! Approving and denying an operation on the page of its decision.

use age_governance::decide_decision_approval;
use age_http::{NoQuery, PathId, Problem};
use age_model::{ApprovalDecision, DecisionId};
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::form::VerifiedForm;
use crate::page;
use crate::paths::decision_path;
use crate::session::Session;

pub(crate) async fn approve(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<DecisionId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    decide(&app, &session, id, form, ApprovalDecision::Approve).await
}

pub(crate) async fn deny(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<DecisionId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    decide(&app, &session, id, form, ApprovalDecision::Deny).await
}

/// Records the approval or denial, and redirects to the decision's page. The form has the digest of what the caller has seen.
async fn decide(
    app: &AppState,
    session: &Session,
    id: DecisionId,
    VerifiedForm(mut form): VerifiedForm,
    approve: ApprovalDecision,
) -> Result<Response, Problem> {
    let digest: String = form.optional("digest").unwrap_or_default();
    form.finish()?;
    let decision = app.get_decision(id).await?;
    let (table, by) = (&app.tables.decisions, &session.caller.kid);
    decide_decision_approval(table, decision, approve, &digest, by, app.clock.as_ref()).await?;
    Ok(page::redirect_to(&decision_path(id)))
}
