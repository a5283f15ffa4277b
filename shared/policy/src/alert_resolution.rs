//! Alerts that begin to fire, and alerts that their senders report as resolved.

use age_model::{
    Event, FiringAlerts, FiringAlertsChange, IncidentCounters, IncidentState, IncidentStatus, StatusChange, Timestamp,
};

use crate::document::{IncidentRules, OnResolved};
use crate::incident_changes::resolve;

/// The consequences of a report that an alert is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The new state of the alert's incident key; None if it stays as it was.
    pub state: Option<IncidentState>,
    /// Whether the alert's event belongs to the latest incident.
    pub is_of_incident: bool,
    /// How the number of firing alerts changes.
    pub firing_alerts: FiringAlertsChange,
}

impl IncidentRules {
    /// Returns how the number of firing alerts of a key changes when one begins to fire at `now`.
    #[must_use]
    pub fn begin_alert(&self, state: &IncidentState, counters: IncidentCounters, now: Timestamp) -> FiringAlertsChange {
        let quiet_until = |last: Timestamp| last.plus_seconds(self.resolve_after_seconds);
        // Senders repeat what fires. After so much silence, earlier alerts have ended without a report.
        let was_quiet = counters.last_heard_at.is_some_and(|last| quiet_until(last) < now);
        if state.open_incident().is_none() && was_quiet {
            FiringAlertsChange::Restart(1, now)
        } else {
            FiringAlertsChange::Begin(1)
        }
    }

    /// Plans what follows on the report at `now` that the alert of `event` is resolved, given the state of its incident key.
    ///
    /// The incident is resolved, or gets a note, only once every event of it was reported as resolved and no other alert of the key
    /// is firing. An alert that began before the count may be: while it is heard, the incident stays.
    #[must_use]
    pub fn plan_resolution(
        &self,
        event: &Event,
        state: &IncidentState,
        counters: IncidentCounters,
        firing_alerts: FiringAlerts,
        now: Timestamp,
    ) -> Resolution {
        let is_counted = firing_alerts.counts(event.occurred_at);
        let change = if is_counted { FiringAlertsChange::End(1) } else { FiringAlertsChange::Keep };
        let mut next = state.clone();
        let Some(incident) = next.open_incident_mut() else {
            return Resolution { state: None, is_of_incident: false, firing_alerts: change };
        };
        let is_of_incident = incident.opened_at <= event.occurred_at || incident.event_id == Some(event.id);
        let lasts_until = state.uncounted_heard_at.map(|last| last.plus_seconds(self.resolve_after_seconds));
        let firing = firing_alerts.number - u64::from(is_counted);
        let resolved_events = counters.resolved_events + u64::from(is_of_incident);
        if firing > 0 || resolved_events < counters.events || lasts_until.is_some_and(|until| now < until) {
            return Resolution { state: None, is_of_incident, firing_alerts: change };
        }
        incident.reported_resolved_at = Some(now);
        let resolves = match self.on_resolved {
            Some(OnResolved::Resolve) => true,
            Some(OnResolved::Note) => false,
            None => incident.status == IncidentStatus::Open,
        };
        if !(resolves && resolve(incident, StatusChange { at: now, by: None, note: None }).is_ok()) {
            self.advance_due_time(incident, now);
        }
        next.version = state.version.saturating_add(1);
        Resolution { state: Some(next), is_of_incident, firing_alerts: change }
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Clock, Details, Engine, EventId, IncidentCause, ManualClock, NewEvent, Severity};

    use super::*;
    use crate::document::Policy;

    struct Scenario {
        rules: IncidentRules,
        clock: ManualClock,
        event: Event,
        state: IncidentState,
    }

    /// An alert that has opened an incident a minute ago.
    fn scenario() -> Scenario {
        let policy = Policy::compiled().unwrap();
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let reported = NewEvent {
            engine: Engine::from_static("voice_engine"),
            event_type: "Down".parse().unwrap(),
            severity: Severity::Critical,
            details: Details::default(),
            source_time: None,
            decision_id: None,
        };
        let event =
            Event { id: EventId::fresh(&clock), reported, occurred_at: clock.now(), reported_by: None, resolves: None };
        let state = crate::plan(&policy, &event, &IncidentState::default()).state.unwrap();
        clock.advance(60);
        Scenario { rules: policy.incidents, clock, event, state }
    }

    fn counters(events: u64, resolved_events: u64) -> IncidentCounters {
        IncidentCounters { events, resolved_events, ..IncidentCounters::default() }
    }

    fn firing(number: u64) -> FiringAlerts {
        FiringAlerts { number, counted_from: None }
    }

    impl Scenario {
        fn resolve(&self, counters: IncidentCounters, firing_alerts: FiringAlerts) -> Resolution {
            self.rules.plan_resolution(&self.event, &self.state, counters, firing_alerts, self.clock.now())
        }

        /// Returns the status of the incident once everything is resolved.
        fn status(&self) -> IncidentStatus {
            let state = self.resolve(counters(1, 0), firing(1)).state.unwrap();
            state.incident.unwrap().status
        }
    }

    #[test]
    fn incident_ends_with_the_last_of_its_alerts() {
        let scenario = scenario();
        for (counters, firing_alerts, ends) in [
            (counters(1, 0), firing(1), true),
            (counters(2, 1), firing(1), true),
            (counters(2, 0), firing(2), false),
            // An event that is not an alert is never reported as resolved.
            (counters(2, 0), firing(1), false),
            // An alert that the incident does not count is firing.
            (counters(1, 0), firing(2), false),
        ] {
            let resolution = scenario.resolve(counters, firing_alerts);
            assert_eq!(resolution.state.is_some(), ends, "{counters:?} {firing_alerts:?}");
            assert_eq!(
                (resolution.is_of_incident, resolution.firing_alerts),
                (true, FiringAlertsChange::End(1)),
                "{counters:?}"
            );
        }
    }

    #[test]
    fn incident_does_not_end_while_an_earlier_alert_is_heard() {
        let mut scenario = scenario();
        let now = scenario.clock.now();
        for (heard_at, ends) in [(now, false), (now.plus_seconds(-86_399), false), (now.plus_seconds(-86_400), true)] {
            scenario.state.uncounted_heard_at = Some(heard_at);
            assert_eq!(scenario.resolve(counters(1, 0), firing(1)).state.is_some(), ends, "{heard_at}");
        }
    }

    #[test]
    fn policy_decides_whether_an_incident_is_resolved_or_noted() {
        let mut scenario = scenario();
        assert_eq!(scenario.status(), IncidentStatus::Resolved);
        scenario.rules.on_resolved = Some(OnResolved::Note);
        assert_eq!(scenario.status(), IncidentStatus::Open);
        scenario.rules.on_resolved = None;
        let by = Some("night-desk".parse().unwrap());
        let change = StatusChange { at: scenario.clock.now(), by, note: None };
        let incident = scenario.state.incident.as_mut().unwrap();
        crate::change_incident(incident, crate::IncidentCommand::Acknowledge, change).unwrap();
        assert_eq!(scenario.status(), IncidentStatus::Acknowledged);
        scenario.rules.on_resolved = Some(OnResolved::Resolve);
        assert_eq!(scenario.status(), IncidentStatus::Resolved);
    }

    #[test]
    fn noted_incident_is_due_for_a_notification_until_the_problem_is_reported_again() {
        let mut scenario = scenario();
        scenario.rules.on_resolved = Some(OnResolved::Note);
        let mut state = scenario.resolve(counters(1, 0), firing(1)).state.unwrap();
        let incident = state.incident.as_ref().unwrap();
        assert_eq!(incident.reported_resolved_at, Some(scenario.clock.now()));
        assert!(incident.due_at.is_some_and(|due| due <= scenario.clock.now()));
        scenario.rules.record_event(&mut state, &scenario.event, Some(IncidentCause::CriticalEvent));
        assert_eq!(state.incident.unwrap().reported_resolved_at, None);
    }

    #[test]
    fn alert_from_before_the_count_changes_nothing() {
        let scenario = scenario();
        let later = FiringAlerts { number: 1, counted_from: Some(scenario.clock.now()) };
        let resolution = scenario.resolve(counters(1, 0), later);
        assert_eq!((resolution.state, resolution.firing_alerts), (None, FiringAlertsChange::Keep));
    }

    #[test]
    fn count_of_firing_alerts_begins_anew_after_a_quiet_day() {
        let scenario = scenario();
        let now = scenario.clock.now();
        let heard = |seconds_ago: i64| IncidentCounters {
            last_heard_at: Some(now.plus_seconds(-seconds_ago)),
            ..IncidentCounters::default()
        };
        let begin = |state: &IncidentState, counters| scenario.rules.begin_alert(state, counters, now);
        let none = IncidentState::default();
        assert_eq!(begin(&none, heard(86_401)), FiringAlertsChange::Restart(1, now));
        assert_eq!(begin(&none, heard(86_000)), FiringAlertsChange::Begin(1));
        assert_eq!(begin(&none, IncidentCounters::default()), FiringAlertsChange::Begin(1));
        assert_eq!(begin(&scenario.state, heard(86_401)), FiringAlertsChange::Begin(1));
    }
}
