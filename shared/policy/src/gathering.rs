//! Gathering: an engine that has too many open incidents opens no more of them. One incident of the engine, with an event type of
//! AGE's own, gathers what would open more.
//!
//! Only the incident is gathered. Remediations, their suppression and their verification belong to each incident key as ever.

use age_model::{Event, FiringAlerts, IncidentCause, IncidentState, Timestamp};

use crate::action_planning::{Plan, plan};
use crate::document::Policy;

/// What follows on an event whose incident is gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GatheredPlan {
    /// What follows for the event's own incident key. Its incident counts nothing.
    pub(crate) plan: Plan,
    /// The new state of the gathering key; None if it stays as it was.
    pub(crate) gathering: Option<IncidentState>,
    /// How many events the gathering incident counts.
    pub(crate) events: u64,
}

/// Applies `change` to `state`, an incident key's, with the incident of `gathering` in the place of its own. Returns the result of
/// `change`, and how many events the gathering incident counts although they were stored before: the event of the first failed
/// remediation of the key.
pub fn gather<T>(
    state: &mut IncidentState,
    gathering: &mut IncidentState,
    change: impl FnOnce(&mut IncidentState) -> T,
) -> (T, u64) {
    let failed_before = gathering.open_incident().map_or(0, |incident| incident.failed_remediations);
    swap_incidents(state, gathering);
    let result = change(state);
    swap_incidents(state, gathering);
    let Some(incident) = gathering.open_incident_mut() else { return (result, 0) };
    incident.cause = IncidentCause::ManyEventTypes;
    let is_first = state.gathered_at.replace(incident.opened_at) != Some(incident.opened_at);
    let events = u64::from(is_first && incident.failed_remediations > failed_before);
    (result, events)
}

/// Whether the open incident of `gathering` gathers what happens about the key of `state`.
#[must_use]
pub fn is_gathered(state: &IncidentState, gathering: &IncidentState) -> bool {
    let opened_at = gathering.open_incident().map(|incident| incident.opened_at);
    state.open_incident().is_none() && state.gathered_at.is_some() && state.gathered_at == opened_at
}

/// Plans the actions of `event`, given the `state` of its incident key and that of the `gathering` key of its engine.
pub(crate) fn plan_gathered(
    policy: &Policy,
    event: &Event,
    state: &IncidentState,
    gathering: &IncidentState,
) -> GatheredPlan {
    split_plan(state, gathering, |merged| Some(plan(policy, event, merged))).unwrap_or_default()
}

impl Policy {
    /// Plans what follows on a repeat of `event` as [`Policy::plan_repeat`] does, if the incident of its key is gathered.
    pub(crate) fn plan_gathered_repeat(
        &self,
        event: &Event,
        (state, gathering): (&IncidentState, &IncidentState),
        firing_alerts: FiringAlerts,
        last_heard_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<GatheredPlan> {
        split_plan(state, gathering, |merged| self.plan_repeat(event, merged, firing_alerts, last_heard_at, now))
    }
}

/// Plans for the state of a key with the incident of `gathering`, and splits the plan into what follows for both.
fn split_plan(
    state: &IncidentState,
    gathering: &IncidentState,
    plan: impl FnOnce(&IncidentState) -> Option<Plan>,
) -> Option<GatheredPlan> {
    let (mut next, mut next_gathering) = (state.clone(), gathering.clone());
    let (planned, events) = gather(&mut next, &mut next_gathering, |merged| {
        let mut planned = plan(merged)?;
        if let Some(planned) = planned.state.take() {
            *merged = planned;
        }
        Some(planned)
    });
    let planned = planned?;
    Some(GatheredPlan {
        events: events + u64::from(planned.counted),
        plan: Plan { state: changed(state, next), counted: false, ..planned },
        gathering: changed(gathering, next_gathering),
    })
}

/// Returns `next` with the version after that of `before`, if it differs.
fn changed(before: &IncidentState, next: IncidentState) -> Option<IncidentState> {
    let next = IncidentState { version: before.version, ..next };
    (next != *before).then(|| IncidentState { version: before.version.saturating_add(1), ..next })
}

fn swap_incidents(a: &mut IncidentState, b: &mut IncidentState) {
    std::mem::swap(&mut a.incident, &mut b.incident);
    std::mem::swap(&mut a.last_opened_at, &mut b.last_opened_at);
}

#[cfg(test)]
mod tests {
    use age_model::{
        Action, ActionStatus, Clock, Details, Engine, EventId, ManualClock, NewEvent, PlannedAction, Severity,
        StatusChange,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::incident_changes::resolve;

    struct Scenario {
        policy: Policy,
        clock: ManualClock,
        gathering: IncidentState,
        events: u64,
    }

    impl Scenario {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            let (policy, gathering) = (Policy::compiled().unwrap(), IncidentState::default());
            Self { policy, clock, gathering, events: 0 }
        }

        fn event(&self, event_type: &str, severity: Severity) -> Event {
            let reported = NewEvent {
                engine: Engine::from_static("billing"),
                event_type: event_type.parse().unwrap(),
                severity,
                details: Details::default(),
                source_time: None,
                decision_id: None,
            };
            let (id, occurred_at) = (EventId::fresh(&self.clock), self.clock.now());
            Event { id, reported, occurred_at, reported_by: None, resolves: None }
        }

        /// Plans a CRITICAL event of a key in `state`, gathered.
        fn gather(&mut self, event: &Event, state: &mut IncidentState) -> Vec<PlannedAction> {
            let planned = plan_gathered(&self.policy, event, state, &self.gathering);
            assert!(!planned.plan.counted, "the key's own incident counts nothing");
            self.events += planned.events;
            if let Some(next) = planned.plan.state {
                *state = next;
            }
            if let Some(next) = planned.gathering {
                self.gathering = next;
            }
            planned.plan.actions
        }
    }

    fn statuses(actions: &[PlannedAction]) -> Vec<(Action, ActionStatus)> {
        actions.iter().map(|planned| (planned.action, planned.status)).collect()
    }

    #[test]
    fn first_gathered_event_opens_the_incident_and_the_next_one_is_counted() {
        let mut scenario = Scenario::new();
        let mut states = [IncidentState::default(), IncidentState::default()];
        let one = scenario.event("one", Severity::Critical);
        let actions = scenario.gather(&one, &mut states[0]);
        let expected =
            [(Action::BillingSyncRepair, ActionStatus::Pending), (Action::NotifyAdmin, ActionStatus::Pending)];
        assert_eq!(statuses(&actions), expected);
        let incident = scenario.gathering.open_incident().unwrap().clone();
        assert_eq!((incident.cause, incident.event_id), (IncidentCause::ManyEventTypes, Some(one.id)));
        assert_eq!(states[0].gathered_at, Some(incident.opened_at));

        let two = scenario.event("two", Severity::Critical);
        let actions = scenario.gather(&two, &mut states[1]);
        // Each key has its own remediation, and one `notify_admin` stands for all.
        let expected =
            [(Action::BillingSyncRepair, ActionStatus::Pending), (Action::NotifyAdmin, ActionStatus::Suppressed)];
        assert_eq!((statuses(&actions), scenario.events), (expected.to_vec(), 2));
        let actions = scenario.gather(&scenario.event("two", Severity::High), &mut states[1]);
        assert_eq!(statuses(&actions), [(Action::BillingSyncRepair, ActionStatus::Suppressed)], "as of any key");
        assert_eq!(scenario.events, 3);
        assert!(states.iter().all(|state| state.incident.is_none() && state.remediations.len() == 1), "{states:?}");
    }

    #[test]
    fn own_incident_of_the_key_stays_as_it_was() {
        let mut scenario = Scenario::new();
        let event = scenario.event("one", Severity::Critical);
        let mut state = plan(&scenario.policy, &event, &IncidentState::default()).state.unwrap();
        let change = StatusChange { at: scenario.clock.now(), by: None, note: None };
        resolve(state.incident.as_mut().unwrap(), change).unwrap();
        let before = state.clone();
        scenario.clock.advance(3600);
        scenario.gather(&scenario.event("one", Severity::Critical), &mut state);
        assert_eq!((&state.incident, state.last_opened_at), (&before.incident, before.last_opened_at));
        assert_eq!(state.version, before.version + 1);
    }

    #[test]
    fn failed_remediation_that_is_gathered_first_counts_its_event_as_an_incident_of_its_own_would() {
        let mut scenario = Scenario::new();
        let event = scenario.event("one", Severity::High);
        let mut state = plan(&scenario.policy, &event, &IncidentState::default()).state.unwrap();
        for remediation in &mut state.remediations {
            remediation.succeeded_at = Some(scenario.clock.now());
        }
        scenario.clock.advance(60);
        scenario.gather(&scenario.event("one", Severity::High), &mut state);
        let incident = scenario.gathering.open_incident().unwrap();
        assert_eq!((incident.failed_remediations, scenario.events), (1, 2));
    }

    proptest! {
        /// Whatever is gathered: the events that the incident counts are those of all keys, and nothing else of a key's plan
        /// differs from what it would be with an incident of its own.
        #[test]
        fn gathered_keys_are_remediated_as_with_incidents_of_their_own(
            steps in prop::collection::vec((0..4_usize, any::<bool>(), any::<bool>(), 0..900_i64), 1..60),
        ) {
            let mut scenario = Scenario::new();
            let mut gathered = vec![IncidentState::default(); 4];
            let mut own = gathered.clone();
            let (mut is_gathered, mut expected) = ([false; 4], 0);
            for (key, is_critical, succeeds, wait) in steps {
                scenario.clock.advance(wait);
                let severity = if is_critical { Severity::Critical } else { Severity::High };
                let event = scenario.event(&format!("type_{key}"), severity);
                if succeeds {
                    for state in [&mut gathered[key], &mut own[key]] {
                        for remediation in &mut state.remediations {
                            remediation.succeeded_at.get_or_insert(scenario.clock.now().plus_seconds(-1));
                        }
                    }
                }
                let planned = plan(&scenario.policy, &event, &own[key]);
                own[key] = planned.state.clone().unwrap_or_else(|| own[key].clone());
                let is_first = !is_gathered[key];
                is_gathered[key] |= own[key].open_incident().is_some();
                let actions = if is_gathered[key] {
                    let of_remediation = is_first && own[key].open_incident().unwrap().failed_remediations > 0;
                    expected += u64::from(planned.counted) + u64::from(of_remediation);
                    scenario.gather(&event, &mut gathered[key])
                } else {
                    let planned = plan(&scenario.policy, &event, &gathered[key]);
                    gathered[key] = planned.state.unwrap_or_else(|| gathered[key].clone());
                    planned.actions
                };
                let remediations = |actions: &[PlannedAction]| -> Vec<_> {
                    actions.iter().copied().filter(|planned| planned.action.is_remediation()).collect()
                };
                prop_assert_eq!(remediations(&actions), remediations(&planned.actions));
                prop_assert_eq!(&gathered[key].remediations, &own[key].remediations);
                prop_assert_eq!(&gathered[key].ineffective, &own[key].ineffective);
                prop_assert!(gathered[key].incident.is_none());
            }
            prop_assert_eq!(scenario.events, expected);
            let failed = |state: &IncidentState| state.open_incident().map_or(0, |it| it.failed_remediations);
            prop_assert_eq!(failed(&scenario.gathering), own.iter().map(failed).sum::<u64>());
        }
    }
}
