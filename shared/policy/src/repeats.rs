//! Repeats: an event that is reported again shows that its problem lasts.

use age_model::{Event, FiringAlerts, IncidentState, Timestamp};

use crate::action_planning::Plan;
use crate::document::Policy;
use crate::ineffective_remediations::{Sign, remove_ineffective};

/// How long after an event was accepted its repeats are copies of the same message, in seconds: a client that got no response, or a
/// second sender of the same alert. They show nothing that the event did not show.
const SAME_MESSAGE_SECONDS: i64 = 60;

/// How often a repeat is recorded in the state of its incident key, in seconds.
const RECORD_EVERY_SECONDS: i64 = 60;

impl Policy {
    /// Whether a repeat of `event` that is heard at `now` shows that the event's problem lasts.
    #[must_use]
    pub fn is_sign_of_life(&self, event: &Event, now: Timestamp) -> bool {
        event.resolves.is_none()
            && event.reported.severity >= self.actions.min_severity
            && event.occurred_at.plus_seconds(SAME_MESSAGE_SECONDS) <= now
    }

    /// Plans what follows on a repeat of `event` at `now`, given the state of its incident key, the alerts that it counts and when it
    /// was last heard: remediations that had succeeded are ineffective. Returns None if nothing follows and the key was heard less
    /// than a minute before.
    #[must_use]
    pub fn plan_repeat(
        &self,
        event: &Event,
        state: &IncidentState,
        firing_alerts: FiringAlerts,
        last_heard_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Plan> {
        let mut next = state.clone();
        let ineffective = remove_ineffective(self, &mut next, &Sign::of_repeat(event, now));
        if let Some(incident) = next.open_incident_mut() {
            incident.reported_resolved_at = None;
        }
        let is_due = |last: Option<Timestamp>| last.is_none_or(|last| last.plus_seconds(RECORD_EVERY_SECONDS) <= now);
        if firing_alerts.began_after(event.occurred_at) && is_due(state.uncounted_heard_at) {
            next.uncounted_heard_at = Some(now);
        }
        let is_changed = next != *state;
        if !is_changed && !is_due(last_heard_at) {
            return None;
        }
        next.version = state.version.saturating_add(1);
        Some(Plan { actions: Vec::new(), state: is_changed.then_some(next), ineffective, counted: false })
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Action, Clock, Details, Engine, EventId, ManualClock, NewEvent, Remediation, Severity};

    use super::*;

    struct Scenario {
        policy: Policy,
        clock: ManualClock,
        event: Event,
        state: IncidentState,
    }

    impl Scenario {
        /// An event of `severity`, accepted a minute ago, whose remediation has succeeded 50 seconds ago.
        fn new(severity: Severity) -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            let reported = NewEvent {
                engine: Engine::from_static("billing"),
                event_type: "sync_failed".parse().unwrap(),
                severity,
                details: Details::default(),
                source_time: None,
                decision_id: None,
            };
            let (id, occurred_at) = (EventId::fresh(&clock), clock.now());
            let event = Event { id, reported, occurred_at, reported_by: None, resolves: None };
            let succeeded_at = Some(clock.now().plus_seconds(10));
            let (action, since) = (Action::BillingSyncRepair, clock.now());
            let mut state = IncidentState::default();
            state.remediations.push(Remediation { action, event_id: id, since, succeeded_at });
            clock.advance(60);
            Self { policy: Policy::compiled().unwrap(), clock, event, state }
        }

        fn plan(&self, last_heard_at: Option<Timestamp>) -> Option<Plan> {
            let firing_alerts = FiringAlerts::default();
            self.policy.plan_repeat(&self.event, &self.state, firing_alerts, last_heard_at, self.clock.now())
        }
    }

    #[test]
    fn repeat_is_a_sign_of_life_a_minute_after_its_event() {
        let mut scenario = Scenario::new(Severity::High);
        let is_sign = |scenario: &Scenario| scenario.policy.is_sign_of_life(&scenario.event, scenario.clock.now());
        assert!(is_sign(&scenario));
        scenario.clock.advance(-1);
        assert!(!is_sign(&scenario), "a copy of the same message");
        scenario.clock.advance(3600);
        scenario.event.resolves = Some(scenario.event.id);
        assert!(!is_sign(&scenario), "a report that the problem is over");
        assert!(!is_sign(&Scenario::new(Severity::Medium)), "an event that leads to nothing");
    }

    #[test]
    fn repeat_after_a_success_makes_the_remediation_ineffective() {
        let scenario = Scenario::new(Severity::High);
        let plan = scenario.plan(Some(scenario.clock.now())).unwrap();
        assert_eq!(plan.ineffective.len(), 1);
        let state = plan.state.unwrap();
        assert_eq!((state.remediations.len(), state.ineffective.len()), (0, 1));
        assert_eq!(state.open_incident().unwrap().failed_remediations, 1);
        assert!(plan.actions.is_empty() && !plan.counted, "a repeat is not counted and starts nothing");
    }

    #[test]
    fn repeat_before_the_success_or_after_the_verification_proves_nothing() {
        for (succeeded_after, heard_after) in [(60, 60), (90, 60), (10, 10 + 3600 + 1)] {
            let mut scenario = Scenario::new(Severity::High);
            let start = scenario.event.occurred_at;
            scenario.state.remediations[0].succeeded_at = Some(start.plus_seconds(succeeded_after));
            scenario.clock.set(start.plus_seconds(heard_after));
            assert_eq!(scenario.plan(None).unwrap().ineffective, [], "{succeeded_after} {heard_after}");
        }
    }

    #[test]
    fn repeat_of_a_problem_that_is_not_counted_any_more_is_recorded_in_the_state() {
        let Scenario { policy, clock, event, mut state } = Scenario::new(Severity::High);
        state.remediations.clear();
        let now = clock.now();
        let firing_alerts = FiringAlerts { number: 0, counted_from: Some(event.occurred_at.plus_seconds(1)) };
        let plan = |state: &IncidentState, now| policy.plan_repeat(&event, state, firing_alerts, Some(now), now);
        state = plan(&state, now).unwrap().state.unwrap();
        assert_eq!(state.uncounted_heard_at, Some(now));
        assert_eq!(plan(&state, now.plus_seconds(59)), None);
        assert!(plan(&state, now.plus_seconds(60)).is_some());
    }

    #[test]
    fn repeat_that_changes_nothing_is_recorded_once_a_minute() {
        let mut scenario = Scenario::new(Severity::High);
        scenario.state.remediations.clear();
        let now = scenario.clock.now();
        assert_eq!(scenario.plan(Some(now.plus_seconds(-59))), None);
        for last_heard_at in [None, Some(now.plus_seconds(-60))] {
            let plan = scenario.plan(last_heard_at).unwrap();
            assert_eq!((plan.state, plan.ineffective.len()), (None, 0));
        }
    }
}
