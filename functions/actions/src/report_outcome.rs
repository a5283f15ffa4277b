//! `POST /api/governance/events/{id}/actions/{action}/outcome`: records the outcome of an action.

use age_governance::OutcomeReport;
use age_http::{Caller, JsonBody, NoQuery, Origin, PathNames, Problem, RequestBody, request_body};
use age_model::{Action, ActionItem, EventId, Note, Outcome};
use axum::Json;
use axum::extract::State;

use crate::action_path;
use crate::app::App;

request_body! {
    /// The outcome of an action.
    #[schema(as = OutcomeReport)]
    struct OutcomeBody {
        outcome: Outcome,
        /// Shown in the timeline of the incident.
        detail: Option<Note>,
    }
}

/// Report the outcome of an action
///
/// Called by the worker that carried out the action, with a credential of its engine: `maos` for `MAOS_auto_fix`, the event's engine
/// for any other action, unless the policy says otherwise. Reporting the same outcome again has no effect.
#[utoipa::path(
    post,
    path = "/api/governance/events/{id}/actions/{action}/outcome",
    operation_id = "report_outcome", tag = "Actions",
    params(("id" = EventId, Path, description = "The id of the event"), ("action" = Action, Path, description = "An action of the event")),
    request_body = OutcomeBody,
    responses(
        (status = 200, description = "The updated action", body = ActionItem),
        (status = 409, description = "The action has ended otherwise, or AGE carries it out itself"),
    ),
)]
pub(crate) async fn report_outcome(
    State(App(app)): State<App>,
    caller: Caller,
    path: PathNames<2>,
    Origin(origin): Origin,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ActionItem>, Problem> {
    let (event, action) = action_path::parse(path)?;
    let OutcomeBody { outcome, detail } = OutcomeBody::parse(&body)?;
    let item = app.action(event, action).await?;
    // Nobody but the engine that carries out an action can vouch for it.
    let active = app.policies.current();
    caller.require_engine(active.policy.actions.carried_out_by(action, item.engine))?;
    if !action.is_remediation() {
        return Err(Problem::conflict(format!("AGE carries out {action} itself; its outcome cannot be reported")));
    }
    let report = OutcomeReport { outcome, detail, by: caller.kid };
    let reported = age_governance::report_outcome(
        &app.lifecycle,
        &active,
        &app.notifier,
        item,
        report,
        origin.as_deref(),
        app.clock.as_ref(),
    );
    Ok(Json(reported.await?))
}
