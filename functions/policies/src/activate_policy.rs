//! `POST /api/governance/policies/{hash}/activate`: makes a policy version the active one.

use age_governance::{ActivationError, ActivationRequest};
use age_http::{Caller, JsonBody, NoQuery, PathId, Problem, RequestBody, request_body};
use age_model::{Note, PolicyActivation, PolicyHash};
use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::problem::write_problem;

request_body! {
    /// The activation of a policy version.
    #[schema(as = ActivationRequest)]
    struct ActivationBody {
        /// The version that is active now, as the caller knows: what is activated was compared with it.
        expected_active: PolicyHash,
        /// Why, for the history and the e-mail to the admins.
        reason: Note,
    }
}

/// Activate a policy version
///
/// Activating an earlier version is a rollback. Every function works by the version within 60 seconds. The same request of the same
/// caller again has no effect. If the active version has `activation.requires_another_admin`, the first activation of a version is that of
/// another admin than its author.
#[utoipa::path(
    post,
    path = "/api/governance/policies/{hash}/activate",
    operation_id = "activate_policy", tag = "Policies",
    params(("hash" = PolicyHash, Path, description = "The policy version: the hash of its document")),
    request_body = ActivationBody,
    responses(
        (status = 200, description = "The activation", body = PolicyActivation),
        (
            status = 409,
            description = "Another version is active than expected, or this one already; or another admin must activate it; or there \
                           would be too many engines",
        ),
    ),
)]
pub(crate) async fn activate_policy(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(hash): PathId<PolicyHash>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<PolicyActivation>, Problem> {
    let ActivationBody { expected_active, reason } = ActivationBody::parse(&body)?;
    let request = ActivationRequest { hash, expected_active, reason };
    let activated = app.activator.activate(&request, &caller.kid, app.clock.as_ref()).await;
    activated.map(Json).map_err(|error| match error {
        ActivationError::NotFound(_) => Problem::not_found(error.to_string()),
        ActivationError::Conflict(conflict) => Problem::conflict(conflict.to_string()),
        ActivationError::Store(error) => write_problem(error),
    })
}
