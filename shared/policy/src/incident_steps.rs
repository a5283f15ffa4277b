//! Doing what is due for an incident, except notifying people.

use age_model::{Incident, IncidentCounters, NotificationKind, NotifiedCounts, StatusChange, Timestamp};

use crate::document::IncidentRules;
use crate::incident_changes::resolve;
use crate::incident_timing::NextStep;

/// The result of a step of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepResult {
    /// The notification that is due now.
    pub notification: Option<NotificationKind>,
    /// Whether the incident has changed.
    pub has_changed: bool,
}

impl IncidentRules {
    /// Does what is due for `incident` at `now`, except notifying people.
    pub fn take_step(&self, incident: &mut Incident, counters: IncidentCounters, now: Timestamp) -> StepResult {
        let due_at = incident.due_at;
        let mut notification = None;
        match self.next_step(incident, counters, now) {
            NextStep::Notify(kind) => return StepResult { notification: Some(kind), has_changed: false },
            NextStep::Unknown => return StepResult { notification, has_changed: false },
            NextStep::Resolve => {
                let resolved = resolve(incident, StatusChange { at: now, by: None, note: None });
                notification = resolved.is_ok().then_some(NotificationKind::Resolution);
            }
            NextStep::Wait(until) => incident.due_at = Some(until),
            NextStep::Nothing => incident.due_at = None,
        }
        StepResult { notification, has_changed: notification.is_some() || incident.due_at != due_at }
    }
}

/// Returns how much people have been notified of by a notification about `incident` and `counters`.
#[must_use]
pub const fn notified_counts(incident: &Incident, counters: IncidentCounters) -> NotifiedCounts {
    NotifiedCounts {
        events: counters.events,
        failed_remediations: incident.failed_remediations,
        reported_resolved_at: incident.reported_resolved_at,
    }
}
