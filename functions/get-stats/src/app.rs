//! The state of the handlers.

use std::sync::Arc;

use age_governance::PolicyCache;
use age_model::Clock;
use age_store::{Reports, Rollups};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) rollups: Rollups,
    pub(crate) reports: Reports,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(rollups: Rollups, reports: Reports, policies: PolicyCache, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { rollups, reports, policies, clock: Box::new(clock) }))
    }
}
