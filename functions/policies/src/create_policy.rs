//! `POST /api/governance/policies`: stores a policy version.

use age_governance::CreatedPolicy;
use age_http::{Caller, FieldError, JsonBody, NoQuery, Problem};
use age_policy::{Policy, PolicyError};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::de::IgnoredAny;

use crate::app::App;
use crate::policy_view::PolicyView;
use crate::problem::write_problem;

/// Store a policy version
///
/// Checks the document and stores it as a version, which is not active until it is activated. Every error of the document is reported.
/// A document that is stored already is not stored again: the response has the version that it is.
#[utoipa::path(
    post,
    path = "/api/governance/policies",
    operation_id = "create_policy", tag = "Policies",
    request_body = Policy,
    responses(
        (status = 201, description = "The version", body = PolicyView, headers(("Location" = String, description = "The path of the version"))),
        (status = 200, description = "The version, which was stored before", body = PolicyView),
    ),
)]
pub(crate) async fn create_policy(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let policy = parse(&body)?;
    match age_governance::create_policy(&app.policies, &policy, &caller.kid, app.clock.as_ref()).await {
        Ok(CreatedPolicy::Created(document)) => {
            let location = format!("/api/governance/policies/{}", document.version.hash);
            Ok((StatusCode::CREATED, [(LOCATION, location)], app.view(document)?).into_response())
        }
        Ok(CreatedPolicy::Exists(document)) => app.view(document).map(Json::into_response),
        Err(error) => Err(write_problem(error)),
    }
}

/// Parses the document.
fn parse(body: &[u8]) -> Result<Policy, Problem> {
    let not_json = |error: serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
    serde_json::from_slice::<IgnoredAny>(body).map_err(not_json)?;
    Policy::from_json(body).map_err(|errors| {
        let detail = match errors.as_slice() {
            [one] => one.to_string(),
            several => format!("the policy has {} errors", several.len()),
        };
        Problem::invalid(errors.iter().map(field_error).collect()).with_detail(detail)
    })
}

fn field_error(error: &PolicyError) -> FieldError {
    FieldError::at(error.path.pointer(), error.to_string())
}
