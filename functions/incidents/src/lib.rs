//! Incidents: a list of them, the story of each, and whoever takes one. And how AGE itself is.

mod health;
mod list;
mod mark;
mod timeline;
mod view;

use std::sync::Arc;

use age_model::{Clock, IncidentId};
use age_platform::{Access, CursorKey, Problem, Routes};
use age_scoring::Policy;
use age_store::{EventSearch, IncidentRecord, Incidents, Life};
use utoipa::OpenApi;

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    incidents: Incidents,
    listing: EventSearch,
    life: Life,
    cursors: CursorKey,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        incidents: Incidents,
        listing: EventSearch,
        life: Life,
        cursors: CursorKey,
        policy: Policy,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Parts { incidents, listing, life, cursors, policy, clock: Box::new(clock) }))
    }
}

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list::list, timeline::show, mark::acknowledge, mark::resolve, health::show))]
pub struct Contract;

/// The routes of this function. None of the GETs changes anything: mail scanners follow links.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/incidents", Access::Reader, list::list)
        .get("/api/governance/incidents/{id}", Access::Reader, timeline::show)
        .post("/api/governance/incidents/{id}/acknowledge", Access::Responder, mark::acknowledge)
        .post("/api/governance/incidents/{id}/resolve", Access::Responder, mark::resolve)
        .get("/api/governance/health", Access::Authenticated, health::show)
}

impl Parts {
    async fn record(&self, id: &IncidentId) -> Result<IncidentRecord, Problem> {
        self.incidents.get(id).await?.ok_or_else(|| Problem::not_found("there is no such incident"))
    }
}
