//! `GET /api/governance/openapi.json`: the contract of the API.

use age_http::NoQuery;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

/// Get the contract of the API
///
/// Returns this document.
#[utoipa::path(get, path = "/api/governance/openapi.json", operation_id = "get_contract", tag = "About AGE", responses((status = 200, description = "The contract", body = Object)))]
pub(crate) async fn get_contract(_: NoQuery) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("../../../infra/openapi.json"))
}
