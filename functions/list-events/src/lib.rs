//! Events: lists them and returns one with its actions.

mod app;
mod get_event;
mod list_events;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list_events::list_events, get_event::get_event))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/events", Access::Reader, list_events::list_events)
        // log-event serves POST.
        .allowing("GET,HEAD,POST")
        .get("/api/governance/events/{id}", Access::Reader, get_event::get_event)
}
