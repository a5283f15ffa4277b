//! The records of incident keys in the replay, and what changes with them.

use age_model::{
    ActionStatus, EventId, Incident, IncidentChangeKind, IncidentId, IncidentKey, IncidentState, KeyRecord,
    NotifyAdmin, Timestamp,
};
use age_policy::KeyChange;

use super::Replay;
use crate::simulation::consequences::{ActionResult, Consequences, IncidentResult, is_status_change};

impl Replay<'_> {
    /// Returns the record of `key`.
    pub(super) fn record(&self, key: &IncidentKey) -> KeyRecord {
        self.keys.get(key).cloned().unwrap_or_default()
    }

    /// Applies `change` to the record of `key` at `now`, and everything that follows it.
    pub(super) fn apply(&mut self, key: &IncidentKey, change: KeyChange, now: Timestamp) {
        let record = self.keys.entry(key.clone()).or_default();
        let before = record.state.incident.clone();
        let counters = record.counters;
        change.apply(record, now);
        let after = record.state.incident.clone();
        if let Some(before) = before.as_ref().filter(|it| Some(it.opened_at) != after.as_ref().map(|it| it.opened_at)) {
            self.archive(key, before, counters.events);
        }
        self.log_change(key, before.as_ref(), after.as_ref());
        self.move_due(key, before.as_ref(), after.as_ref());
        self.follow_notify_admin(before.as_ref(), after.as_ref(), now);
    }

    /// Brings the state of `key` to `state`.
    pub(super) fn set_state(&mut self, key: &IncidentKey, mut state: IncidentState, now: Timestamp) {
        state.version = self.record(key).state.version.saturating_add(1);
        self.apply(key, KeyChange::to(state), now);
    }

    fn log_change(&mut self, key: &IncidentKey, before: Option<&Incident>, after: Option<&Incident>) {
        let last = |incident: Option<&Incident>| {
            let incident = incident?;
            incident.last_change.as_ref().map(|change| (incident.opened_at, change.number))
        };
        let Some(after) = after.filter(|after| last(before) != last(Some(after))) else { return };
        let Some(change) = &after.last_change else { return };
        let log = self.logs.entry((key.clone(), after.opened_at)).or_default();
        if is_status_change(change.kind) {
            log.changes.push((change.kind, change.at, change.by.is_some()));
        }
        // A person who has resolved the silence of an engine, or AGE: its engine is looked at again.
        if change.kind == IncidentChangeKind::Resolved && *key == IncidentKey::engine_silent(key.engine) {
            self.check_silence_at(key.engine, change.at.plus_millis(1));
        }
    }

    fn move_due(&mut self, key: &IncidentKey, before: Option<&Incident>, after: Option<&Incident>) {
        let due = |incident: Option<&Incident>| incident.and_then(|incident| incident.due_at);
        let number = self.due_of_engine.entry(key.engine).or_default();
        if let Some(at) = due(before) {
            self.due_incidents.remove(&(at, key.clone()));
            *number = number.saturating_sub(1);
        }
        if let Some(at) = due(after) {
            self.due_incidents.insert((at, key.clone()));
            *number += 1;
        }
    }

    /// The status of a `notify_admin` follows its incident.
    fn follow_notify_admin(&mut self, before: Option<&Incident>, after: Option<&Incident>, now: Timestamp) {
        let of = |incident: Option<&Incident>| incident.and_then(|incident| incident.notify_admin);
        let (Some(old), Some(NotifyAdmin { event_id, status })) = (of(before), of(after)) else { return };
        if old.event_id != event_id || old.status == status {
            return;
        }
        if let Some(action) = self.actions.get_mut(&(event_id, age_model::Action::NotifyAdmin)) {
            action.item.status = status;
            if status == ActionStatus::Dispatched {
                action.item.dispatched_at = Some(now);
            } else {
                action.item.completed_at = Some(now);
            }
        }
    }

    /// Marks the open incident of `key` as one that depends on an answer that nobody was asked for.
    pub(super) fn mark_unknown(&mut self, key: &IncidentKey) {
        let opened_at = self.keys.get(key).and_then(|record| record.state.open_incident()).map(|it| it.opened_at);
        if let Some(opened_at) = opened_at {
            self.logs.entry((key.clone(), opened_at)).or_default().is_unknown = true;
        }
    }

    fn archive(&mut self, key: &IncidentKey, incident: &Incident, events: u64) {
        let log = self.logs.remove(&(key.clone(), incident.opened_at)).unwrap_or_default();
        let result = IncidentResult {
            cause: incident.cause,
            severity: incident.severity,
            status: incident.status,
            event_id: incident.event_id,
            events,
            failed_remediations: incident.failed_remediations,
            changes: log.changes,
            notifications: log.notifications,
            is_unknown: log.is_unknown,
        };
        let id = IncidentId { key: key.clone(), opened_at: incident.opened_at };
        self.result.incidents.insert(id, result);
    }

    /// Returns what has followed.
    pub(super) fn finish(mut self) -> Consequences {
        for (key, record) in std::mem::take(&mut self.keys) {
            if let Some(incident) = &record.state.incident {
                self.archive(&key, incident, record.counters.events);
            }
        }
        let actions = std::mem::take(&mut self.actions).into_iter().map(|(id, action)| {
            let item = action.item;
            let result = ActionResult {
                key: item.incident_key(),
                severity: item.severity,
                created_at: item.created_at,
                status: item.status,
                needs_approval: item.approve_by.is_some(),
                decided_at: item.decided_at,
                dispatched_at: item.dispatched_at,
                completed_at: item.completed_at,
                verified_at: item.verified_at,
                suppressed_by: item.suppressed_by,
                approval_notifications: action.approval_notifications,
                is_unknown: action.is_unknown,
            };
            (id, result)
        });
        self.result.actions = actions.collect();
        // What was over before the period, and only took part in it, is no consequence of it.
        self.result
    }

    /// Returns the event `id`, if it was read.
    pub(super) fn event(&self, id: EventId) -> Option<age_model::Event> {
        self.events.get(&id).cloned()
    }
}
