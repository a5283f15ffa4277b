//! The state of the handlers.

use std::sync::Arc;

use age_governance::EventRecorder;
use age_model::Clock;
use age_store::SystemAlerts;

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    recorder: EventRecorder,
    system_alerts: SystemAlerts,
    clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(recorder: EventRecorder, system_alerts: SystemAlerts, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Inner { recorder, system_alerts, clock: Box::new(clock) }))
    }

    pub(crate) fn recorder(&self) -> &EventRecorder {
        &self.0.recorder
    }

    pub(crate) fn system_alerts(&self) -> &SystemAlerts {
        &self.0.system_alerts
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }
}
