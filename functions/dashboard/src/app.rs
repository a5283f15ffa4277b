//! The state of the handlers.

use std::sync::Arc;

use age_governance::{ActionLifecycle, ChannelManager, PolicyCache, ReportGenerator, SimulationJobs};
use age_http::{Authentication, Problem};
use age_model::{Action, ActionItem, Clock, Decision, DecisionId, Event, EventId, IncidentId, Report, ReportId};
use age_store::{
    ActionSearch, Actions, Consistency, Decisions, Deliveries, EndedSessionsStore, EventSearch, Events,
    FleetStateStore, IncidentRecord, Incidents, Policies, Reports, Rollups, SystemAlerts, SystemHealthStore,
};

/// The state of the handlers. Build one per execution environment.
#[derive(Clone)]
pub struct App(pub(crate) Arc<AppState>);

/// The tables that the pages read.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Events, by id.
    pub events: Events,
    /// Events, by filter, newest first.
    pub search: EventSearch,
    /// Actions of events.
    pub actions: Actions,
    /// Actions, by filter, newest first.
    pub action_search: ActionSearch,
    /// Incidents.
    pub incidents: Incidents,
    /// Hourly counters of events and actions.
    pub rollups: Rollups,
    /// Governance reports.
    pub reports: Reports,
    /// Policy versions and their activations.
    pub policies: Policies,
    /// Decisions on operations of engines.
    pub decisions: Decisions,
    /// The deliveries of messages to channels.
    pub deliveries: Deliveries,
    /// The holds.
    pub fleet_state: FleetStateStore,
    /// The health of AGE itself.
    pub health: SystemHealthStore,
    /// The system alerts: what AGE refused or could not do.
    pub system_alerts: SystemAlerts,
    /// The sessions that people have ended.
    pub ended_sessions: EndedSessionsStore,
}

pub(crate) struct AppState {
    pub(crate) tables: Tables,
    pub(crate) action_lifecycle: ActionLifecycle,
    pub(crate) report_generator: ReportGenerator,
    pub(crate) simulations: SimulationJobs,
    pub(crate) channels: ChannelManager,
    pub(crate) authentication: Authentication,
    pub(crate) policies: PolicyCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl App {
    /// Builds the state.
    pub fn new(
        tables: Tables,
        action_lifecycle: ActionLifecycle,
        simulations: SimulationJobs,
        channels: ChannelManager,
        authentication: Authentication,
        policies: PolicyCache,
        clock: impl Clock + Clone + 'static,
    ) -> Self {
        let (rollups, incidents) = (tables.rollups.clone(), tables.incidents.clone());
        let report_generator = ReportGenerator::new(rollups, incidents, policies.clone(), clock.clone());
        Self(Arc::new(AppState {
            tables,
            action_lifecycle,
            report_generator,
            simulations,
            channels,
            authentication,
            policies,
            clock: Box::new(clock),
        }))
    }
}

impl AppState {
    /// Returns the event `id`.
    ///
    /// # Errors
    /// 404 if the event does not exist, 503 if it cannot be read.
    pub(crate) async fn get_event(&self, id: EventId) -> Result<Event, Problem> {
        let event = self.tables.events.get(id, Consistency::Strong).await?;
        event.ok_or_else(|| Problem::not_found(format!("event {id} does not exist")))
    }

    /// Returns `action` of `event`.
    ///
    /// # Errors
    /// 404 if the event has no such action, 503 if it cannot be read.
    pub(crate) async fn get_action(&self, event: EventId, action: Action) -> Result<ActionItem, Problem> {
        let item = self.tables.actions.get(event, action).await?;
        item.ok_or_else(|| Problem::not_found(format!("event {event} has no action {action}")))
    }

    /// Returns the incident `id`.
    ///
    /// # Errors
    /// 404 if the incident does not exist, 503 if it cannot be read.
    pub(crate) async fn get_incident(&self, id: &IncidentId) -> Result<IncidentRecord, Problem> {
        self.tables.incidents.get(id).await?.ok_or_else(|| Self::no_incident(id))
    }

    /// Returns the 404 for an incident that does not exist.
    pub(crate) fn no_incident(id: &IncidentId) -> Problem {
        Problem::not_found(format!("incident {id} does not exist"))
    }

    /// Returns the decision `id`, with its approval as it is now.
    ///
    /// # Errors
    /// 404 if the decision does not exist, 503 if it cannot be read.
    pub(crate) async fn get_decision(&self, id: DecisionId) -> Result<Decision, Problem> {
        let decision = self.tables.decisions.get(id, Consistency::Strong).await?;
        let decision = decision.ok_or_else(|| Problem::not_found(format!("decision {id} does not exist")))?;
        Ok(decision.as_of(self.clock.now()))
    }

    /// Returns the report `id`.
    ///
    /// # Errors
    /// 404 if the report does not exist, 503 if it cannot be read.
    pub(crate) async fn get_report(&self, id: ReportId) -> Result<Report, Problem> {
        let report = self.tables.reports.get(id, Consistency::Strong).await?;
        report.ok_or_else(|| Problem::not_found(format!("report {id} does not exist")))
    }
}
