//! The state of the handlers.

use std::sync::Arc;

use age_governance::{ChannelManager, PolicyCache};
use age_model::Clock;

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) manager: ChannelManager,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(manager: ChannelManager, policies: PolicyCache, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { manager, policies, clock: Box::new(clock) }))
    }
}
