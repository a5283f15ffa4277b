//! Actions: lists them, records the outcomes that workers report, and the approvals that responders decide.

mod action_path;
mod app;
mod decide_approval;
mod list_actions;
mod report_outcome;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list_actions::list_actions, report_outcome::report_outcome, decide_approval::decide_approval))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/actions", Access::Reader, list_actions::list_actions)
        .post("/api/governance/events/{id}/actions/{action}/outcome", Access::Engine, report_outcome::report_outcome)
        .post(
            "/api/governance/events/{id}/actions/{action}/approval",
            Access::Responder,
            decide_approval::decide_approval,
        )
}
