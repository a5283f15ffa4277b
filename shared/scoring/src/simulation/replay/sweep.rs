//! A sweep in the replay: what is due at a minute, in the order of the sweep of `age_governance`.

use age_model::{
    Action, ActionItem, ActionStatus, ApprovalNotificationKind, EventId, IncidentKey, NotificationKind, Timestamp,
};
use age_policy::{ActionStep, KeyChange};

use super::Replay;

impl Replay<'_> {
    /// Does what is due at `now`.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        (self.now, self.last_sweep) = (now, Some(now));
        let approvals = self.process_due_actions();
        self.check_silences();
        let incidents = self.process_due_incidents();
        let (second_line, first_line): (Vec<_>, Vec<_>) =
            incidents.into_iter().partition(|(_, kind)| *kind == NotificationKind::Escalation);
        for (key, kind) in second_line.into_iter().chain(first_line) {
            self.notify_of_incident(&key, kind);
        }
        for (id, kind) in approvals {
            self.notify_of_approval(id, kind);
        }
    }

    /// Ends actions and dispatches those that are pending. Returns the notifications that are due for approvals.
    fn process_due_actions(&mut self) -> Vec<((EventId, Action), ApprovalNotificationKind)> {
        let now = self.now;
        let due = self.due_actions.iter().take_while(|(at, ..)| *at <= now);
        let due: Vec<(EventId, Action)> = due.map(|(_, event, action)| (*event, *action)).collect();
        let (mut pending, mut approvals) = (Vec::new(), Vec::new());
        for id in due {
            let Some(item) = self.actions.get(&id).map(|action| action.item.clone()) else { continue };
            let heard_at = self.keys.get(&item.incident_key()).and_then(|record| record.counters.last_heard_at);
            match self.policy.next_action_step(&item, heard_at, now) {
                ActionStep::Dispatch => pending.push((item.created_at, id)),
                ActionStep::Notify(kind) => approvals.push((id, kind)),
                ActionStep::Expire(expired) => {
                    self.expire(&item, expired);
                    approvals.push((id, ApprovalNotificationKind::Expiry));
                }
                ActionStep::Advance(new) => self.advance(&item, new),
                ActionStep::Postpone(new) => self.update_action(id, |_| new),
            }
        }
        pending.sort_unstable();
        for (_, id) in pending {
            self.dispatch(id);
        }
        approvals
    }

    /// Nobody has decided in time. What a responder would have decided is unknown, if none was really asked.
    fn expire(&mut self, item: &ActionItem, expired: ActionItem) {
        let id = (item.event_id, item.action);
        let was_asked = self.recorded_actions.get(&id).is_some_and(|recorded| {
            let asked_long = |approve_by: Timestamp| Some(approve_by) >= item.approve_by;
            recorded
                .approval
                .as_ref()
                .is_some_and(|approval| asked_long(approval.approve_by) || approval.decision.is_some())
                && recorded.status != ActionStatus::Suppressed
        });
        if let Some(action) = self.actions.get_mut(&id) {
            action.is_unknown |= !was_asked;
        }
        self.advance(item, expired);
    }

    fn check_silences(&mut self) {
        while let Some((at, engine)) = self.silence_checks.first().copied().filter(|(at, _)| *at <= self.now) {
            self.silence_checks.remove(&(at, engine));
            self.check_silence(engine);
        }
    }

    /// Does what is due for incidents. Returns those of which people are to be notified.
    fn process_due_incidents(&mut self) -> Vec<(IncidentKey, NotificationKind)> {
        let now = self.now;
        let due = self.due_incidents.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<IncidentKey> = due.map(|(_, key)| key.clone()).collect();
        let mut notifications = Vec::new();
        for key in due {
            let record = self.record(&key);
            let (mut state, counters) = (record.state, record.counters);
            let Some(incident) = state.incident.as_mut() else { continue };
            let step = self.policy.incidents.take_step(incident, counters, now);
            if step.has_changed {
                state.version = state.version.saturating_add(1);
                self.apply(&key, KeyChange::to(state), now);
            }
            notifications.extend(step.notification.map(|kind| (key, kind)));
        }
        notifications
    }
}
