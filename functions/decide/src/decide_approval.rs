//! `POST /api/governance/decisions/{id}/approval`: approves or denies an operation.

use age_http::{Caller, JsonBody, NoQuery, PathId, Problem, RequestBody, request_body};
use age_model::{ApprovalDecision, Decision, DecisionId};
use axum::Json;
use axum::extract::State;

use crate::app::App;

request_body! {
    /// The approval or denial of an operation.
    struct OperationApproval {
        decision: ApprovalDecision,
        /// The digest of the approval that was reviewed.
        #[schema(pattern = "^[0-9a-f]{64}$")]
        digest: String,
    }
}

/// Approve or deny an operation
///
/// Decides on an operation whose verdict is `needs_approval`. An approved operation is allowed once, when the engine asks again with
/// `context.decisionId`, unless a hold, a guardrail or another policy version denies it then.
#[utoipa::path(
    post,
    path = "/api/governance/decisions/{id}/approval",
    operation_id = "decide_decision_approval", tag = "Decisions",
    params(("id" = DecisionId, Path, description = "The id of the decision")),
    request_body = OperationApproval,
    responses(
        (status = 200, description = "The decision with its approval", body = Decision),
        (status = 409, description = "The approval is not pending any more, or the digest does not match"),
    ),
)]
pub(crate) async fn decide_decision_approval(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<DecisionId>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<Decision>, Problem> {
    let OperationApproval { decision: approve, digest } = OperationApproval::parse(&body)?;
    let decision = app.decision(id).await?;
    let clock = app.clock.as_ref();
    let decided =
        age_governance::decide_decision_approval(app.decisions(), decision, approve, &digest, &caller.kid, clock);
    Ok(Json(decided.await?))
}
