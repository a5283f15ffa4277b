//! Records events that engines report: one or a batch, as JSON or CloudEvents, or as alerts of Alertmanager.
//!
//! A format is a module that parses bytes to a [`parsed_event::ParsedEvent`] (`json`, `cloudevents`, `alertmanager`); a handler is a
//! module that records what was parsed (`event`, `batch`, `log_cloud_events`, `alerts`).

mod alert_details;
mod alertmanager;
mod alerts;
mod app;
mod batch;
mod cloudevents;
mod event;
#[cfg(test)]
mod fuzz;
mod json;
mod known_engine;
mod log_cloud_events;
mod parsed_event;
mod refusals;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(event::log_event, batch::log_events, log_cloud_events::log_cloud_event, alerts::log_alerts))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .post("/api/governance/event", Access::Engine, event::log_event)
        .post("/api/governance/events", Access::Engine, batch::log_events)
        // list-events serves GET.
        .allowing("GET,HEAD,POST")
        .post(cloudevents::PATH, Access::Engine, log_cloud_events::log_cloud_event)
        .post("/api/governance/intake/alertmanager", Access::Engine, alerts::log_alerts)
}
