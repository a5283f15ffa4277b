//! Changes of what AGE knows of an incident key: what a new state means for the counters of its incident.

use age_model::{
    CounterChange, FiringAlertsChange, Incident, IncidentCause, IncidentCounters, IncidentState, IncidentStatus,
    KeyRecord, Timestamp,
};

/// A change of the record of an incident key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// The new state, if it changes.
    pub state: Option<IncidentState>,
    /// How many events more the incident counts, and when the latest was accepted.
    pub counted: Option<(u64, Timestamp)>,
    /// How many events of the incident more were reported as resolved.
    pub resolved_events: u64,
    /// How the number of firing alerts changes.
    pub firing_alerts: FiringAlertsChange,
    /// When an event of the key, or a repeat of one, was heard.
    pub heard_at: Option<Timestamp>,
}

impl KeyChange {
    /// Returns the change to `state`.
    #[must_use]
    pub fn to(state: IncidentState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

    /// Applies the change to `record` at `now`.
    pub fn apply(self, record: &mut KeyRecord, now: Timestamp) {
        let Self { state, counted, resolved_events, firing_alerts, heard_at } = self;
        let old = record.state.incident.as_ref();
        let new = state.as_ref().unwrap_or(&record.state).incident.as_ref();
        let counters = counter_change(old, new, counted);
        let firing_alerts = firing_alerts_change(old, new, firing_alerts, now);
        record.counters.apply(counters);
        record.counters.resolved_events = record.counters.resolved_events.saturating_add(resolved_events);
        record.counters.last_heard_at = heard_at.or(record.counters.last_heard_at);
        record.firing_alerts.apply(firing_alerts);
        if let Some(state) = state {
            record.state = state;
        }
    }
}

/// Returns how the counters change when `new` follows on the incident `old` and counts `counted`.
#[must_use]
pub fn counter_change(
    old: Option<&Incident>,
    new: Option<&Incident>,
    counted: Option<(u64, Timestamp)>,
) -> CounterChange {
    let is_new_incident = old.map(|old| old.opened_at) != new.map(|new| new.opened_at);
    match counted {
        _ if is_new_incident => CounterChange::Reset(first_counters(new, counted)),
        Some((events, at)) => CounterChange::Increment(events, at),
        None => CounterChange::Keep,
    }
}

/// Returns how the number of firing alerts changes at `now` when `new` follows on the incident `old`, and `reported` says so.
#[must_use]
pub fn firing_alerts_change(
    old: Option<&Incident>,
    new: Option<&Incident>,
    reported: FiringAlertsChange,
    now: Timestamp,
) -> FiringAlertsChange {
    let is_resolved = |incident: Option<&Incident>| incident.is_some_and(|it| it.status == IncidentStatus::Resolved);
    // What fires while its incident is resolved is no longer counted: its end says nothing about a later incident.
    if is_resolved(new) && !is_resolved(old) { FiringAlertsChange::Restart(0, now) } else { reported }
}

/// The counters of a new incident. One that a failed remediation opened also counts the event of the remediation.
fn first_counters(incident: Option<&Incident>, counted: Option<(u64, Timestamp)>) -> IncidentCounters {
    let of_remediation = incident.is_some_and(|incident| incident.cause == IncidentCause::FailedRemediation);
    let (events, last_event_at) = counted.map_or((0, None), |(events, at)| (events, Some(at)));
    let events = events + u64::from(of_remediation);
    IncidentCounters { events, last_event_at, resolved_events: 0, last_heard_at: None }
}
