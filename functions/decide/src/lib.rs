//! Decisions: the AuthZEN Authorization API 1.0, which engines ask before they act, and the record of what was decided.

mod app;
mod decide_approval;
mod evaluate;
mod evaluate_batch;
mod evaluation_problem;
mod evaluation_request;
mod evaluation_response;
mod get_configuration;
mod get_decision;
mod get_rules;
mod list_decisions;

use age_http::{Access, Routes};
use age_model::ShadowComparison;
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(
    paths(
        evaluate::evaluate,
        evaluate_batch::evaluate_batch,
        get_configuration::get_authzen_configuration,
        list_decisions::list_decisions,
        get_rules::get_decision_rules,
        get_decision::get_decision,
        decide_approval::decide_decision_approval,
    ),
    // A type that only parameters have is not found by itself.
    components(schemas(ShadowComparison))
)]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .post("/access/v1/evaluation", Access::Engine, evaluate::evaluate)
        .post("/access/v1/evaluations", Access::Engine, evaluate_batch::evaluate_batch)
        .get("/.well-known/authzen-configuration", Access::Public, get_configuration::get_authzen_configuration)
        .get("/api/governance/decisions", Access::Reader, list_decisions::list_decisions)
        .get("/api/governance/decisions/rules", Access::Authenticated, get_rules::get_decision_rules)
        .get("/api/governance/decisions/{id}", Access::Authenticated, get_decision::get_decision)
        .post("/api/governance/decisions/{id}/approval", Access::Responder, decide_approval::decide_decision_approval)
}
