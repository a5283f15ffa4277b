//! Simulations of small histories that are written by hand.

mod decisions;
mod results;

use std::collections::BTreeMap;

use age_model::{
    Action, ActionStatus, ApprovalDecision, EventId, IncidentCause, IncidentChangeKind, IncidentId, IncidentStatus,
    ManualClock, Notification, NotificationKind, Severity, Timestamp,
};
use age_policy::Policy;

use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const HASH: &str = "abc";

fn start() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

/// A history that is written event by event.
struct Builder {
    clock: ManualClock,
    history: History,
}

impl Builder {
    fn new() -> Self {
        let history = History {
            schema_version: History::SCHEMA_VERSION,
            from: start(),
            to: start().plus_days(7),
            installed_at: None,
            engines: BTreeMap::new(),
            weeks: Vec::new(),
            events: Vec::new(),
            earlier_events: Vec::new(),
            actions: Vec::new(),
            incidents: Vec::new(),
            decisions: Vec::new(),
            policy_versions: BTreeMap::new(),
            left_out: LeftOut::default(),
        };
        Self { clock: ManualClock::at(start()), history }
    }

    /// Adds an event of `engine` at the second `at` of the period.
    fn event(&mut self, at: i64, engine: &str, event_type: &str, severity: Severity) -> EventId {
        self.clock.set(start().plus_seconds(at));
        let event = RecordedEvent {
            id: EventId::fresh(&self.clock),
            engine: engine.parse().unwrap(),
            event_type: event_type.parse().unwrap(),
            severity,
            occurred_at: start().plus_seconds(at),
            resolves: None,
            alert: None,
        };
        let id = event.id;
        self.history.events.push(event);
        id
    }

    /// Adds the action of an event that was dispatched at once and ended with `status` after `seconds`.
    fn action(&mut self, event: EventId, action: Action, status: ActionStatus, seconds: i64) -> &mut RecordedAction {
        let of = self.history.events.iter().find(|it| it.id == event).unwrap();
        let at = of.occurred_at;
        let recorded = RecordedAction {
            event_id: event,
            action,
            engine: of.engine,
            event_type: of.event_type.clone(),
            severity: of.severity,
            status,
            created_at: at,
            policy_hash: HASH.to_owned(),
            dispatched_at: Some(at),
            completed_at: Some(at.plus_seconds(seconds)),
            verified_at: None,
            approval: None,
            suppressed_by: None,
        };
        self.history.actions.push(recorded);
        self.history.actions.last_mut().unwrap()
    }
}

fn policy() -> Policy {
    Policy::compiled().unwrap()
}

fn status(consequences: &Consequences, event: EventId, action: Action) -> (ActionStatus, bool) {
    let result = &consequences.actions[&(event, action)];
    (result.status, result.is_unknown)
}

fn kinds(incident: &IncidentResult) -> Vec<(i64, NotificationKind)> {
    incident.notifications.iter().map(|sent| (sent.at.seconds() - start().seconds(), sent.kind)).collect()
}

#[test]
fn recorded_outcome_counts_as_long_after_the_dispatch_and_is_verified() {
    let mut builder = Builder::new();
    let event = builder.event(10, "billing", "sync_failed", Severity::High);
    builder.action(event, Action::BillingSyncRepair, ActionStatus::Verified, 100);
    let replayed = replay(&policy(), &builder.history);
    let result = &replayed.actions[&(event, Action::BillingSyncRepair)];
    assert_eq!((result.status, result.is_unknown), (ActionStatus::Verified, false));
    assert_eq!(result.completed_at, Some(start().plus_seconds(110)));
    assert_eq!(result.verified_at, Some(start().plus_seconds(HOUR + 2 * MINUTE)), "at the first sweep after an hour");
    assert_eq!(replayed.incidents.len(), 0);
}

#[test]
fn action_that_did_not_run_has_an_unknown_result_and_so_has_what_depends_on_it() {
    let mut builder = Builder::new();
    let event = builder.event(10, "billing", "sync_failed", Severity::High);
    let replayed = replay(&policy(), &builder.history);
    assert_eq!(status(&replayed, event, Action::BillingSyncRepair), (ActionStatus::TimedOut, true));
    let (_, incident) = replayed.incidents.first_key_value().unwrap();
    assert_eq!((incident.cause, incident.is_unknown), (IncidentCause::FailedRemediation, true));

    let difference = compare(&Consequences::default(), &replayed);
    assert_eq!(difference.actions.items[0].after.as_ref().unwrap().status, "unknown");
    assert_eq!(difference.incidents.items[0].after.as_ref().unwrap().status, "unknown");
    assert!(difference.notifications.items.iter().all(|it| it.after.as_ref().unwrap().status == "unknown"));
}

#[test]
fn worker_that_really_did_not_answer_does_not_answer_in_the_replay() {
    let mut builder = Builder::new();
    let event = builder.event(10, "billing", "sync_failed", Severity::High);
    builder.action(event, Action::BillingSyncRepair, ActionStatus::TimedOut, 1800 + 50);
    let replayed = replay(&policy(), &builder.history);
    assert_eq!(status(&replayed, event, Action::BillingSyncRepair), (ActionStatus::TimedOut, false));
    let mut patient = policy();
    patient.actions.answer_within_seconds = 7200;
    let replayed = replay(&patient, &builder.history);
    assert_eq!(status(&replayed, event, Action::BillingSyncRepair), (ActionStatus::TimedOut, true), "it had no time");
}

#[test]
fn approval_that_nobody_was_asked_for_is_unknown_and_a_recorded_one_is_decided() {
    let mut builder = Builder::new();
    let event = builder.event(10, "compliance", "permission_escalated", Severity::High);
    let action = Action::PermissionReset;
    let replayed = replay(&policy(), &builder.history);
    assert_eq!(status(&replayed, event, action), (ActionStatus::Expired, true));
    let kinds: Vec<_> =
        replayed.actions[&(event, action)].approval_notifications.iter().map(|it| it.0.unwrap()).collect();
    assert_eq!(kinds.len(), 4, "request, two reminders, expiry: {kinds:?}");

    let recorded = builder.action(event, action, ActionStatus::Verified, 700);
    recorded.dispatched_at = Some(recorded.created_at.plus_seconds(650));
    recorded.approval = Some(RecordedApproval {
        approve_by: recorded.created_at.plus_days(1),
        decision: Some(ApprovalDecision::Approve),
        decided_at: Some(recorded.created_at.plus_seconds(600)),
        notified_at: None,
    });
    let replayed = replay(&policy(), &builder.history);
    let result = &replayed.actions[&(event, action)];
    assert_eq!((result.status, result.is_unknown), (ActionStatus::Verified, false));
    assert_eq!(result.dispatched_at, Some(start().plus_seconds(11 * MINUTE)), "by the sweep after the approval");
    assert_eq!(result.completed_at, Some(start().plus_seconds(11 * MINUTE + 50)));
    // Without the approval, the worker answers as long after the dispatch.
    let mut without = policy();
    without.actions.require_approval.clear();
    let result = &replay(&without, &builder.history).actions[&(event, action)];
    assert_eq!(
        (result.dispatched_at, result.completed_at),
        (Some(start().plus_seconds(10)), Some(start().plus_seconds(60)))
    );
    let difference = simulate((&policy(), HASH), &without, &builder.history).difference;
    assert_eq!((difference.approvals.total, difference.approvals.items[0].change), (1, ChangeKind::Removed));
    assert_eq!(difference.approvals.items[0].before.as_ref().unwrap().status, "approved");
}

#[test]
fn people_are_reminded_until_one_acknowledges_and_the_incident_resolves_when_it_is_quiet() {
    let mut builder = Builder::new();
    let event = builder.event(0, "qa", "suite_failed", Severity::Critical);
    let id = IncidentId { key: builder.history.events[0].key(), opened_at: start() };
    let by = Some("night-desk".parse().unwrap());
    builder.history.incidents.push(RecordedIncident {
        id: id.clone(),
        cause: IncidentCause::CriticalEvent,
        severity: Severity::Critical,
        status: IncidentStatus::Resolved,
        event_id: Some(event),
        events: 1,
        failed_remediations: 0,
        last_heard_at: None,
        notify_admin: Some(event),
        changes: vec![RecordedChange {
            kind: IncidentChangeKind::Acknowledged,
            at: start().plus_seconds(5 * HOUR),
            by,
        }],
        notifications: Vec::new(),
    });
    builder.action(event, Action::MaosAutoFix, ActionStatus::Verified, 100);
    let replayed = replay(&policy(), &builder.history);
    let incident = &replayed.incidents[&id];
    let expected = [
        (0, NotificationKind::Initial),
        (30 * MINUTE, NotificationKind::Escalation),
        (4 * HOUR, NotificationKind::Reminder),
        (4 * HOUR + 30 * MINUTE, NotificationKind::Escalation),
        (29 * HOUR, NotificationKind::Resolution),
    ];
    assert_eq!(kinds(incident), expected);
    assert_eq!(status(&replayed, event, Action::NotifyAdmin), (ActionStatus::Succeeded, false));
    // The incident of a policy that opens it earlier is the same problem, so that the acknowledgement is about it.
    builder.history.incidents[0].id.opened_at = start().plus_seconds(60);
    assert_eq!(kinds(&replay(&policy(), &builder.history).incidents[&id]), expected);
}

#[test]
fn engine_that_reports_nothing_is_silent_after_its_interval() {
    let mut builder = Builder::new();
    builder.event(0, "qa", "suite_passed", Severity::Low);
    builder.event(30 * HOUR, "qa", "suite_passed", Severity::Low);
    builder.history.installed_at = Some(start().plus_days(-1));
    builder.history.to = start().plus_seconds(32 * HOUR);
    builder.history.engines.insert("qa".parse().unwrap(), RecordedEngine::default());
    let replayed = replay(&policy(), &builder.history);
    let (id, incident) = replayed.incidents.first_key_value().unwrap();
    assert_eq!(id.opened_at, start().plus_seconds(24 * HOUR + MINUTE));
    assert_eq!(incident.resolved_at(), Some(start().plus_seconds(30 * HOUR)));
    let mut silent = policy();
    silent.engines.values_mut().for_each(|engine| engine.expected_interval_seconds = 0);
    assert_eq!(replay(&silent, &builder.history).incidents.len(), 0);
}

#[test]
fn remediation_that_a_repeat_proved_ineffective_is_so_in_the_replay() {
    let mut builder = Builder::new();
    let event = builder.event(10, "billing", "sync_failed", Severity::High);
    let heard_at = start().plus_seconds(900);
    builder.action(event, Action::BillingSyncRepair, ActionStatus::Ineffective, 100).verified_at = Some(heard_at);
    let result = &replay(&policy(), &builder.history).actions[&(event, Action::BillingSyncRepair)];
    assert_eq!((result.status, result.verified_at), (ActionStatus::Ineffective, Some(heard_at)));
}
