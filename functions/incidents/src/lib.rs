//! Incidents: lists them, returns one with its timeline, and acknowledges and resolves them. Also AGE's own health.

mod app;
mod change_incident;
mod get_health;
mod get_incident;
mod incident_view;
mod list_incidents;

use age_http::{Access, Routes};
pub use app::{App, Tables};
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    list_incidents::list_incidents,
    get_incident::get_incident,
    change_incident::acknowledge_incident,
    change_incident::resolve_incident,
    get_health::get_health,
))]
pub struct Contract;

/// The routes of this function. No GET changes anything: mail scanners follow links.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/incidents", Access::Reader, list_incidents::list_incidents)
        .get("/api/governance/incidents/{id}", Access::Reader, get_incident::get_incident)
        .post("/api/governance/incidents/{id}/acknowledge", Access::Responder, change_incident::acknowledge_incident)
        .post("/api/governance/incidents/{id}/resolve", Access::Responder, change_incident::resolve_incident)
        .get("/api/governance/health", Access::Authenticated, get_health::get_health)
}
