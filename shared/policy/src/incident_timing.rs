//! The timing of incidents: when an incident opens, when people are notified of it, and when it resolves.

use age_model::{
    ActionStatus, Event, EventId, FailedRemediation, Incident, IncidentCause, IncidentCounters, IncidentState,
    IncidentStatus, Notification, NotificationKind, NotifiedCounts, Severity, Timestamp,
};

use crate::document::IncidentRules;

/// The next step of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// People are to be notified now.
    Notify(NotificationKind),
    /// The incident is to be resolved now: it was acknowledged, and nothing has happened since for the time of the policy.
    Resolve,
    /// Nothing is due before this time.
    Wait(Timestamp),
    /// Nothing is due any more.
    Nothing,
    /// The incident has a status of a later version, which alone knows what is due. It stays as it is.
    Unknown,
}

impl IncidentRules {
    /// Adds `event` to the unresolved incident of its key. Without one, opens an incident if the event is severe enough or if
    /// there is another `cause`. Returns whether an incident counts the event.
    pub(crate) fn record_event(&self, state: &mut IncidentState, event: &Event, cause: Option<IncidentCause>) -> bool {
        let (severity, now) = (event.reported.severity, event.occurred_at);
        if let Some(incident) = state.open_incident_mut() {
            incident.severity = incident.severity.max(severity);
            incident.reported_resolved_at = None;
            self.advance_due_time(incident, now);
            return true;
        }
        let cause = if severity >= self.min_severity { Some(IncidentCause::CriticalEvent) } else { cause };
        if let Some(cause) = cause {
            open(state, cause, severity, Some(event.id), now);
            state.set_opener(event.id, event.reported_by.as_ref());
        }
        cause.is_some()
    }

    /// Adds a failed remediation, which was for an event of `severity`, to the unresolved incident. Opens an incident if none
    /// is unresolved.
    pub(crate) fn record_failed_remediation(
        &self,
        state: &mut IncidentState,
        failed_remediation: FailedRemediation,
        severity: Severity,
    ) {
        if state.open_incident().is_none() {
            open(
                state,
                IncidentCause::FailedRemediation,
                severity,
                Some(failed_remediation.event_id),
                failed_remediation.at,
            );
        }
        if let Some(incident) = state.open_incident_mut() {
            incident.failed_remediations = incident.failed_remediations.saturating_add(1);
            incident.last_failed_remediation = Some(failed_remediation);
            self.advance_due_time(incident, failed_remediation.at);
        }
    }

    /// Opens the incident of a silent engine. Returns false if it is open already.
    pub fn open_engine_silent(&self, state: &mut IncidentState, now: Timestamp) -> bool {
        let is_new = state.open_incident().is_none();
        if is_new {
            open(state, IncidentCause::EngineSilent, Severity::Critical, None, now);
        }
        is_new
    }

    /// Adds occurrences of `cause` that AGE has found at `now`, which are CRITICAL: permits without an event, or operations without a
    /// permit, of which `event_id` reports the first. Opens an incident if none is unresolved.
    pub fn record_occurrences(
        &self,
        state: &mut IncidentState,
        cause: IncidentCause,
        event_id: Option<EventId>,
        now: Timestamp,
    ) {
        match state.open_incident_mut() {
            Some(incident) => self.advance_due_time(incident, now),
            None => open(state, cause, Severity::Critical, event_id, now),
        }
    }

    /// Makes `incident` due for its next digest, because it has something new. When something is due at a status of a later
    /// version, only that version knows.
    pub(crate) fn advance_due_time(&self, incident: &mut Incident, now: Timestamp) {
        if !incident.status.is_known() {
            return;
        }
        if incident.lease_expires_at.is_some_and(|until| until > now) {
            return; // The sender that holds the lease sets the due time when it has sent.
        }
        let next = self.next_digest_at(incident).max(now);
        incident.due_at = Some(incident.due_at.map_or(next, |due| due.min(next)));
    }

    fn next_digest_at(&self, incident: &Incident) -> Timestamp {
        incident.last_notification_at.map_or(incident.opened_at, |last| last.plus_seconds(self.digest_after_seconds))
    }

    fn escalation_due_at(&self, incident: &Incident) -> Timestamp {
        let since = incident.open_since();
        let first = since.plus_seconds(self.second_line_after_seconds);
        let last = incident.escalated_at.filter(|last| *last >= since);
        last.map_or(first, |last| last.plus_seconds(self.remind_after_seconds))
    }

    fn resolves_at(&self, incident: &Incident, counters: IncidentCounters) -> Timestamp {
        let activity = [
            counters.last_event_at,
            counters.last_heard_at,
            incident.last_failed_remediation.map(|failed_remediation| failed_remediation.at),
            incident.last_change.as_ref().map(|change| change.at),
        ];
        let last = activity.into_iter().flatten().fold(incident.opened_at, Timestamp::max);
        last.plus_seconds(self.resolve_after_seconds)
    }

    /// Returns the next step of `incident` at `now`.
    #[must_use]
    pub fn next_step(&self, incident: &Incident, counters: IncidentCounters, now: Timestamp) -> NextStep {
        if !incident.status.is_known() {
            return NextStep::Unknown;
        }
        if let Some(until) = incident.lease_expires_at.filter(|until| *until > now) {
            return NextStep::Wait(until);
        }
        if incident.status == IncidentStatus::Resolved {
            return incident.due_at.map_or(NextStep::Nothing, |_| NextStep::Notify(NotificationKind::Resolution));
        }
        let fixed_times = (self.escalation_due_at(incident), self.resolves_at(incident, counters));
        if let Some(step) = self.step_after_refusal(incident, fixed_times, now) {
            return step;
        }
        let digest_at = self.next_digest_at(incident);
        let has_news = counters.events > incident.notified.events
            || incident.failed_remediations > incident.notified.failed_remediations
            || incident.reported_resolved_at > incident.notified.reported_resolved_at;
        let escalation_is_due = incident.status == IncidentStatus::Open && self.escalation_due_at(incident) <= now;
        // The second line does not wait for a first line that cannot be reached.
        let is_late = digest_at.plus_seconds(self.digest_after_seconds) <= now;
        let Some(last) = incident.last_notification_at else {
            let kind =
                if escalation_is_due && is_late { NotificationKind::Escalation } else { NotificationKind::Initial };
            return NextStep::Notify(kind);
        };
        if has_news && digest_at <= now {
            let kind =
                if escalation_is_due && is_late { NotificationKind::Escalation } else { NotificationKind::Digest };
            return NextStep::Notify(kind);
        }
        // Until the next digest may be sent, the sweep looks again at that time; afterwards only at the times that are fixed.
        let look_at = (digest_at > now).then_some(digest_at);
        let (later, step) = match incident.status {
            IncidentStatus::Open => {
                let reminder = last.max(incident.open_since()).plus_seconds(self.remind_after_seconds);
                let second = self.escalation_due_at(incident);
                let kind = if reminder <= now { NotificationKind::Reminder } else { NotificationKind::Escalation };
                (reminder.min(second), NextStep::Notify(kind))
            }
            // The incident resolves when the engine reports again. When one of a later version's causes is over is not known.
            _ if matches!(incident.cause, IncidentCause::EngineSilent | IncidentCause::Unknown(_)) => {
                (now.plus_seconds(self.resolve_after_seconds), NextStep::Nothing)
            }
            _ => (self.resolves_at(incident, counters), NextStep::Resolve),
        };
        if later <= now { step } else { NextStep::Wait(look_at.map_or(later, |look_at| look_at.min(later))) }
    }

    /// Leases `incident` to the caller, which alone may notify people until the lease ends.
    pub fn lease(&self, incident: &mut Incident, now: Timestamp) {
        let until = now.plus_seconds(self.lease_seconds);
        incident.lease_expires_at = Some(until);
        incident.due_at = Some(until);
    }

    /// Records a notification that was sent at `now`: `counters` and `notified` as they were when it was written, and how many
    /// `incidents` its e-mail covers. Returns the notification.
    pub fn record_notification(
        &self,
        incident: &mut Incident,
        kind: NotificationKind,
        (counters, notified, incidents): (IncidentCounters, NotifiedCounts, u64),
        now: Timestamp,
    ) -> Notification {
        incident.lease_expires_at = None;
        let is_escalation = kind == NotificationKind::Escalation;
        incident.notification_failure.take_if(|failure| failure.is_escalation == is_escalation);
        incident.notifications = incident.notifications.saturating_add(1);
        let before = incident.notified;
        if is_escalation {
            incident.escalated_at = Some(now);
        } else {
            incident.notified = notified;
            incident.last_notification_at = Some(now);
            if let Some(notify) = incident.notify_admin.as_mut().filter(|notify| notify.status == ActionStatus::Pending)
            {
                notify.status = ActionStatus::Dispatched;
            }
        }
        incident.due_at = match incident.status {
            IncidentStatus::Resolved => None,
            IncidentStatus::Unknown(_) => incident.due_at,
            // Not later than the next digest: more events may have come since `counters` was read.
            _ => Some(match self.next_step(incident, counters, now) {
                NextStep::Wait(until) => until.min(now.plus_seconds(self.digest_after_seconds)),
                _ => now,
            }),
        };
        Notification {
            number: incident.notifications,
            kind,
            at: now,
            new_event_count: incident.notified.events.saturating_sub(before.events),
            event_count: counters.events,
            incident_count: incidents,
        }
    }
}

fn open(
    state: &mut IncidentState,
    cause: IncidentCause,
    severity: Severity,
    event_id: Option<EventId>,
    now: Timestamp,
) {
    // INVARIANT: two incidents of one key are never opened in the same millisecond, which is part of their id.
    let opened_at = state.last_opened_at.map_or(now, |last| now.max(last.plus_millis(1)));
    state.last_opened_at = Some(opened_at);
    state.incident = Some(Incident {
        opened_at,
        cause,
        severity,
        status: IncidentStatus::Open,
        event_id,
        opened_by: None,
        policy_hash: None,
        looks_like: Vec::new(),
        notify_admin: None,
        failed_remediations: 0,
        last_failed_remediation: None,
        notified: NotifiedCounts::default(),
        notifications: 0,
        last_notification_at: None,
        escalated_at: None,
        reported_resolved_at: None,
        acknowledged: None,
        first_acknowledged_at: None,
        resolved: None,
        notification_failure: None,
        reopened: None,
        last_change: None,
        lease_expires_at: None,
        due_at: Some(opened_at),
    });
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, Details, Engine, IncidentConflict, ManualClock, NewEvent, NotifyAdmin, StatusChange};

    use super::*;
    use crate::document::Policy;
    use crate::incident_changes::{IncidentCommand, change_incident, resolve};

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3600;

    /// An incident key, its events, and the notifications that a sweep sends.
    struct Scenario {
        rules: IncidentRules,
        clock: ManualClock,
        state: IncidentState,
        counters: IncidentCounters,
    }

    impl Scenario {
        fn new() -> Self {
            Self {
                rules: Policy::compiled().unwrap().incidents,
                clock: ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap()),
                state: IncidentState::default(),
                counters: IncidentCounters::default(),
            }
        }

        fn event(&mut self, severity: Severity) -> bool {
            let reported = NewEvent {
                engine: Engine::from_static("billing"),
                event_type: "sync_failed".parse().unwrap(),
                severity,
                details: Details::default(),
                source_time: None,
                decision_id: None,
            };
            let event = Event {
                id: EventId::fresh(&self.clock),
                reported,
                occurred_at: self.clock.now(),
                reported_by: None,
                resolves: None,
            };
            let counted = self.rules.record_event(&mut self.state, &event, None);
            if counted {
                self.counters.events += 1;
                self.counters.last_event_at = Some(self.clock.now());
            }
            counted
        }

        fn incident(&mut self) -> &mut Incident {
            self.state.incident.as_mut().unwrap()
        }

        fn next_step(&self) -> NextStep {
            self.rules.next_step(self.state.incident.as_ref().unwrap(), self.counters, self.clock.now())
        }

        /// Sweeps every minute for `seconds`. Returns the minute, kind and number of new events of each notification.
        fn sweep(&mut self, seconds: i64) -> Vec<(i64, NotificationKind, u64)> {
            let mut sent = Vec::new();
            for minute in 0..=seconds / MINUTE {
                while self
                    .state
                    .incident
                    .as_ref()
                    .is_some_and(|it| it.due_at.is_some_and(|due| due <= self.clock.now()))
                {
                    let (now, counters, rules) = (self.clock.now(), self.counters, self.rules.clone());
                    match self.next_step() {
                        NextStep::Notify(kind) => {
                            let incident = self.incident();
                            rules.lease(incident, now);
                            let notified = NotifiedCounts {
                                events: counters.events,
                                failed_remediations: incident.failed_remediations,
                                reported_resolved_at: incident.reported_resolved_at,
                            };
                            let notification = rules.record_notification(incident, kind, (counters, notified, 1), now);
                            sent.push((minute, kind, notification.new_event_count));
                        }
                        NextStep::Resolve => {
                            resolve(self.incident(), StatusChange { at: now, by: None, note: None }).unwrap();
                        }
                        NextStep::Wait(until) => {
                            assert!(until > now);
                            self.incident().due_at = Some(until);
                        }
                        NextStep::Nothing | NextStep::Unknown => panic!("an incident is due but has no next step"),
                    }
                }
                if minute < seconds / MINUTE {
                    self.clock.advance(MINUTE);
                }
            }
            sent
        }

        fn change_by_person(&self) -> StatusChange {
            StatusChange { at: self.clock.now(), by: Some("night-desk".parse().unwrap()), note: None }
        }
    }

    use NotificationKind::{Digest, Escalation, Initial, Reminder, Resolution};

    fn acknowledge(incident: &mut Incident, change: StatusChange) -> Result<bool, IncidentConflict> {
        change_incident(incident, IncidentCommand::Acknowledge, change)
    }

    #[test]
    fn incident_with_an_unknown_status_counts_events_and_is_otherwise_left_alone() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.incident().status = IncidentStatus::stored("snoozed");
        let due_at = scenario.incident().due_at;
        scenario.clock.advance(HOUR);
        assert!(scenario.event(Severity::Critical), "it is not resolved, so it counts the event");
        assert_eq!((scenario.incident().due_at, scenario.next_step()), (due_at, NextStep::Unknown));
        let change = scenario.change_by_person();
        let conflict = acknowledge(scenario.incident(), change.clone()).unwrap_err();
        let status = IncidentStatus::stored("snoozed");
        assert_eq!(conflict, IncidentConflict::Status { status, by: None });
        assert_eq!(resolve(scenario.incident(), change), Ok(()), "a person may resolve it");
    }

    #[test]
    fn acknowledged_incident_with_an_unknown_cause_does_not_resolve_by_itself() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(0);
        scenario.incident().cause = IncidentCause::stored("ledger_gap");
        let change = scenario.change_by_person();
        acknowledge(scenario.incident(), change).unwrap();
        scenario.sweep(72 * HOUR);
        assert_eq!(scenario.incident().status, IncidentStatus::Acknowledged);
    }

    #[test]
    fn notify_admin_with_an_unknown_status_keeps_it() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let status = ActionStatus::stored("delegated");
        let event_id = scenario.incident().event_id.unwrap();
        scenario.incident().notify_admin = Some(NotifyAdmin { event_id, status });
        let change = scenario.change_by_person();
        acknowledge(scenario.incident(), change).unwrap();
        assert_eq!(scenario.incident().notify_admin.unwrap().status, status);
    }

    #[test]
    fn unacknowledged_incident_alternates_reminders_and_escalations() {
        let mut scenario = Scenario::new();
        assert!(!scenario.event(Severity::High), "a HIGH event opens no incident");
        assert!(scenario.event(Severity::Critical));
        assert_eq!(scenario.sweep(0), [(0, Initial, 1)]);
        assert_eq!(
            scenario.sweep(9 * HOUR),
            [(30, Escalation, 0), (240, Reminder, 0), (270, Escalation, 0), (480, Reminder, 0), (510, Escalation, 0)]
        );
    }

    #[test]
    fn continuous_events_give_a_digest_every_five_minutes() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(0);
        let mut sent = Vec::new();
        for _ in 0..12 {
            scenario.event(Severity::High);
            sent.extend(scenario.sweep(MINUTE).iter().map(|(_, kind, new)| (*kind, *new)));
        }
        assert_eq!(sent, [(Digest, 5), (Digest, 5)]);
        // The last events have their digest too. After a pause longer than the interval, a digest is sent at once.
        assert_eq!(scenario.sweep(10 * MINUTE), [(3, Digest, 2)]);
        scenario.event(Severity::High);
        assert_eq!(scenario.sweep(0), [(0, Digest, 1)]);
    }

    #[test]
    fn event_of_an_incident_that_is_due_changes_no_state() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let before = scenario.state.clone();
        scenario.event(Severity::Critical);
        assert_eq!(scenario.state, before, "only the counters change");
        scenario.sweep(HOUR);
        let before = scenario.state.clone();
        scenario.event(Severity::Critical);
        assert_ne!(scenario.state, before, "the incident was not due before the reminder");
    }

    #[test]
    fn acknowledged_incident_without_events_resolves_with_one_notification() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(20 * MINUTE);
        let change = scenario.change_by_person();
        change_incident(scenario.incident(), IncidentCommand::Acknowledge, change).unwrap();
        assert_eq!(scenario.sweep(10 * HOUR), [], "no reminder and no escalation");
        scenario.event(Severity::High);
        assert_eq!(scenario.sweep(30 * HOUR), [(0, Digest, 1), (24 * 60, Resolution, 0)]);
        assert_eq!((scenario.next_step(), scenario.incident().status), (NextStep::Nothing, IncidentStatus::Resolved));
        // A later CRITICAL event opens another incident.
        assert!(!scenario.event(Severity::High) && scenario.event(Severity::Critical));
        assert_eq!(scenario.incident().status, IncidentStatus::Open);
    }

    #[test]
    fn incident_resolved_by_a_person_sends_no_notification() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let first = scenario.incident().opened_at;
        scenario.sweep(MINUTE);
        let change = scenario.change_by_person();
        resolve(scenario.incident(), change.clone()).unwrap();
        assert_eq!(scenario.sweep(48 * HOUR), []);
        let again = resolve(scenario.incident(), change).unwrap_err();
        assert_eq!(again.to_string(), "the incident is resolved already, by night-desk");
        assert!(scenario.event(Severity::Critical));
        assert!(scenario.incident().opened_at > first);
    }

    #[test]
    fn reopened_incident_is_escalated_and_reminded_as_if_it_had_been_opened_then() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(HOUR);
        let change = scenario.change_by_person();
        resolve(scenario.incident(), change).unwrap();
        assert_eq!(scenario.sweep(20 * HOUR), []);
        let change = scenario.change_by_person();
        change_incident(scenario.incident(), IncidentCommand::Reopen, change).unwrap();
        assert_eq!(scenario.sweep(5 * HOUR), [(30, Escalation, 0), (240, Reminder, 0), (270, Escalation, 0)]);
        scenario.event(Severity::High);
        assert_eq!(scenario.sweep(0), [(0, Digest, 1)], "the counters continue");
    }

    #[test]
    fn comment_postpones_the_resolution_of_an_acknowledged_incident() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(0);
        let change = scenario.change_by_person();
        change_incident(scenario.incident(), IncidentCommand::Acknowledge, change).unwrap();
        scenario.sweep(20 * HOUR);
        let note = Some("waiting for the vendor".to_owned());
        let change = StatusChange { note, ..scenario.change_by_person() };
        change_incident(scenario.incident(), IncidentCommand::Comment, change).unwrap();
        assert_eq!(scenario.sweep(24 * HOUR), [(24 * 60, Resolution, 0)]);
    }

    #[test]
    fn incidents_opened_at_the_same_time_differ_by_a_millisecond() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let first = scenario.incident().opened_at;
        let change = scenario.change_by_person();
        resolve(scenario.incident(), change).unwrap();
        scenario.event(Severity::Critical);
        assert_eq!(scenario.incident().opened_at, first.plus_millis(1));
    }

    #[test]
    fn first_failed_remediation_opens_an_incident_and_the_second_gives_a_digest() {
        let mut scenario = Scenario::new();
        let failed_remediation = |scenario: &Scenario| FailedRemediation {
            action: age_model::Action::MaosAutoFix,
            event_id: EventId::fresh(&scenario.clock),
            status: ActionStatus::Failed,
            at: scenario.clock.now(),
        };
        let (rules, first) = (scenario.rules.clone(), failed_remediation(&scenario));
        rules.record_failed_remediation(&mut scenario.state, first, Severity::High);
        assert_eq!(
            (scenario.incident().cause, scenario.sweep(0)),
            (IncidentCause::FailedRemediation, vec![(0, Initial, 0)])
        );
        scenario.sweep(MINUTE);
        let second = failed_remediation(&scenario);
        rules.record_failed_remediation(&mut scenario.state, second, Severity::High);
        assert_eq!(scenario.sweep(5 * MINUTE), [(4, Digest, 0)]);
        assert_eq!(scenario.incident().failed_remediations, 2);
    }

    #[test]
    fn engine_silent_incident_opens_once_and_does_not_resolve_by_time() {
        let mut scenario = Scenario::new();
        let rules = scenario.rules.clone();
        let now = scenario.clock.now();
        assert!(
            rules.open_engine_silent(&mut scenario.state, now) && !rules.open_engine_silent(&mut scenario.state, now)
        );
        scenario.sweep(MINUTE);
        let change = scenario.change_by_person();
        change_incident(scenario.incident(), IncidentCommand::Acknowledge, change).unwrap();
        assert_eq!(scenario.sweep(72 * HOUR), []);
        assert_eq!(scenario.incident().status, IncidentStatus::Acknowledged);
    }

    #[test]
    fn occurrences_are_in_digests_and_their_incident_resolves_a_day_after_the_last_one() {
        let mut scenario = Scenario::new();
        let rules = scenario.rules.clone();
        let occur = |scenario: &mut Scenario| {
            let now = scenario.clock.now();
            rules.record_occurrences(&mut scenario.state, IncidentCause::PermitWithoutEvent, None, now);
            scenario.counters.events += 1;
            scenario.counters.last_event_at = Some(now);
        };
        occur(&mut scenario);
        let (cause, severity) = (scenario.incident().cause, scenario.incident().severity);
        assert_eq!((cause, severity), (IncidentCause::PermitWithoutEvent, Severity::Critical));
        scenario.sweep(MINUTE);
        occur(&mut scenario);
        assert_eq!(scenario.sweep(5 * MINUTE), [(4, Digest, 1)]);
        let change = scenario.change_by_person();
        change_incident(scenario.incident(), IncidentCommand::Acknowledge, change).unwrap();
        scenario.sweep(24 * HOUR);
        assert_eq!(scenario.incident().status, IncidentStatus::Resolved);
    }

    #[test]
    fn event_during_an_escalation_is_in_the_next_digest() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(29 * MINUTE);
        scenario.clock.advance(MINUTE);
        let (rules, now, counters) = (scenario.rules.clone(), scenario.clock.now(), scenario.counters);
        assert_eq!(scenario.next_step(), NextStep::Notify(Escalation));
        rules.lease(scenario.incident(), now);
        scenario.event(Severity::Critical);
        let notified = scenario.incident().notified;
        rules.record_notification(scenario.incident(), Escalation, (counters, notified, 1), now);
        assert_eq!(scenario.sweep(10 * MINUTE), [(5, Digest, 1)]);
    }

    #[test]
    fn unreachable_first_line_does_not_delay_the_escalation() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        assert_eq!(scenario.next_step(), NextStep::Notify(Initial));
        scenario.clock.advance(30 * MINUTE);
        assert_eq!(scenario.next_step(), NextStep::Notify(Escalation));
        assert_eq!(scenario.sweep(0), [(0, Escalation, 0), (0, Initial, 1)]);
    }

    #[test]
    fn leased_incident_waits_for_the_end_of_the_lease() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let (rules, now) = (scenario.rules.clone(), scenario.clock.now());
        rules.lease(scenario.incident(), now);
        scenario.event(Severity::Critical);
        assert_eq!(scenario.next_step(), NextStep::Wait(now.plus_seconds(30)));
        scenario.clock.advance(30);
        assert_eq!(scenario.sweep(0), [(0, Initial, 2)]);
    }
}
