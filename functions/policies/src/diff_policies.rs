//! `GET /api/governance/policies/{hash}/diff`: what changes from one policy version to another, and for whom.

use age_governance::VersionDifference;
use age_http::{PathId, Problem, Query};
use age_model::PolicyHash;
use age_policy::PolicyDifference;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::read_problem;

/// The changes from the version `against` to the version `hash`.
#[derive(Serialize, ToSchema)]
#[schema(as = VersionDifference)]
pub(crate) struct DifferenceView {
    hash: PolicyHash,
    against: PolicyHash,
    #[serde(flatten)]
    difference: PolicyDifference,
}

/// Compare policy versions
///
/// Returns what changes from the version `against` to this one, and for whom.
#[utoipa::path(
    get,
    path = "/api/governance/policies/{hash}/diff",
    operation_id = "diff_policies", tag = "Policies",
    params(
        ("hash" = PolicyHash, Path, description = "The policy version: the hash of its document"),
        ("against" = Option<PolicyHash>, Query, description = "The version to compare with; the active one by default"),
    ),
    responses((status = 200, description = "The changes", body = DifferenceView)),
)]
pub(crate) async fn diff_policies(
    State(App(app)): State<App>,
    PathId(hash): PathId<PolicyHash>,
    mut query: Query,
) -> Result<Json<DifferenceView>, Problem> {
    let against = query.optional("against");
    query.finish()?;
    let compared = age_governance::policy_difference(&app.policies, hash, against).await.map_err(read_problem)?;
    let VersionDifference { hash, against, difference } = compared;
    Ok(Json(DifferenceView { hash, against, difference }))
}
