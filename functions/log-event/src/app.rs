//! The state of the handlers.

use std::sync::Arc;

use age_governance::EventRecorder;
use age_model::Clock;

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    recorder: EventRecorder,
    clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(recorder: EventRecorder, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { recorder, clock: Box::new(clock) }))
    }

    pub(crate) fn recorder(&self) -> &EventRecorder {
        &self.0.recorder
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }
}
