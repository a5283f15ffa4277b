//! Notifications that their topic refused: the incident waits before the next attempt, because the same message would be refused
//! again.

use age_model::{
    Incident, IncidentCause, IncidentCounters, IncidentStatus, NotificationFailure, NotificationKind, Timestamp,
};

use crate::document::IncidentRules;
use crate::incident_timing::NextStep;

impl IncidentRules {
    /// Returns when a refused notification is tried again: after the interval of reminders.
    pub(crate) fn retry_at(&self, failure: &NotificationFailure) -> Timestamp {
        failure.at.plus_seconds(self.remind_after_seconds)
    }

    /// Returns the next step of an unresolved incident while the first attempt after a refused notification lies ahead.
    /// `escalates_at` is when the second line is due, and `resolves_at` when an acknowledged incident resolves.
    pub(crate) fn step_after_refusal(
        &self,
        incident: &Incident,
        (escalates_at, resolves_at): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Option<NextStep> {
        let failure = incident.notification_failure.as_ref()?;
        let retry_at = Some(self.retry_at(failure)).filter(|retry_at| *retry_at > now)?;
        // Another message, to other people: it may be accepted.
        let escalates_at = (incident.status == IncidentStatus::Open && !failure.is_escalation).then_some(escalates_at);
        let resolves_at = (incident.status == IncidentStatus::Acknowledged
            && incident.cause != IncidentCause::EngineSilent)
            .then_some(resolves_at);
        Some(if resolves_at.is_some_and(|at| at <= now) {
            NextStep::Resolve
        } else if escalates_at.is_some_and(|at| at <= now) {
            NextStep::Notify(NotificationKind::Escalation)
        } else {
            let later = [escalates_at, resolves_at].into_iter().flatten().fold(retry_at, Timestamp::min);
            NextStep::Wait(later)
        })
    }

    /// Records that the topic refused the notification of `kind` at `now`, and when the incident is due again. A resolved incident
    /// is not due again: it needs nobody.
    pub fn record_refusal(
        &self,
        incident: &mut Incident,
        counters: IncidentCounters,
        (kind, reason): (NotificationKind, &str),
        now: Timestamp,
    ) {
        let is_escalation = kind == NotificationKind::Escalation;
        incident.lease_expires_at = None;
        incident.notification_failure = Some(NotificationFailure::new(now, is_escalation, reason));
        incident.due_at =
            (incident.status != IncidentStatus::Resolved).then(|| match self.next_step(incident, counters, now) {
                NextStep::Wait(until) => until,
                _ => now,
            });
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, IncidentState, ManualClock, NotifiedCounts, StatusChange};

    use super::*;
    use crate::document::Policy;

    const HOUR: i64 = 3600;

    /// An incident whose initial notification was refused at its opening.
    fn refused() -> (IncidentRules, Incident, Timestamp) {
        let (rules, mut state) = (Policy::compiled().unwrap().incidents, IncidentState::default());
        let now = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap()).now();
        rules.open_engine_silent(&mut state, now);
        let mut incident = Incident { cause: IncidentCause::CriticalEvent, ..state.incident.unwrap() };
        let counters = IncidentCounters::default();
        rules.record_refusal(&mut incident, counters, (NotificationKind::Initial, "too long"), now);
        (rules, incident, now)
    }

    #[test]
    fn refused_notification_waits_for_a_reminder_interval_but_not_for_the_second_line() {
        let (rules, mut incident, opened) = refused();
        let counters = IncidentCounters::default();
        let step = |incident: &Incident, seconds| rules.next_step(incident, counters, opened.plus_seconds(seconds));
        assert_eq!(incident.due_at, Some(opened.plus_seconds(HOUR / 2)), "the second line is due then");
        assert_eq!(step(&incident, 60), NextStep::Wait(opened.plus_seconds(HOUR / 2)));
        assert_eq!(step(&incident, HOUR / 2), NextStep::Notify(NotificationKind::Escalation));
        let refusal = (NotificationKind::Escalation, "too long");
        rules.record_refusal(&mut incident, counters, refusal, opened.plus_seconds(HOUR / 2));
        assert_eq!(step(&incident, HOUR), NextStep::Wait(opened.plus_seconds(HOUR / 2 + 4 * HOUR)));
        assert!(matches!(step(&incident, 5 * HOUR), NextStep::Notify(_)));
    }

    #[test]
    fn acknowledged_incident_resolves_although_its_notification_was_refused() {
        let (rules, mut incident, opened) = refused();
        let (counters, day) = (IncidentCounters::default(), opened.plus_seconds(24 * HOUR));
        let change = StatusChange { at: opened, by: None, note: None };
        crate::change_incident(&mut incident, crate::IncidentCommand::Acknowledge, change).unwrap();
        rules.record_refusal(&mut incident, counters, (NotificationKind::Digest, "too long"), day.plus_seconds(-HOUR));
        assert_eq!(incident.due_at, Some(day));
        assert_eq!(rules.next_step(&incident, counters, day), NextStep::Resolve);
        crate::resolve(&mut incident, StatusChange { at: day, by: None, note: None }).unwrap();
        rules.record_refusal(&mut incident, counters, (NotificationKind::Resolution, "too long"), day);
        assert_eq!(rules.next_step(&incident, counters, day.plus_seconds(HOUR)), NextStep::Nothing);
    }

    #[test]
    fn accepted_notification_ends_the_refusal() {
        let (rules, mut incident, opened) = refused();
        let counts = (IncidentCounters::default(), NotifiedCounts::default(), 1);
        rules.record_notification(&mut incident, NotificationKind::Escalation, counts, opened.plus_seconds(60));
        assert!(incident.notification_failure.is_some(), "the first line has not been notified");
        rules.record_notification(&mut incident, NotificationKind::Initial, counts, opened.plus_seconds(120));
        assert_eq!(incident.notification_failure, None);
    }
}
