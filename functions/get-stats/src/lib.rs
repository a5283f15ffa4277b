//! Statistics of the last 30 days, and the contract of the API.

mod app;
mod get_contract;
mod get_stats;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(get_stats::get_stats, get_contract::get_contract))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new().get("/api/governance/stats", Access::Reader, get_stats::get_stats).get(
        "/api/governance/openapi.json",
        Access::Public,
        get_contract::get_contract,
    )
}
