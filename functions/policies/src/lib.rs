//! Policy versions: admins store and activate them, everybody who reads AGE's records can read them and what differs.

mod activate_policy;
mod app;
mod create_policy;
mod diff_policies;
mod get_policy;
mod get_schema;
mod list_activations;
mod list_policies;
mod policy_view;
mod problem;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    list_policies::list_policies,
    create_policy::create_policy,
    get_policy::get_active_policy,
    get_schema::get_policy_schema,
    list_activations::list_policy_activations,
    get_policy::get_policy,
    diff_policies::diff_policies,
    activate_policy::activate_policy,
))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/policies", Access::Reader, list_policies::list_policies)
        .post("/api/governance/policies", Access::Admin, create_policy::create_policy)
        .get("/api/governance/policies/active", Access::Reader, get_policy::get_active_policy)
        .get("/api/governance/policies/schema", Access::Reader, get_schema::get_policy_schema)
        .get("/api/governance/policies/activations", Access::Reader, list_activations::list_policy_activations)
        .get("/api/governance/policies/{hash}", Access::Reader, get_policy::get_policy)
        .get("/api/governance/policies/{hash}/diff", Access::Reader, diff_policies::diff_policies)
        .post("/api/governance/policies/{hash}/activate", Access::Admin, activate_policy::activate_policy)
}
