//! Alerts that begin to fire, and alerts that their senders report as resolved.

use age_model::{
    Event, FiringAlerts, FiringAlertsChange, IncidentCounters, IncidentState, IncidentStatus, StatusChange, Timestamp,
};

use crate::document::{IncidentRules, OnResolved};
use crate::incident_timing::resolve;

/// The consequences of a report that an alert is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The new state of the alert's incident key; None if it stays as it was.
    pub state: Option<IncidentState>,
    /// Whether the alert's event belongs to the latest incident.
    pub is_of_incident: bool,
    /// How the number of firing alerts changes.
    pub firing_alerts: FiringAlertsChange,
}

impl IncidentRules {
    /// Returns how the number of firing alerts of a key changes when one begins to fire at `now`.
    #[must_use]
    pub fn begin_alert(&self, state: &IncidentState, counters: IncidentCounters, now: Timestamp) -> FiringAlertsChange {
        let quiet_until = |last: Timestamp| last.plus_seconds(self.resolve_after_seconds);
        // Senders repeat what fires. After so much silence, earlier alerts have ended without a report.
        let was_quiet = counters.last_heard_at.is_some_and(|last| quiet_until(last) < now);
        if state.open_incident().is_none() && was_quiet {
            FiringAlertsChange::Restart(1, now)
        } else {
            FiringAlertsChange::Begin(1)
        }
    }

    /// Plans what follows on the report at `now` that the alert of `event` is resolved, given the state of its incident key.
    ///
    /// The incident is resolved, or gets a note, only once every event of it was reported as resolved and no other alert of the key
    /// is firing.
    #[must_use]
    pub fn plan_resolution(
        &self,
        event: &Event,
        state: &IncidentState,
        counters: IncidentCounters,
        firing_alerts: FiringAlerts,
        now: Timestamp,
    ) -> Resolution {
        let is_counted = firing_alerts.counts(event.occurred_at);
        let change = if is_counted { FiringAlertsChange::End(1) } else { FiringAlertsChange::Keep };
        let mut next = state.clone();
        let Some(incident) = next.open_incident_mut() else {
            return Resolution { state: None, is_of_incident: false, firing_alerts: change };
        };
        let is_of_incident = incident.opened_at <= event.occurred_at || incident.event_id == Some(event.id);
        let firing = firing_alerts.number - u64::from(is_counted);
        let resolved_events = counters.resolved_events + u64::from(is_of_incident);
        if firing > 0 || resolved_events < counters.events {
            return Resolution { state: None, is_of_incident, firing_alerts: change };
        }
        incident.reported_resolved_at = Some(now);
        let resolves = match self.on_resolved {
            Some(OnResolved::Resolve) => true,
            Some(OnResolved::Note) => false,
            None => incident.status == IncidentStatus::Open,
        };
        if !(resolves && resolve(incident, StatusChange { at: now, by: None, note: None }).is_ok()) {
            self.advance_due_time(incident, now);
        }
        next.version = state.version.saturating_add(1);
        Resolution { state: Some(next), is_of_incident, firing_alerts: change }
    }
}
