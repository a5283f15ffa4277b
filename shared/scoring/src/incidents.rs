//! When an incident begins, when people are to be written to about it, and when it is over.

use age_model::{
    ActionStatus, Event, EventId, FailedRemediation, Incident, IncidentCause, IncidentCounters, IncidentState,
    IncidentStatus, IncidentStatusConflict, Notification, NotificationKind, NotifiedCounts, NotifyAdmin, Severity,
    StatusChange, Timestamp,
};

use crate::IncidentRules;

/// What is to be done about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// People are to be written to.
    Notify(NotificationKind),
    /// It is over: somebody has taken it, and it has been quiet since.
    Resolve,
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Nothing any more.
    Nothing,
}

impl IncidentRules {
    /// Takes `event` into the incident of its kind. It opens one if it is severe enough, or if it `must` be told.
    /// Answers whether an incident counts it.
    pub(crate) fn record_event(&self, state: &mut IncidentState, event: &Event, must: Option<IncidentCause>) -> bool {
        let (severity, now) = (event.reported.severity, event.occurred_at);
        if let Some(incident) = state.open_incident_mut() {
            incident.severity = incident.severity.max(severity);
            self.advance_due_time(incident, now);
            return true;
        }
        let cause = if severity >= self.min_severity { Some(IncidentCause::CriticalEvent) } else { must };
        if let Some(cause) = cause {
            begin(state, cause, severity, Some(event.id), now);
        }
        cause.is_some()
    }

    /// Takes note of a remedy that came to a bad end, for an event of `severity`.
    pub fn record_failed_remediation(
        &self,
        state: &mut IncidentState,
        failed_remediation: FailedRemediation,
        severity: Severity,
    ) {
        if state.open_incident().is_none() {
            begin(
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

    /// Opens the incident of an engine from which nothing is heard, unless it is open. Answers whether it was not.
    pub fn open_silence(&self, state: &mut IncidentState, now: Timestamp) -> bool {
        let is_new = state.open_incident().is_none();
        if is_new {
            begin(state, IncidentCause::EngineSilent, Severity::Critical, None, now);
        }
        is_new
    }

    /// More has come: the next digest tells of it.
    fn advance_due_time(&self, incident: &mut Incident, now: Timestamp) {
        if incident.lease_expires_at.is_some_and(|until| until > now) {
            return; // whoever is sending looks again
        }
        let next = self.next_digest(incident).max(now);
        incident.due_at = Some(incident.due_at.map_or(next, |due| due.min(next)));
    }

    fn next_digest(&self, incident: &Incident) -> Timestamp {
        incident.last_notification_at.map_or(incident.opened_at, |last| last.plus_seconds(self.digest_after_seconds))
    }

    fn second_line_due(&self, incident: &Incident) -> Timestamp {
        let first = incident.opened_at.plus_seconds(self.second_line_after_seconds);
        incident.escalated_at.map_or(first, |last| last.plus_seconds(self.remind_after_seconds))
    }

    fn auto_resolve_at(&self, incident: &Incident, counters: IncidentCounters) -> Timestamp {
        let signs = [
            counters.last_event_at,
            incident.last_failed_remediation.map(|failed_remediation| failed_remediation.at),
            incident.acknowledged.as_ref().map(|mark| mark.at),
        ];
        let last = signs.into_iter().flatten().fold(incident.opened_at, Timestamp::max);
        last.plus_seconds(self.resolve_after_seconds)
    }

    /// What is to be done about `incident` at `now`.
    #[must_use]
    pub fn next_step(&self, incident: &Incident, counters: IncidentCounters, now: Timestamp) -> NextStep {
        if let Some(until) = incident.lease_expires_at.filter(|until| *until > now) {
            return NextStep::Wait(until);
        }
        if incident.status == IncidentStatus::Resolved {
            return incident.due_at.map_or(NextStep::Nothing, |_| NextStep::Notify(NotificationKind::Resolution));
        }
        let digest = self.next_digest(incident);
        let untold = counters.events > incident.notified.events
            || incident.failed_remediations > incident.notified.failed_remediations;
        let second_is_due = incident.status == IncidentStatus::Open && self.second_line_due(incident) <= now;
        // Where the first line cannot be reached, the second is not to wait for that.
        let is_late = digest.plus_seconds(self.digest_after_seconds) <= now;
        let Some(last) = incident.last_notification_at else {
            let kind = if second_is_due && is_late { NotificationKind::Escalation } else { NotificationKind::Initial };
            return NextStep::Notify(kind);
        };
        if untold && digest <= now {
            let kind = if second_is_due && is_late { NotificationKind::Escalation } else { NotificationKind::Digest };
            return NextStep::Notify(kind);
        }
        // A look when the time for a digest has come; then only what is to come whatever happens.
        let look = (digest > now).then_some(digest);
        let (later, need) = match incident.status {
            IncidentStatus::Open => {
                let (reminder, second) = (last.plus_seconds(self.remind_after_seconds), self.second_line_due(incident));
                let kind = if reminder <= now { NotificationKind::Reminder } else { NotificationKind::Escalation };
                (reminder.min(second), NextStep::Notify(kind))
            }
            // It ends when the engine speaks.
            _ if incident.cause == IncidentCause::EngineSilent => {
                (now.plus_seconds(self.resolve_after_seconds), NextStep::Nothing)
            }
            _ => (self.auto_resolve_at(incident, counters), NextStep::Resolve),
        };
        if later <= now { need } else { NextStep::Wait(look.map_or(later, |look| look.min(later))) }
    }

    /// `incident` is the caller's to write to people about, for a while.
    pub fn lease(&self, incident: &mut Incident, now: Timestamp) {
        let until = now.plus_seconds(self.lease_seconds);
        incident.lease_expires_at = Some(until);
        incident.due_at = Some(until);
    }

    /// People were written to at `now`, in an e-mail about `incidents`, of as much as `tally` and `told` had then.
    pub fn record_notification(
        &self,
        incident: &mut Incident,
        kind: NotificationKind,
        (counters, notified, incidents): (IncidentCounters, NotifiedCounts, u64),
        now: Timestamp,
    ) -> Notification {
        incident.lease_expires_at = None;
        incident.notifications = incident.notifications.saturating_add(1);
        let before = incident.notified;
        if kind == NotificationKind::Escalation {
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
            // Not later than a digest would be: more may have come since `tally` was taken.
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

/// Somebody takes `incident`. When it is next looked at stays as it is.
///
/// # Errors
/// [`IncidentStatusConflict`] if somebody has, or if it is over.
pub fn acknowledge(incident: &mut Incident, mark: StatusChange) -> Result<(), IncidentStatusConflict> {
    if incident.status != IncidentStatus::Open {
        return Err(taken(incident));
    }
    incident.status = IncidentStatus::Acknowledged;
    incident.acknowledged = Some(mark);
    settle_notify(incident);
    Ok(())
}

/// Ends `incident`. If it ends by itself, people are told so, once.
///
/// # Errors
/// [`IncidentStatusConflict`] if it is over already.
pub fn resolve(incident: &mut Incident, mark: StatusChange) -> Result<(), IncidentStatusConflict> {
    if incident.status == IncidentStatus::Resolved {
        return Err(taken(incident));
    }
    incident.status = IncidentStatus::Resolved;
    // Whoever is sending finds it resolved, and does not set it due again.
    incident.lease_expires_at = None;
    incident.due_at = mark.by.is_none().then_some(mark.at);
    incident.resolved = Some(mark);
    settle_notify(incident);
    Ok(())
}

fn begin(
    state: &mut IncidentState,
    cause: IncidentCause,
    severity: Severity,
    event_id: Option<EventId>,
    now: Timestamp,
) {
    // INVARIANT: no two incidents of a kind are opened in the same millisecond; it is part of their name.
    let opened_at = state.last_opened_at.map_or(now, |last| now.max(last.plus_millis(1)));
    state.last_opened_at = Some(opened_at);
    state.incident = Some(Incident {
        opened_at,
        cause,
        severity,
        status: IncidentStatus::Open,
        event_id,
        notify_admin: None,
        failed_remediations: 0,
        last_failed_remediation: None,
        notified: NotifiedCounts::default(),
        notifications: 0,
        last_notification_at: None,
        escalated_at: None,
        acknowledged: None,
        resolved: None,
        lease_expires_at: None,
        due_at: Some(opened_at),
    });
}

/// Whoever takes an incident has been reached.
fn settle_notify(incident: &mut Incident) {
    if let Some(NotifyAdmin { status, .. }) = &mut incident.notify_admin {
        *status = ActionStatus::Succeeded;
    }
}

fn taken(incident: &Incident) -> IncidentStatusConflict {
    let mark = incident.resolved.as_ref().or(incident.acknowledged.as_ref());
    IncidentStatusConflict { status: incident.status, by: mark.and_then(|mark| mark.by.clone()) }
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, Details, Engine, ManualClock, NewEvent};

    use super::*;
    use crate::Policy;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3600;

    /// One kind of trouble, and what people are told of it.
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
                engine: Engine::Billing,
                event_type: "sync_failed".parse().unwrap(),
                severity,
                details: Details::default(),
                source_time: None,
            };
            let event =
                Event { id: EventId::fresh(&self.clock), reported, occurred_at: self.clock.now(), reported_by: None };
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

        fn need(&self) -> NextStep {
            self.rules.next_step(self.state.incident.as_ref().unwrap(), self.counters, self.clock.now())
        }

        /// Sweeps for so many seconds, a minute apart, and answers what was sent when: minutes, kind, new events.
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
                    match self.need() {
                        NextStep::Notify(kind) => {
                            let incident = self.incident();
                            rules.lease(incident, now);
                            let notified = NotifiedCounts {
                                events: counters.events,
                                failed_remediations: incident.failed_remediations,
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
                        NextStep::Nothing => panic!("due for nothing"),
                    }
                }
                if minute < seconds / MINUTE {
                    self.clock.advance(MINUTE);
                }
            }
            sent
        }

        fn mark(&self) -> StatusChange {
            StatusChange { at: self.clock.now(), by: Some("night-desk".parse().unwrap()), note: None }
        }
    }

    use NotificationKind::{Digest, Escalation, Initial, Reminder, Resolution};

    #[test]
    fn nobody_takes_it() {
        let mut scenario = Scenario::new();
        assert!(!scenario.event(Severity::High), "no incident, nothing to count");
        assert!(scenario.event(Severity::Critical));
        assert_eq!(scenario.sweep(0), [(0, Initial, 1)]);
        assert_eq!(
            scenario.sweep(9 * HOUR),
            [(30, Escalation, 0), (240, Reminder, 0), (270, Escalation, 0), (480, Reminder, 0), (510, Escalation, 0)]
        );
    }

    #[test]
    fn while_more_comes_there_is_a_digest_every_five_minutes() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(0);
        let mut sent = Vec::new();
        for _ in 0..12 {
            scenario.event(Severity::High);
            sent.extend(scenario.sweep(MINUTE).iter().map(|(_, kind, new)| (*kind, *new)));
        }
        assert_eq!(sent, [(Digest, 5), (Digest, 5)]);
        // What came last is told, too, and what comes after a pause at once: the last digest is long ago.
        assert_eq!(scenario.sweep(10 * MINUTE), [(3, Digest, 2)]);
        scenario.event(Severity::High);
        assert_eq!(scenario.sweep(0), [(0, Digest, 1)]);
    }

    #[test]
    fn what_changes_nothing_needs_no_write() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let before = scenario.state.clone();
        scenario.event(Severity::Critical);
        assert_eq!(scenario.state, before, "counting alone");
        scenario.sweep(HOUR);
        let before = scenario.state.clone();
        scenario.event(Severity::Critical);
        assert_ne!(scenario.state, before, "it was at rest");
    }

    #[test]
    fn taken_and_quiet_it_is_over_and_says_so_once() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(20 * MINUTE);
        let mark = scenario.mark();
        acknowledge(scenario.incident(), mark.clone()).unwrap();
        let again = acknowledge(scenario.incident(), mark).unwrap_err();
        assert_eq!(again.to_string(), "the incident is acknowledged already, by night-desk");
        assert_eq!(scenario.sweep(10 * HOUR), [], "no reminder, no second line");
        scenario.event(Severity::High);
        assert_eq!(scenario.sweep(30 * HOUR), [(0, Digest, 1), (24 * 60, Resolution, 0)]);
        assert_eq!((scenario.need(), scenario.incident().status), (NextStep::Nothing, IncidentStatus::Resolved));
        // It comes again: another incident, with another name.
        assert!(!scenario.event(Severity::High) && scenario.event(Severity::Critical));
        assert_eq!(scenario.incident().status, IncidentStatus::Open);
    }

    #[test]
    fn resolved_by_a_person_nobody_is_told() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let first = scenario.incident().opened_at;
        scenario.sweep(MINUTE);
        let mark = scenario.mark();
        resolve(scenario.incident(), mark.clone()).unwrap();
        assert_eq!(scenario.sweep(48 * HOUR), []);
        let again = resolve(scenario.incident(), mark).unwrap_err();
        assert_eq!(again.to_string(), "the incident is resolved already, by night-desk");
        assert!(scenario.event(Severity::Critical));
        assert!(scenario.incident().opened_at > first);
    }

    #[test]
    fn two_incidents_of_one_moment_have_two_names() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let first = scenario.incident().opened_at;
        let mark = scenario.mark();
        resolve(scenario.incident(), mark).unwrap();
        scenario.event(Severity::Critical);
        assert_eq!(scenario.incident().opened_at, first.plus_millis(1));
    }

    #[test]
    fn a_remedy_that_came_to_a_bad_end_opens_one_and_the_next_is_a_digest() {
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
    fn silence_is_opened_once_and_does_not_end_by_being_quiet() {
        let mut scenario = Scenario::new();
        let rules = scenario.rules.clone();
        let now = scenario.clock.now();
        assert!(rules.open_silence(&mut scenario.state, now) && !rules.open_silence(&mut scenario.state, now));
        scenario.sweep(MINUTE);
        let mark = scenario.mark();
        acknowledge(scenario.incident(), mark).unwrap();
        assert_eq!(scenario.sweep(72 * HOUR), []);
        assert_eq!(scenario.incident().status, IncidentStatus::Acknowledged);
    }

    #[test]
    fn what_comes_while_the_second_line_is_written_to_is_told_with_the_next_digest() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        scenario.sweep(29 * MINUTE);
        scenario.clock.advance(MINUTE);
        let (rules, now, counters) = (scenario.rules.clone(), scenario.clock.now(), scenario.counters);
        assert_eq!(scenario.need(), NextStep::Notify(Escalation));
        rules.lease(scenario.incident(), now);
        scenario.event(Severity::Critical);
        let notified = scenario.incident().notified;
        rules.record_notification(scenario.incident(), Escalation, (counters, notified, 1), now);
        assert_eq!(scenario.sweep(10 * MINUTE), [(5, Digest, 1)]);
    }

    #[test]
    fn a_first_line_that_cannot_be_reached_does_not_keep_the_second_from_being_told() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        assert_eq!(scenario.need(), NextStep::Notify(Initial));
        scenario.clock.advance(30 * MINUTE);
        assert_eq!(scenario.need(), NextStep::Notify(Escalation));
        assert_eq!(scenario.sweep(0), [(0, Escalation, 0), (0, Initial, 1)]);
    }

    #[test]
    fn while_somebody_is_sending_nobody_else_does() {
        let mut scenario = Scenario::new();
        scenario.event(Severity::Critical);
        let (rules, now) = (scenario.rules.clone(), scenario.clock.now());
        rules.lease(scenario.incident(), now);
        scenario.event(Severity::Critical);
        assert_eq!(scenario.need(), NextStep::Wait(now.plus_seconds(30)));
        scenario.clock.advance(30);
        assert_eq!(scenario.sweep(0), [(0, Initial, 2)]);
    }
}
