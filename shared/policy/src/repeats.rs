//! Repeats: an event that is reported again shows that its problem lasts.

use age_model::{Event, IncidentState, Timestamp};

use crate::action_planning::Plan;
use crate::document::Policy;
use crate::ineffective_remediations::{Sign, remove_ineffective};

/// How long after an event was accepted its repeats are copies of the same message, in seconds: a client that got no response, or a
/// second sender of the same alert. They show nothing that the event did not show.
const SAME_MESSAGE_SECONDS: i64 = 60;

/// How often a repeat is recorded in the state of its incident key, in seconds.
const RECORD_EVERY_SECONDS: i64 = 60;

impl Policy {
    /// Whether a repeat of `event` that is heard at `now` shows that the event's problem lasts.
    #[must_use]
    pub fn is_sign_of_life(&self, event: &Event, now: Timestamp) -> bool {
        event.resolves.is_none()
            && event.reported.severity >= self.actions.min_severity
            && event.occurred_at.plus_seconds(SAME_MESSAGE_SECONDS) <= now
    }

    /// Plans what follows on a repeat of `event` at `now`, given the state of its incident key and when the key was last heard:
    /// remediations that had succeeded are ineffective. Returns None if nothing follows and the key was heard less than a minute
    /// before.
    #[must_use]
    pub fn plan_repeat(
        &self,
        event: &Event,
        state: &IncidentState,
        last_heard_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Plan> {
        let mut next = state.clone();
        let ineffective = remove_ineffective(self, &mut next, &Sign::of_repeat(event, now));
        if let Some(incident) = next.open_incident_mut() {
            incident.reported_resolved_at = None;
        }
        let is_changed = next != *state;
        let is_due = last_heard_at.is_none_or(|last| last.plus_seconds(RECORD_EVERY_SECONDS) <= now);
        if !is_changed && !is_due {
            return None;
        }
        next.version = state.version.saturating_add(1);
        Some(Plan { actions: Vec::new(), state: is_changed.then_some(next), ineffective, counted: false })
    }
}
