//! The decisions about the incident keys of the events of one transaction, and about the incident that gathers what would open too many.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Engine, IncidentKey, StoreError};
use age_policy::ActivePolicy;
use futures_util::future::join_all;

use crate::action_lifecycle::ActionLifecycle;
use crate::key_decision::KeyDecision;
use crate::pending_event::{EventRole, PendingEvent};

/// The decisions for the events of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    /// The decision about each incident key that an event concerns.
    pub(crate) by_key: BTreeMap<IncidentKey, KeyDecision>,
    /// Why some keys have no decision: their state cannot be read.
    pub(crate) unreadable: Vec<StoreError>,
}

impl ActionLifecycle {
    /// Makes the decisions for the events of `pending`, in their order. Whether a remediation is safe depends on the state: events
    /// whose state cannot be read are stored without a plan.
    pub(crate) async fn decide(
        &self,
        pending: &mut [PendingEvent],
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<Decisions, StoreError> {
        let keys: BTreeSet<IncidentKey> = pending.iter().filter_map(PendingEvent::incident_key).collect();
        let begun = join_all(keys.into_iter().map(|key| self.begin_decision(key))).await;
        let (mut before, mut unreadable) = (BTreeMap::new(), Vec::new());
        for decision in begun {
            match decision {
                Ok((key, decision)) => {
                    before.insert(key, decision);
                }
                Err(error @ StoreError::Corrupt { .. }) => unreadable.push(error),
                Err(error) => return Err(error),
            }
        }
        let gathered = before.iter().filter(|(_, decision)| decision.may_be_gathered()).map(|(key, _)| key.engine);
        for engine in gathered.collect::<BTreeSet<_>>() {
            self.add_gathering(&mut before, engine, clock).await?;
        }
        let mut by_key = add_all(pending, before.clone(), BTreeMap::new(), active);
        let room = self.missing_room(&by_key, active, clock).await?;
        if !room.is_empty() {
            for engine in room.keys() {
                self.add_gathering(&mut before, *engine, clock).await?;
            }
            by_key = add_all(pending, before, room, active);
        }
        let opened: Vec<IncidentKey> =
            by_key.iter().filter(|(_, decision)| decision.opens()).map(|(key, _)| key.clone()).collect();
        for key in &opened {
            if let Some(incident) = by_key.get_mut(key).and_then(KeyDecision::open_incident_mut) {
                self.incidents().set_lookalikes(key, incident, opened.iter());
            }
        }
        Ok(Decisions { by_key, unreadable })
    }

    /// Reads the state of `key`, on which a decision is made.
    pub(crate) async fn begin_decision(&self, key: IncidentKey) -> Result<(IncidentKey, KeyDecision), StoreError> {
        let (before, state) = self.state_for(&key).await?;
        Ok((key, KeyDecision::new(before, state)))
    }

    /// Returns how many incidents the engines may open for which `decisions` open more.
    async fn missing_room(
        &self,
        decisions: &BTreeMap<IncidentKey, KeyDecision>,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<BTreeMap<Engine, u64>, StoreError> {
        let mut opened: BTreeMap<Engine, u64> = BTreeMap::new();
        for (key, _) in decisions.iter().filter(|(_, decision)| decision.opens()) {
            *opened.entry(key.engine).or_default() += 1;
        }
        let mut missing = BTreeMap::new();
        for (engine, number) in opened {
            let room = self.incidents().room(engine, &active.policy.incidents, clock.now()).await?;
            if number > room {
                missing.insert(engine, room);
            }
        }
        Ok(missing)
    }

    /// Begins the decision about the gathering key of `engine`, if its state can be read.
    async fn add_gathering(
        &self,
        decisions: &mut BTreeMap<IncidentKey, KeyDecision>,
        engine: Engine,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let key = IncidentKey::many_event_types(engine);
        if !decisions.contains_key(&key)
            && let Some(record) = self.incidents().gathering(engine, clock).await?
        {
            decisions.insert(key, KeyDecision::without_remediations(record));
        }
        Ok(())
    }
}

/// Adds each event of `pending` to the decision about its key. The engines of `room` may open so many incidents; what would open more
/// is added to the decision about the engine's gathering key.
fn add_all(
    pending: &mut [PendingEvent],
    mut decisions: BTreeMap<IncidentKey, KeyDecision>,
    mut room: BTreeMap<Engine, u64>,
    active: &ActivePolicy,
) -> BTreeMap<IncidentKey, KeyDecision> {
    for one in pending {
        one.actions.clear();
        let Some(key) = one.incident_key() else { continue };
        let gathering_key = IncidentKey::many_event_types(key.engine);
        let mut gathering = if key == gathering_key { None } else { decisions.remove(&gathering_key) };
        if let Some(decision) = decisions.get_mut(&key) {
            let is_alert = one.role == EventRole::FiringAlert;
            match &one.role {
                EventRole::Counted => {}
                EventRole::Problem | EventRole::FiringAlert => {
                    let gathering = gathering.as_mut().map(|gathering| (gathering, room.get_mut(&key.engine)));
                    one.actions = decision.add_problem(active, &one.event, is_alert, gathering);
                }
                EventRole::Resolution(of) => decision.add_resolution(&active.policy, of, one.event.occurred_at),
            }
        }
        decisions.extend(gathering.map(|gathering| (gathering_key, gathering)));
    }
    decisions
}
