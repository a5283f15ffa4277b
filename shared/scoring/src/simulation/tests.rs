//! Simulations of small histories that are written by hand.

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

#[test]
fn self_check_counts_by_reason_what_the_replay_does_not_reproduce() {
    let mut builder = Builder::new();
    for (at, event_type) in [(0, "a"), (100, "b"), (200, "c"), (300, "d")] {
        builder.event(at, "billing", event_type, Severity::High);
    }
    builder.history.to = start().plus_seconds(4 * HOUR);
    let [sweep, other, lost, same] = [0, 1, 2, 3].map(|place| builder.history.events[place].id);
    let action = Action::BillingSyncRepair;
    // Verified by a sweep 20 seconds after the whole minute.
    let verified_at = |seconds| Some(start().plus_seconds(HOUR + seconds));
    builder.action(sweep, action, ActionStatus::Verified, 60).verified_at = verified_at(80);
    let recorded = builder.action(other, action, ActionStatus::Suppressed, 0);
    recorded.policy_hash = "earlier".to_owned();
    recorded.dispatched_at = None;
    builder.action(lost, action, ActionStatus::Undeliverable, 9000).dispatched_at = None;
    builder.action(same, action, ActionStatus::Verified, 60).verified_at = verified_at(360);
    let check = simulate((&policy(), HASH), &policy(), &builder.history).self_check;
    let reason = |event: EventId| {
        let of_event =
            |item: &&SelfCheckItem| item.about.event_id == Some(event) && item.kind == ConsequenceKind::Action;
        check.items.iter().find(of_event).map(|item| item.reason)
    };
    assert_eq!(reason(sweep), Some(UnreproducedReason::SweepTiming));
    assert_eq!(reason(other), Some(UnreproducedReason::OtherPolicy));
    assert_eq!(reason(lost), Some(UnreproducedReason::Dispatch));
    assert_eq!(reason(same), None);
    assert_eq!(check.reasons.iter().map(|it| it.count).sum::<u64>(), check.not_reproduced);
    let unexplained = check.items.iter().filter(|item| item.reason == UnreproducedReason::Unexplained);
    assert_eq!(unexplained.count(), 0, "{:#?}", check.items);
}

#[test]
fn word_of_an_alert_that_the_draft_maps_otherwise_changes_severity_and_scores() {
    let mut builder = Builder::new();
    let event = builder.event(10, "voice_engine", "Down", Severity::High);
    let word = Some("error".to_owned());
    builder.history.events[0].alert =
        Some(RecordedAlert { status: age_model::AlertStatus::Firing, severity_word: word });
    let counts = BTreeMap::from([(Severity::High, 1)]);
    let engine = builder.history.events[0].engine;
    let week = WeekCounts { from: start(), to: start().plus_days(7), counts: BTreeMap::from([(engine, counts)]) };
    builder.history.weeks.push(week);
    let mut draft = policy();
    draft.alertmanager.severities.insert("error".to_owned(), Severity::Critical);
    let simulation = simulate((&policy(), HASH), &draft, &builder.history);
    let [week] = &simulation.weeks[..] else { panic!("{:?}", simulation.weeks) };
    assert_eq!((week.active.risk_scores["client_risk"], week.draft.risk_scores["client_risk"]), (15, 25));
    let flips: Vec<_> = week.flips.iter().map(|flip| flip.category.as_deref()).collect();
    assert_eq!(flips, [None, Some("client_risk")]);
    let opened = simulation.difference.incidents.items.iter().find(|it| it.about.event_id == Some(event)).unwrap();
    assert!(opened.after.as_ref().is_some_and(|it| it.severity == Some(Severity::Critical)));
}

#[test]
fn simulation_of_the_active_policy_has_an_empty_difference_and_results_of_many_events_are_bounded() {
    let mut builder = Builder::new();
    builder.history.to = start().plus_days(91);
    let engines: Vec<String> = policy().engines.keys().map(ToString::to_string).collect();
    for number in 0..5000_i64 {
        let engine = &engines[usize::try_from(number * 7 % 8).unwrap()];
        let severity = if number % 3 == 0 { Severity::Critical } else { Severity::High };
        let event_type = format!("\u{1f600}type_{}_{}", number % 41, "x".repeat(100));
        let event = builder.event(number * 1560, engine, &event_type, severity);
        builder.action(event, Action::MaosAutoFix, ActionStatus::Failed, 120 + number % 900);
    }
    // Nobody acknowledges anything: with the times of the default policy, most of the work would be reminders.
    let mut active = policy();
    active.incidents.remind_after_seconds = 7 * 24 * HOUR;
    let same = simulate((&active, HASH), &active, &builder.history);
    assert!(same.difference.is_empty());
    let mut draft = active.clone();
    draft.incidents.min_severity = Severity::High;
    draft.incidents.digest_after_seconds = HOUR;
    let other = simulate((&active, HASH), &draft, &builder.history);
    let total = other.difference.notifications.total;
    assert!(total > 1000 && other.difference.notifications.items.len() < 500, "{total}");
    let bytes = serde_json::to_string(&other).unwrap().len();
    assert!(bytes < 350_000, "{bytes}");
    let text = serde_json::to_string(&builder.history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), builder.history);
}

#[test]
fn what_began_before_the_period_continues() {
    let mut builder = Builder::new();
    let event = builder.event(0, "billing", "sync_failed", Severity::Critical);
    builder.action(event, Action::BillingSyncRepair, ActionStatus::Verified, 3000).verified_at =
        Some(start().plus_seconds(3000 + HOUR));
    let initial = Notification {
        number: 1,
        kind: NotificationKind::Initial,
        at: start(),
        new_event_count: 1,
        event_count: 1,
        incident_count: 1,
    };
    let id = IncidentId { key: builder.history.events[0].key(), opened_at: start() };
    builder.history.incidents.push(RecordedIncident {
        id: id.clone(),
        cause: IncidentCause::CriticalEvent,
        severity: Severity::Critical,
        status: IncidentStatus::Open,
        event_id: Some(event),
        events: 1,
        failed_remediations: 0,
        last_heard_at: None,
        notify_admin: Some(event),
        changes: Vec::new(),
        notifications: vec![initial],
    });
    let whole = replay(&policy(), &builder.history);
    builder.history.from = start().plus_seconds(10 * MINUTE);
    builder.history.earlier_events = std::mem::take(&mut builder.history.events);
    let rest = replay(&policy(), &builder.history);
    let action = (event, Action::BillingSyncRepair);
    assert_eq!(rest.actions[&action].verified_at, whole.actions[&action].verified_at);
    assert_eq!(kinds(&rest.incidents[&id]), kinds(&whole.incidents[&id]));
    assert_eq!(rest.incidents[&id].events, 1);
}
