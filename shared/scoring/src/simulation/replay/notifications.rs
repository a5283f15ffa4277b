//! Notifications in the replay. Every e-mail is sent at once.

use age_model::{ActionStatus, ApprovalNotificationKind, EventId, IncidentKey, NotificationKind};
use age_policy::{KeyChange, NextStep, notified_counts};

use super::Replay;

impl Replay<'_> {
    /// Notifies people while a caller waits: of the incident of `key`, if nobody was, and of the approvals of `event`.
    pub(super) fn notify_at_once(&mut self, key: Option<&IncidentKey>, event: Option<EventId>) {
        let approvals: Vec<_> = event
            .into_iter()
            .flat_map(|event| self.actions_of(event).map(move |(action, it)| (event, action, it.item.status)))
            .filter(|(.., status)| *status == ActionStatus::PendingApproval)
            .map(|(event, action, _)| (event, action))
            .collect();
        if let Some(key) = key.filter(|key| self.is_initial_due(key)) {
            self.notify_of_incident(key, NotificationKind::Initial);
        }
        for id in approvals {
            self.notify_of_approval(id, ApprovalNotificationKind::Request);
        }
    }

    fn is_initial_due(&self, key: &IncidentKey) -> bool {
        let Some(record) = self.keys.get(key) else { return false };
        let Some(incident) = &record.state.incident else { return false };
        let next = self.policy.incidents.next_step(incident, record.counters, self.now);
        next == NextStep::Notify(NotificationKind::Initial)
    }

    /// Notifies people of the incident of `key`.
    pub(super) fn notify_of_incident(&mut self, key: &IncidentKey, kind: NotificationKind) {
        let (now, rules) = (self.now, &self.policy.incidents);
        let record = self.record(key);
        let (mut state, counters) = (record.state, record.counters);
        let Some(incident) = state.incident.as_mut() else { return };
        let notified = notified_counts(incident, counters);
        let notification = rules.record_notification(incident, kind, (counters, notified, 1), now);
        let opened_at = incident.opened_at;
        state.version = state.version.saturating_add(1);
        self.apply(key, KeyChange::to(state), now);
        self.logs.entry((key.clone(), opened_at)).or_default().notifications.push(notification);
    }

    /// Notifies people of the approval of an action.
    pub(super) fn notify_of_approval(&mut self, id: (EventId, age_model::Action), kind: ApprovalNotificationKind) {
        let (now, policy) = (self.now, self.policy);
        self.update_action(id, |item| policy.approval_notified(item, now));
        if let Some(action) = self.actions.get_mut(&id) {
            action.approval_notifications.push((Some(kind), now));
        }
    }
}
