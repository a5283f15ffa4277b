//! Incidents: lists them, returns one with its timeline, and changes one or many of them. Also holds, with which people stop engines,
//! and AGE's own health.

mod app;
mod change_incident;
mod change_incidents;
mod get_health;
mod get_incident;
mod holds;
mod incident_view;
mod list_incidents;

use age_http::{Access, Routes};
pub use app::{App, Tables};
use utoipa::OpenApi;

use crate::holds::{change_hold, list_holds};

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    list_incidents::list_incidents,
    get_incident::get_incident,
    change_incident::acknowledge_incident,
    change_incident::resolve_incident,
    change_incident::reopen_incident,
    change_incident::comment_on_incident,
    change_incidents::acknowledge_incidents,
    change_incidents::resolve_incidents,
    get_health::get_health,
    holds::list_holds::list_holds,
    holds::change_hold::set_hold,
    holds::change_hold::get_hold,
    holds::change_hold::end_hold,
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
        .post("/api/governance/incidents/{id}/reopen", Access::Responder, change_incident::reopen_incident)
        .post("/api/governance/incidents/{id}/comments", Access::Responder, change_incident::comment_on_incident)
        .post("/api/governance/incidents/acknowledge", Access::Responder, change_incidents::acknowledge_incidents)
        .post("/api/governance/incidents/resolve", Access::Responder, change_incidents::resolve_incidents)
        .get("/api/governance/health", Access::Authenticated, get_health::get_health)
        .get("/api/governance/holds", Access::Reader, list_holds::list_holds)
        .post("/api/governance/holds", Access::Responder, change_hold::set_hold)
        .get("/api/governance/holds/{id}", Access::Reader, change_hold::get_hold)
        .delete("/api/governance/holds/{id}", Access::Responder, change_hold::end_hold)
}
