//! Reports: lists them and returns one.

mod app;
mod get_report;
mod list_reports;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list_reports::list_reports, get_report::get_report))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new().get("/api/governance/reports", Access::Reader, list_reports::list_reports).get(
        "/api/governance/reports/{id}",
        Access::Reader,
        get_report::get_report,
    )
}
