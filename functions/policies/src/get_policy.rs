//! `GET /api/governance/policies/active` and `…/{hash}`: a policy version with its document.

use age_http::{NoQuery, PathId, Problem};
use age_model::PolicyHash;
use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::policy_view::PolicyView;
use crate::problem::read_problem;

/// Get the active policy version
///
/// Returns the version that AGE works by. Every function works by it 60 seconds after its activation at the latest.
#[utoipa::path(
    get,
    path = "/api/governance/policies/active",
    operation_id = "get_active_policy", tag = "Policies",
    responses((status = 200, description = "The active version", body = PolicyView)),
)]
pub(crate) async fn get_active_policy(State(App(app)): State<App>, _: NoQuery) -> Result<Json<PolicyView>, Problem> {
    app.view(age_governance::active_policy_version(&app.policies).await?)
}

/// Get a policy version
///
/// Returns the version with its document.
#[utoipa::path(
    get,
    path = "/api/governance/policies/{hash}",
    operation_id = "get_policy", tag = "Policies",
    params(("hash" = PolicyHash, Path, description = "The policy version: the hash of its document")),
    responses((status = 200, description = "The version", body = PolicyView)),
)]
pub(crate) async fn get_policy(
    State(App(app)): State<App>,
    PathId(hash): PathId<PolicyHash>,
    _: NoQuery,
) -> Result<Json<PolicyView>, Problem> {
    app.view(age_governance::policy_version(&app.policies, hash).await.map_err(read_problem)?)
}
