//! Approving and denying an action on its page.

use age_governance::decide_approval;
use age_http::{NoQuery, PathNames, Problem};
use age_model::{Action, ApprovalDecision, EventId};
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::form::VerifiedForm;
use crate::page;
use crate::paths::action_path;
use crate::session::Session;

pub(crate) async fn approve(
    State(App(app)): State<App>,
    session: Session,
    PathNames([event, action]): PathNames<2>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    decide(&app, &session, parse_names(&event, &action)?, form, ApprovalDecision::Approve).await
}

pub(crate) async fn deny(
    State(App(app)): State<App>,
    session: Session,
    PathNames([event, action]): PathNames<2>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    decide(&app, &session, parse_names(&event, &action)?, form, ApprovalDecision::Deny).await
}

/// Parses the names in the path of an action.
///
/// # Errors
/// 404 if one of them is not valid: no action has that path.
pub(crate) fn parse_names(event: &str, action: &str) -> Result<(EventId, Action), Problem> {
    let names = event.parse().ok().zip(action.parse().ok());
    names.ok_or_else(|| Problem::not_found("no event has such an action"))
}

/// Records the decision, and redirects to the action's page. The form has the digest of what the caller has seen.
async fn decide(
    app: &AppState,
    session: &Session,
    (event, action): (EventId, Action),
    VerifiedForm(mut form): VerifiedForm,
    decision: ApprovalDecision,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let digest: String = form.optional("digest").unwrap_or_default();
    form.finish()?;
    let item = app.get_action(event, action).await?;
    let caller = &session.caller.kid;
    decide_approval(&app.action_lifecycle, item, decision, &digest, caller, &active, app.clock.as_ref()).await?;
    Ok(page::redirect_to(&action_path(event, action)))
}
