//! Doing what is due for an incident, except notifying people.

use age_model::{Incident, IncidentCounters, NotificationKind, NotifiedCounts, StatusChange, Timestamp};

use crate::document::IncidentRules;
use crate::incident_changes::resolve;
use crate::incident_timing::NextStep;

/// How soon an incident is looked at again whose events are counted without its row, in seconds.
const LOOK_AGAIN_SECONDS: i64 = 60;

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

    /// Does what is due for `incident` at `now` like [`take_step`](Self::take_step), while others count events of it without writing its
    /// row. An event that `counters` lack may have been counted, so the incident does not resolve, and is looked at again soon.
    pub fn take_step_while_counting(
        &self,
        incident: &mut Incident,
        counters: IncidentCounters,
        now: Timestamp,
    ) -> StepResult {
        let (due_at, latest) = (incident.due_at, now.plus_seconds(LOOK_AGAIN_SECONDS));
        match self.next_step(incident, counters, now) {
            NextStep::Notify(kind) => return StepResult { notification: Some(kind), has_changed: false },
            NextStep::Unknown => {}
            NextStep::Resolve => incident.due_at = Some(latest),
            NextStep::Wait(until) => incident.due_at = Some(until.min(latest)),
            NextStep::Nothing => incident.due_at = None,
        }
        StepResult { notification: None, has_changed: incident.due_at != due_at }
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
