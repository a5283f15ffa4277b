//! The record that decisions about an incident key are made on: its state, the counters of its incident, and its firing alerts.

use crate::incident::IncidentCounters;
use crate::incident_state::{FiringAlerts, FiringAlertsChange, IncidentState};
use crate::time::Timestamp;

/// Everything that AGE knows of an incident key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRecord {
    /// The state that decisions are made on.
    pub state: IncidentState,
    /// The counters of the latest incident.
    pub counters: IncidentCounters,
    /// The alerts that are firing.
    pub firing_alerts: FiringAlerts,
}

/// How the counters of the incident change when a state is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterChange {
    /// The counters stay as they are.
    Keep,
    /// So many events more, the latest accepted at this time.
    Increment(u64, Timestamp),
    /// A new incident begins with these counters.
    Reset(IncidentCounters),
}

impl IncidentCounters {
    /// Applies `change`. When the key was last heard stays as it is, also if a new incident begins.
    pub fn apply(&mut self, change: CounterChange) {
        match change {
            CounterChange::Keep => {}
            CounterChange::Increment(events, at) => {
                self.events = self.events.saturating_add(events);
                self.last_event_at = Some(at);
            }
            CounterChange::Reset(counters) => *self = Self { last_heard_at: self.last_heard_at, ..counters },
        }
    }
}

impl FiringAlerts {
    /// Applies `change`.
    pub const fn apply(&mut self, change: FiringAlertsChange) {
        match change {
            FiringAlertsChange::Keep => {}
            FiringAlertsChange::Begin(alerts) => self.number = self.number.saturating_add(alerts),
            FiringAlertsChange::End(alerts) => self.number = self.number.saturating_sub(alerts),
            FiringAlertsChange::Restart(alerts, from) => {
                *self = Self { number: alerts, counted_from: Some(from) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_incremented_and_reset_and_remember_when_the_key_was_heard() {
        let at = Timestamp::from_millis(1000);
        let mut counters = IncidentCounters { last_heard_at: Some(at), ..IncidentCounters::default() };
        counters.apply(CounterChange::Increment(2, at));
        assert_eq!((counters.events, counters.last_event_at), (2, Some(at)));
        counters.apply(CounterChange::Keep);
        assert_eq!(counters.events, 2);
        counters.apply(CounterChange::Reset(IncidentCounters::default()));
        assert_eq!(counters, IncidentCounters { last_heard_at: Some(at), ..IncidentCounters::default() });
    }

    #[test]
    fn firing_alerts_begin_end_and_restart() {
        let mut alerts = FiringAlerts::default();
        alerts.apply(FiringAlertsChange::Begin(2));
        alerts.apply(FiringAlertsChange::End(1));
        assert_eq!(alerts, FiringAlerts { number: 1, counted_from: None });
        let from = Timestamp::from_millis(5);
        alerts.apply(FiringAlertsChange::Restart(1, from));
        assert_eq!(alerts, FiringAlerts { number: 1, counted_from: Some(from) });
    }
}
