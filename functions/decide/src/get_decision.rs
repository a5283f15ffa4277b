//! `GET /api/governance/decisions/{id}`: a decision.

use age_http::{Access, Caller, NoQuery, PathId, Problem};
use age_model::{Decision, DecisionId};
use axum::Json;
use axum::extract::State;

use crate::app::App;

/// Get a decision
///
/// Returns the decision and its approval as it is now. An engine gets its own decisions.
#[utoipa::path(
    get,
    path = "/api/governance/decisions/{id}",
    operation_id = "get_decision", tag = "Decisions",
    params(("id" = DecisionId, Path, description = "The id of the decision")),
    responses(
        (status = 200, description = "The decision", body = Decision),
        (status = 403, description = "The decision is for another engine"),
    ),
)]
pub(crate) async fn get_decision(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<DecisionId>,
    _: NoQuery,
) -> Result<Json<Decision>, Problem> {
    let decision = app.decision(id).await?;
    if !Access::Reader.permits_grant(&caller.grant) {
        caller.require_engine(decision.engine)?;
    }
    Ok(Json(decision.as_of(app.clock.now())))
}
