//! `GET /api/governance/policies/schema`: the JSON Schema of the policy document.

use age_http::NoQuery;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

const JSON_SCHEMA: &str = "application/schema+json";

/// Get the JSON Schema of the policy document
///
/// Returns a JSON Schema (2020-12), for editors.
#[utoipa::path(
    get,
    path = "/api/governance/policies/schema",
    operation_id = "get_policy_schema", tag = "Policies",
    responses((status = 200, description = "The JSON Schema", body = Object, content_type = "application/schema+json")),
)]
pub(crate) async fn get_policy_schema(_: NoQuery) -> impl IntoResponse {
    ([(CONTENT_TYPE, JSON_SCHEMA)], age_policy::schema())
}
