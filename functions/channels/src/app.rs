//! The state of the handlers.

use std::sync::Arc;

use age_governance::{ChannelConfigurator, ChannelManager, PolicyCache};
use age_model::{Clock, TargetSealer};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) manager: ChannelManager,
    pub(crate) configurator: ChannelConfigurator,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts. `sealer` encrypts the targets of channels.
    pub fn new(
        manager: ChannelManager,
        sealer: impl TargetSealer + 'static,
        policies: PolicyCache,
        clock: impl Clock + 'static,
    ) -> Self {
        let configurator = ChannelConfigurator::new(manager.clone(), sealer);
        Self(Arc::new(Inner { manager, configurator, policies, clock: Box::new(clock) }))
    }
}
