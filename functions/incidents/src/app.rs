//! The state of the handlers.

use std::sync::Arc;

use age_governance::{IncidentLifecycle, PolicyCache};
use age_http::Problem;
use age_model::{Clock, IncidentId};
use age_store::{
    Actions, Deliveries, EventSearch, Events, FleetStateStore, IncidentRecord, Incidents, SystemAlerts,
    SystemHealthStore,
};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

/// The tables that the handlers read.
pub struct Tables {
    /// The events.
    pub events: Events,
    /// The index of events.
    pub search: EventSearch,
    /// The actions.
    pub actions: Actions,
    /// The incidents.
    pub incidents: Incidents,
    /// The deliveries of messages to channels.
    pub deliveries: Deliveries,
    /// The holds.
    pub fleet_state: FleetStateStore,
    /// AGE's own health.
    pub health: SystemHealthStore,
    /// The system alerts: what AGE refused or could not do.
    pub system_alerts: SystemAlerts,
}

pub(crate) struct Inner {
    pub(crate) tables: Tables,
    pub(crate) lifecycle: IncidentLifecycle,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Combines the parts.
    pub fn new(
        tables: Tables,
        lifecycle: IncidentLifecycle,
        policies: PolicyCache,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Inner { tables, lifecycle, policies, clock: Box::new(clock) }))
    }
}

impl Inner {
    /// Returns the incident `id`.
    ///
    /// # Errors
    /// 404 if it does not exist, 503 if it cannot be read.
    pub(crate) async fn incident(&self, id: &IncidentId) -> Result<IncidentRecord, Problem> {
        self.tables.incidents.get(id).await?.ok_or_else(|| Self::no_incident(id))
    }

    /// Returns the 404 for an incident that does not exist.
    pub(crate) fn no_incident(id: &IncidentId) -> Problem {
        Problem::not_found(format!("incident {id} does not exist"))
    }
}
