//! The state of the handlers.

use std::sync::Arc;

use age_store::Reports;

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) reports: Reports,
}

impl App {
    /// Combines the parts.
    #[must_use]
    pub fn new(reports: Reports) -> Self {
        Self(Arc::new(Inner { reports }))
    }
}
