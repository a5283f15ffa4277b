//! The beginning of a replay: what was not over when the period began, as far as the history tells.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    ActionItem, ActionStatus, AlertStatus, Event, Incident, IncidentChange, IncidentChangeKind, IncidentCounters,
    IncidentKey, IncidentStatus, KeyRecord, NotificationKind, NotifiedCounts, NotifyAdmin, PlannedAction, Remediation,
    StatusChange, Timestamp,
};
use age_policy::Policy;

use super::{IncidentLog, Replay};
use crate::simulation::consequences::{Consequences, is_status_change};
use crate::simulation::history::{History, RecordedAction, RecordedChange, RecordedEvent, RecordedIncident};

impl<'a> Replay<'a> {
    /// Begins the replay of `history` under `policy`.
    pub(super) fn start(policy: &'a Policy, history: &'a History) -> Self {
        let events = history.earlier_events.iter().chain(&history.events);
        let mut replay = Self {
            policy,
            history,
            recorded_actions: history.actions.iter().map(|it| ((it.event_id, it.action), it)).collect(),
            events: events.map(|event| (event.id, event.to_event())).collect(),
            now: history.from,
            last_sweep: None,
            keys: BTreeMap::new(),
            actions: BTreeMap::new(),
            due_actions: BTreeSet::new(),
            due_incidents: BTreeSet::new(),
            due_of_engine: BTreeMap::new(),
            heard: BTreeMap::new(),
            silence_checks: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            logs: BTreeMap::new(),
            result: Consequences::default(),
        };
        for incident in history.incidents.iter().filter(|incident| incident.id.opened_at < history.from) {
            replay.continue_incident(incident);
        }
        for action in history.actions.iter().filter(|action| action.created_at < history.from) {
            replay.continue_action(action);
        }
        replay.continue_alerts();
        for (engine, recorded) in &history.engines {
            replay.heard.extend(recorded.heard_before.map(|at| (*engine, at)));
            replay.check_silence_after_interval(*engine);
        }
        replay
    }

    /// Continues an action that was planned before the period.
    fn continue_action(&mut self, recorded: &RecordedAction) {
        let (from, key) = (self.history.from, recorded.key());
        let is_before = |at: Option<Timestamp>| at.is_some_and(|at| at < from);
        if recorded.was_over_before(from) {
            let ineffective = recorded.verified_at.filter(|_| recorded.status == ActionStatus::Ineffective);
            self.keys.entry(key).or_default().state.ineffective.extend(ineffective);
            return;
        }
        let Some(event) = self.event(recorded.event_id).filter(|_| recorded.action.is_remediation()) else { return };
        let rules = &self.policy.actions;
        let item = started(recorded, &event);
        let item = match (&recorded.approval, recorded.dispatched_at.filter(|at| *at < from)) {
            (_, Some(at)) => {
                let dispatched = age_policy::dispatched(&item, rules.answer_by(at), at);
                match recorded.outcome().zip(recorded.completed_at.filter(|at| *at < from)) {
                    Some(((outcome, _), at)) => rules.reported(&dispatched, outcome, at),
                    None => dispatched,
                }
            }
            (Some(approval), None) if !is_before(approval.decided_at) => {
                let item = ActionItem { approval_notified_at: Some(item.created_at), ..item };
                ActionItem { due_at: self.policy.approval_due_at(&item, from), ..item }
            }
            _ => ActionItem { status: ActionStatus::Pending, due_at: Some(from), ..item },
        };
        if item.status == ActionStatus::Dispatched
            && let Some(((_, after), at)) = recorded.outcome().zip(item.dispatched_at)
        {
            self.outcomes.insert((at.plus_millis(after), recorded.event_id, recorded.action));
        }
        self.keys.entry(key).or_default().state.remediations.push(Remediation {
            action: recorded.action,
            event_id: recorded.event_id,
            since: recorded.created_at,
            succeeded_at: None,
        });
        self.insert_action(item);
    }

    /// Continues an incident that was opened before the period.
    fn continue_incident(&mut self, recorded: &RecordedIncident) {
        let from = self.history.from;
        let key = recorded.id.key.clone();
        let later = self.history.events.iter().filter(|event| event.key() == key);
        let later =
            later.filter(|event| event.severity >= self.policy.actions.min_severity && event.resolves.is_none());
        let earlier = self.history.earlier_events.iter().filter(|event| event.key() == key);
        let last_event_at = earlier.map(|event| event.occurred_at).max().or(Some(recorded.id.opened_at));
        let events = recorded.events.saturating_sub(later.count() as u64);
        let counters = IncidentCounters { events, last_event_at, resolved_events: 0, last_heard_at: last_event_at };
        let incident = as_of(recorded, events, from);
        let changes = recorded.changes.iter().filter(|change| change.at < from && is_status_change(change.kind));
        let log = IncidentLog {
            changes: changes.map(|change| (change.kind, change.at, change.by.is_some())).collect(),
            notifications: recorded.notifications.iter().filter(|sent| sent.at < from).copied().collect(),
            is_unknown: false,
        };
        self.logs.insert((key.clone(), incident.opened_at), log);
        if let Some(at) = incident.due_at {
            self.due_incidents.insert((at, key.clone()));
            *self.due_of_engine.entry(key.engine).or_default() += 1;
        }
        let record: &mut KeyRecord = self.keys.entry(key).or_default();
        record.state.last_opened_at = Some(incident.opened_at);
        record.state.incident = Some(incident);
        record.counters = counters;
    }

    /// Counts the alerts that began to fire before the period and were not resolved.
    fn continue_alerts(&mut self) {
        let earlier = &self.history.earlier_events;
        let resolved: BTreeSet<_> = earlier.iter().filter_map(|event| event.resolves).collect();
        let firing = earlier.iter().filter(|event| {
            event.alert.as_ref().is_some_and(|alert| alert.status == AlertStatus::Firing)
                && event.severity >= self.policy.actions.min_severity
                && !resolved.contains(&event.id)
        });
        let keys: Vec<IncidentKey> = firing.map(RecordedEvent::key).collect();
        for key in keys {
            self.keys.entry(key).or_default().firing_alerts.number += 1;
        }
    }
}

/// Returns the action as it was planned.
fn started(recorded: &RecordedAction, event: &Event) -> ActionItem {
    let (status, approve_by) = match &recorded.approval {
        Some(approval) => (ActionStatus::PendingApproval, Some(approval.approve_by)),
        None => (ActionStatus::Pending, None),
    };
    let planned = PlannedAction { approve_by, ..PlannedAction::new(recorded.action, status) };
    ActionItem::new(event, planned, "")
}

/// Returns `recorded` as it was at `now`, with so many `events`. People have been notified of all of it.
fn as_of(recorded: &RecordedIncident, events: u64, now: Timestamp) -> Incident {
    let changes: Vec<&RecordedChange> = recorded.changes.iter().filter(|change| change.at < now).collect();
    let status_change = |change: &RecordedChange| StatusChange { at: change.at, by: change.by.clone(), note: None };
    let latest = |kinds: &[IncidentChangeKind]| {
        changes.iter().rev().find(|change| kinds.contains(&change.kind)).map(|change| status_change(change))
    };
    let acknowledging = [IncidentChangeKind::Acknowledged, IncidentChangeKind::TakenOver];
    let last = changes.iter().rev().find(|change| is_status_change(change.kind));
    let status = match last.map(|change| change.kind) {
        Some(IncidentChangeKind::Acknowledged | IncidentChangeKind::TakenOver) => IncidentStatus::Acknowledged,
        Some(IncidentChangeKind::Resolved) => IncidentStatus::Resolved,
        _ => IncidentStatus::Open,
    };
    let sent = || recorded.notifications.iter().filter(|sent| sent.at < now);
    let last_sent = |is_escalation: bool| {
        sent().filter(|it| (it.kind == NotificationKind::Escalation) == is_escalation).map(|it| it.at).max()
    };
    let is_acknowledged = changes.iter().any(|change| acknowledging.contains(&change.kind));
    let notify_status = if is_acknowledged { ActionStatus::Succeeded } else { ActionStatus::Dispatched };
    let number = u32::try_from(changes.len()).unwrap_or(u32::MAX);
    Incident {
        opened_at: recorded.id.opened_at,
        cause: recorded.cause,
        severity: recorded.severity,
        status,
        event_id: recorded.event_id,
        opened_by: None,
        policy_hash: None,
        looks_like: Vec::new(),
        notify_admin: recorded.notify_admin.map(|event_id| NotifyAdmin { event_id, status: notify_status }),
        failed_remediations: recorded.failed_remediations,
        last_failed_remediation: None,
        notified: NotifiedCounts {
            events,
            failed_remediations: recorded.failed_remediations,
            reported_resolved_at: None,
        },
        notifications: sent().map(|it| it.number).max().unwrap_or(0),
        last_notification_at: last_sent(false),
        escalated_at: last_sent(true),
        acknowledged: latest(&acknowledging).filter(|_| status == IncidentStatus::Acknowledged),
        first_acknowledged_at: changes.iter().find(|it| acknowledging.contains(&it.kind)).map(|change| change.at),
        resolved: latest(&[IncidentChangeKind::Resolved]).filter(|_| status == IncidentStatus::Resolved),
        reported_resolved_at: None,
        notification_failure: None,
        reopened: latest(&[IncidentChangeKind::Reopened]),
        last_change: changes.last().map(|change| IncidentChange::new(number, change.kind, status_change(change))),
        lease_expires_at: None,
        due_at: (status != IncidentStatus::Resolved).then_some(now),
    }
}
