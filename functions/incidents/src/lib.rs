//! Incidents: a list of them, the story of each, and whoever takes one. And how AGE itself is.

mod health;
mod list;
mod mark;
mod story;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use model::{Clock, IncidentId};
use platform::{CursorKey, Problem};
use scoring::Policy;
use store::{Incidents, Known, Life, Listing};

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    incidents: Incidents,
    listing: Listing,
    life: Life,
    cursors: CursorKey,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        incidents: Incidents,
        listing: Listing,
        life: Life,
        cursors: CursorKey,
        policy: Policy,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Parts { incidents, listing, life, cursors, policy, clock: Box::new(clock) }))
    }
}

/// The routes of this function. None of the GETs changes anything: mail scanners follow links.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/api/governance/incidents", get(list::list))
        .route("/api/governance/incidents/{id}", get(story::show))
        .route("/api/governance/incidents/{id}/acknowledge", post(mark::acknowledge))
        .route("/api/governance/incidents/{id}/resolve", post(mark::resolve))
        .route("/api/governance/health", get(health::show))
        .with_state(app);
    platform::router(routes)
}

impl Parts {
    async fn known(&self, id: &IncidentId) -> Result<Known, Problem> {
        self.incidents.get(id).await?.ok_or_else(|| Problem::not_found("there is no such incident"))
    }
}
