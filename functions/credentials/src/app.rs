//! The state of the handlers.

use std::sync::Arc;

use age_governance::PolicyCache;
use age_model::Clock;
use age_store::Credentials;

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) credentials: Credentials,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(credentials: Credentials, policies: PolicyCache, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { credentials, policies, clock: Box::new(clock) }))
    }
}
