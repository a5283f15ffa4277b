//! The decisions about the incident keys of events that are stored together.

use std::collections::BTreeMap;

use age_model::{Engine, Event, IncidentKey, PlannedAction};

use crate::document::Policy;
use crate::key_decision::KeyDecision;

/// The meaning of an event for its incident key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventRole {
    /// Nothing: it is only stored and counted.
    Counted,
    /// A problem, which may lead to actions and an incident.
    Problem,
    /// An alert that begins to fire: a problem that its sender will report as resolved.
    FiringAlert,
    /// The end of the problem of this event.
    Resolution(Box<Event>),
}

impl EventRole {
    /// Returns the role of an event that ends the problem of `problem`.
    #[must_use]
    pub fn resolution(problem: Event) -> Self {
        Self::Resolution(Box::new(problem))
    }
}

/// Adds each of `events` to the decision about its key. The engines of `room` may open so many incidents; what would open more is added
/// to the decision about the engine's gathering key. Returns the decisions, and the actions of each event.
#[must_use]
pub fn decide<'a>(
    policy: &Policy,
    events: impl IntoIterator<Item = (&'a Event, &'a EventRole)>,
    mut decisions: BTreeMap<IncidentKey, KeyDecision>,
    mut room: BTreeMap<Engine, u64>,
) -> (BTreeMap<IncidentKey, KeyDecision>, Vec<Vec<PlannedAction>>) {
    let mut planned = Vec::new();
    for (event, role) in events {
        let key = IncidentKey::of(&event.reported);
        let gathering_key = IncidentKey::many_event_types(key.engine);
        let is_counted = *role == EventRole::Counted;
        let mut gathering = if is_counted || key == gathering_key { None } else { decisions.remove(&gathering_key) };
        let mut actions = Vec::new();
        if let Some(decision) = decisions.get_mut(&key) {
            let is_alert = *role == EventRole::FiringAlert;
            match role {
                EventRole::Counted => {}
                EventRole::Problem | EventRole::FiringAlert => {
                    let gathering = gathering.as_mut().map(|gathering| (gathering, room.get_mut(&key.engine)));
                    actions = decision.add_problem(policy, event, is_alert, gathering);
                }
                EventRole::Resolution(of) => decision.add_resolution(policy, of, event.occurred_at),
            }
        }
        decisions.extend(gathering.map(|gathering| (gathering_key, gathering)));
        planned.push(actions);
    }
    (decisions, planned)
}

/// Returns how many incidents `decisions` open, by engine.
#[must_use]
pub fn count_opened(decisions: &BTreeMap<IncidentKey, KeyDecision>) -> BTreeMap<Engine, u64> {
    let mut opened: BTreeMap<Engine, u64> = BTreeMap::new();
    for (key, _) in decisions.iter().filter(|(_, decision)| decision.opens()) {
        *opened.entry(key.engine).or_default() += 1;
    }
    opened
}
