//! The state of the handlers.

use std::sync::Arc;

use age_governance::{ActionLifecycle, Notifier, PolicyCache};
use age_http::Problem;
use age_model::{Action, ActionItem, Clock, EventId};
use age_store::ActionSearch;

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) search: ActionSearch,
    pub(crate) lifecycle: ActionLifecycle,
    pub(crate) notifier: Notifier,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(
        search: ActionSearch,
        lifecycle: ActionLifecycle,
        notifier: Notifier,
        policies: PolicyCache,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Inner { search, lifecycle, notifier, policies, clock: Box::new(clock) }))
    }
}

impl Inner {
    /// Returns `action` of `event`.
    ///
    /// # Errors
    /// 404 if the event has no such action, 503 if it cannot be read.
    pub(crate) async fn action(&self, event: EventId, action: Action) -> Result<ActionItem, Problem> {
        let item = self.lifecycle.actions().get(event, action).await?;
        item.ok_or_else(|| Problem::not_found(format!("event {event} has no action {action}")))
    }
}
