//! The state of the handlers.

use std::sync::Arc;

use age_model::Clock;
use age_policy::Policy;
use age_store::{Reports, Rollups};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) rollups: Rollups,
    pub(crate) reports: Reports,
    pub(crate) policy: Policy,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(rollups: Rollups, reports: Reports, policy: Policy, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { rollups, reports, policy, clock: Box::new(clock) }))
    }
}
