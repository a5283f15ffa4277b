//! `GET /.well-known/authzen-configuration`: where the AuthZEN API is.

use age_http::NoQuery;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The metadata of the policy decision point (AuthZEN 1.0).
#[derive(Serialize, ToSchema)]
pub(crate) struct AuthzenConfiguration {
    /// The base URL of AGE.
    policy_decision_point: String,
    /// The URL of single evaluations.
    access_evaluation_endpoint: String,
    /// The URL of batches.
    access_evaluations_endpoint: String,
}

/// Get the AuthZEN configuration
///
/// Returns where evaluations are requested, as AuthZEN's discovery finds it.
#[utoipa::path(
    get,
    path = "/.well-known/authzen-configuration",
    operation_id = "get_authzen_configuration", tag = "Decisions",
    responses((status = 200, description = "The configuration", body = AuthzenConfiguration)),
)]
pub(crate) async fn get_authzen_configuration(
    State(App(app)): State<App>,
    _: NoQuery,
    headers: HeaderMap,
) -> Json<AuthzenConfiguration> {
    let base = app.public_url.clone().map_or_else(|| requested_url(&headers), String::from);
    Json(AuthzenConfiguration {
        access_evaluation_endpoint: format!("{base}/access/v1/evaluation"),
        access_evaluations_endpoint: format!("{base}/access/v1/evaluations"),
        policy_decision_point: base,
    })
}

/// Returns the base URL by which the gateway was asked: AuthZEN requires that the metadata repeat it.
fn requested_url(headers: &HeaderMap) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = header("x-forwarded-proto").filter(|scheme| *scheme == "http").unwrap_or("https");
    format!("{scheme}://{}", header(HOST.as_str()).unwrap_or("localhost"))
}
