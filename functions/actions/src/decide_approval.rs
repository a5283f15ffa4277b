//! `POST /api/governance/events/{id}/actions/{action}/approval`: approves or denies an action.

use age_http::{Caller, JsonBody, NoQuery, PathNames, Problem, RequestBody, request_body};
use age_model::{Action, ActionItem, ApprovalDecision, EventId};
use axum::Json;
use axum::extract::State;

use crate::action_path;
use crate::app::App;

request_body! {
    /// An approval or denial.
    struct Approval {
        decision: ApprovalDecision,
        /// The digest of the action that was reviewed.
        #[schema(pattern = "^[0-9a-f]{64}$")]
        digest: String,
    }
}

/// Approve or deny an action
///
/// Decides on an action with status `pending_approval`. An approved action is dispatched within a minute.
#[utoipa::path(
    post,
    path = "/api/governance/events/{id}/actions/{action}/approval",
    operation_id = "decide_approval", tag = "Actions",
    params(("id" = EventId, Path, description = "The id of the event"), ("action" = Action, Path, description = "An action of the event")),
    request_body = Approval,
    responses(
        (status = 200, description = "The updated action", body = ActionItem),
        (status = 409, description = "The action is not pending approval, the deadline has passed, or the digest does not match"),
    ),
)]
pub(crate) async fn decide_approval(
    State(App(app)): State<App>,
    caller: Caller,
    path: PathNames<2>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ActionItem>, Problem> {
    let (event, action) = action_path::parse(path)?;
    let Approval { decision, digest } = Approval::parse(&body)?;
    let item = app.action(event, action).await?;
    let clock = app.clock.as_ref();
    let decided = age_governance::decide_approval(
        &app.lifecycle,
        item,
        decision,
        &digest,
        &caller.kid,
        &app.policies.current(),
        clock,
    )
    .await?;
    Ok(Json(decided))
}
