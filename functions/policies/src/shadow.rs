//! `POST /api/governance/policies/{hash}/shadow`, and `GET` and `DELETE /api/governance/policies/shadow`: the shadow.

use age_governance::{ShadowError, ShadowRequest, ShadowStatus, end_shadow, running_shadow, start_shadow};
use age_http::{Caller, Fields, JsonBody, NoQuery, PathId, Problem, RequestBody, request_body};
use age_model::{Note, PolicyHash, PolicyShadow, Timestamp};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::write_problem;

request_body! {
    /// The beginning of a shadow.
    #[schema(as = ShadowRequest)]
    struct ShadowBody {
        /// Why, for people.
        reason: Option<Note>,
        /// When the shadow ends by itself: in the future, at most 30 days ahead; 14 days by default.
        until: Option<Timestamp>,
    }
}

/// The shadow, and how many decisions it would have answered otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowStatus)]
pub(crate) struct ShadowView {
    #[serde(flatten)]
    shadow: PolicyShadow,
    /// The number of decisions since the beginning of the hour in which the version became the shadow.
    decisions: u64,
    /// The number of those to which the shadow would have given another verdict.
    differing: u64,
}

impl ShadowBody {
    fn parse_at(body: &[u8], now: Timestamp) -> Result<Self, Problem> {
        let mut fields = Fields::parse(body)?;
        let until = fields.peek::<Timestamp>("until");
        if until.is_some_and(|until| until <= now || now.plus_days(PolicyShadow::MAX_DAYS) < until) {
            fields.refuse("until", format!("must be in the future and at most {} days ahead", PolicyShadow::MAX_DAYS));
        }
        let read = Self::read(&mut fields);
        fields.finish(read)
    }
}

/// Run a policy version as the shadow
///
/// From now on, the guardrails of the version are evaluated beside those of the active one for each request for a decision. The answer is
/// that of the active version; a decision records the verdict of the shadow if that differs. The version takes the place of another
/// shadow. The same version again has a new end and reason. Every function follows within 60 seconds.
#[utoipa::path(
    post,
    path = "/api/governance/policies/{hash}/shadow",
    operation_id = "start_policy_shadow", tag = "Policies",
    params(("hash" = PolicyHash, Path, description = "The policy version: the hash of its document")),
    request_body = ShadowBody,
    responses(
        (status = 200, description = "The shadow", body = PolicyShadow),
        (status = 409, description = "The version is the active one"),
    ),
)]
pub(crate) async fn start_policy_shadow(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(hash): PathId<PolicyHash>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<PolicyShadow>, Problem> {
    let clock = app.clock.as_ref();
    let now = clock.now();
    let ShadowBody { reason, until } = ShadowBody::parse_at(&body, now)?;
    let until = until.unwrap_or_else(|| now.plus_days(PolicyShadow::DEFAULT_DAYS));
    let request = ShadowRequest { hash, reason: reason.map(String::from), until };
    let started = start_shadow(&app.policies, request, &caller.kid, clock).await;
    started.map(Json).map_err(|error| match error {
        ShadowError::NotFound(_) => Problem::not_found(error.to_string()),
        ShadowError::IsActive(_) => Problem::conflict(error.to_string()),
        ShadowError::Store(error) => write_problem(error),
    })
}

/// Get the shadow
///
/// Returns the shadow with the number of decisions since it began, and of those to which it would have given another verdict.
#[utoipa::path(
    get,
    path = "/api/governance/policies/shadow",
    operation_id = "get_policy_shadow", tag = "Policies",
    responses(
        (status = 200, description = "The shadow", body = ShadowView),
        (status = 404, description = "No policy version is the shadow"),
    ),
)]
pub(crate) async fn get_policy_shadow(State(App(app)): State<App>, _: NoQuery) -> Result<Json<ShadowView>, Problem> {
    let status = running_shadow(&app.policies, &app.rollups, app.clock.as_ref()).await?;
    let ShadowStatus { shadow, decisions, differing } = status.ok_or_else(no_shadow)?;
    Ok(Json(ShadowView { shadow, decisions, differing }))
}

/// End the shadow
///
/// Every function follows within 60 seconds. The shadow also ends by itself, and when its version is activated.
#[utoipa::path(
    delete,
    path = "/api/governance/policies/shadow",
    operation_id = "end_policy_shadow", tag = "Policies",
    responses(
        (status = 200, description = "The shadow, which has ended", body = PolicyShadow),
        (status = 404, description = "No policy version is the shadow"),
    ),
)]
pub(crate) async fn end_policy_shadow(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
) -> Result<Json<PolicyShadow>, Problem> {
    let ended = end_shadow(&app.policies, &caller.kid, app.clock.as_ref()).await.map_err(write_problem)?;
    Ok(Json(ended.ok_or_else(no_shadow)?))
}

fn no_shadow() -> Problem {
    Problem::not_found("no policy version is the shadow")
}
