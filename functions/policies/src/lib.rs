//! Policy versions: admins store and activate them, responders simulate them, and everybody who reads AGE's records can read them and what
//! differs. The binary `simulate-policy` runs simulations.

mod activate_policy;
mod app;
mod create_policy;
mod diff_policies;
mod export_history;
mod get_policy;
mod get_schema;
mod list_activations;
mod list_policies;
mod policy_view;
mod problem;
mod shadow;
mod simulate_policy;
mod simulation_view;

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
    shadow::get_policy_shadow,
    shadow::end_policy_shadow,
    list_activations::list_policy_activations,
    export_history::export_policy_history,
    get_policy::get_policy,
    diff_policies::diff_policies,
    activate_policy::activate_policy,
    shadow::start_policy_shadow,
    simulate_policy::simulate_policy,
    simulate_policy::get_simulation,
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
        .get("/api/governance/policies/shadow", Access::Reader, shadow::get_policy_shadow)
        .delete("/api/governance/policies/shadow", Access::Admin, shadow::end_policy_shadow)
        .get("/api/governance/policies/activations", Access::Reader, list_activations::list_policy_activations)
        .get("/api/governance/policies/history", Access::Responder, export_history::export_policy_history)
        .get("/api/governance/policies/{hash}", Access::Reader, get_policy::get_policy)
        .get("/api/governance/policies/{hash}/diff", Access::Reader, diff_policies::diff_policies)
        .post("/api/governance/policies/{hash}/activate", Access::Admin, activate_policy::activate_policy)
        .post("/api/governance/policies/{hash}/shadow", Access::Admin, shadow::start_policy_shadow)
        .post("/api/governance/policies/{hash}/simulation", Access::Responder, simulate_policy::simulate_policy)
        .get("/api/governance/policies/{hash}/simulations/{id}", Access::Reader, simulate_policy::get_simulation)
}
