//! The state of the handlers.

use std::sync::Arc;

use age_governance::{PolicyActivator, PolicySimulator, SimulationJobs};
use age_model::Clock;
use age_store::{Policies, Rollups};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) policies: Policies,
    pub(crate) activator: PolicyActivator,
    pub(crate) simulations: SimulationJobs,
    pub(crate) simulator: PolicySimulator,
    pub(crate) rollups: Rollups,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(
        policies: Policies,
        activator: PolicyActivator,
        simulations: SimulationJobs,
        simulator: PolicySimulator,
        rollups: Rollups,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Inner { policies, activator, simulations, simulator, rollups, clock: Box::new(clock) }))
    }
}
