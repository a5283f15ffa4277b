//! Actions: a list of them, what their workers say came of them, and what responders decide.

mod approval;
mod list;
mod outcome;
mod request;

use std::sync::Arc;

use age_dispatch::Escalations;
use age_model::{Action, ActionItem, Clock, EventId};
use age_platform::{Access, CursorKey, Problem, Routes};
use age_scoring::Policy;
use age_store::{EventSearch, Life};
use utoipa::OpenApi;

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    listing: EventSearch,
    life: Life,
    cursors: CursorKey,
    policy: Policy,
    escalations: Escalations,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        listing: EventSearch,
        life: Life,
        cursors: CursorKey,
        policy: Policy,
        escalations: Escalations,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Parts { listing, life, cursors, policy, escalations, clock: Box::new(clock) }))
    }
}

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list::list, outcome::report, approval::decide))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/actions", Access::Reader, list::list)
        .post("/api/governance/events/{id}/actions/{action}/outcome", Access::Engine, outcome::report)
        .post("/api/governance/events/{id}/actions/{action}/approval", Access::Responder, approval::decide)
}

impl Parts {
    async fn action(&self, event: EventId, action: Action) -> Result<ActionItem, Problem> {
        let item = self.life.actions().get(event, action).await?;
        item.ok_or_else(|| Problem::not_found("there is no such action for this event"))
    }
}
