//! The decisions about the incident keys of the events of one transaction, and about the incident that gathers what would open too many.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Engine, Event, IncidentKey, NewEvent, StoreError};
use age_policy::{ActivePolicy, EventRole, count_opened, decide};
use futures_util::future::{join, join_all};

use crate::action_lifecycle::ActionLifecycle;
use crate::key_decision::KeyDecision;
use crate::pending_event::PendingEvent;

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
        // Read beside the states: a decision that opens an incident needs the number of open ones.
        let may_open = |reported: &&NewEvent| {
            active.policy.opens_incident(reported)
                && !self.incidents().open_incidents().has(reported.engine, &reported.event_type)
        };
        let opening = pending.iter().map(|one| &one.event.reported).filter(may_open);
        let engines: BTreeSet<Engine> = opening.map(|reported| reported.engine).collect();
        let rooms =
            engines.into_iter().map(|engine| self.incidents().room(engine, &active.policy.incidents, clock.now()));
        let (begun, _) = join(join_all(keys.into_iter().map(|key| self.begin_decision(key))), join_all(rooms)).await;
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
        let gathered = before.iter().filter(|(_, it)| it.decision.may_be_gathered()).map(|(key, _)| key.engine);
        for engine in gathered.collect::<BTreeSet<_>>() {
            self.add_gathering(&mut before, engine, clock).await?;
        }
        let mut decided = decide(&active.policy, events_of(pending), pure(&before), BTreeMap::new());
        let room = self.missing_room(&decided.0, active, clock).await?;
        if !room.is_empty() {
            for engine in room.keys() {
                self.add_gathering(&mut before, *engine, clock).await?;
            }
            decided = decide(&active.policy, events_of(pending), pure(&before), room);
        }
        let (mut decisions, planned) = decided;
        for (one, planned) in pending.iter_mut().zip(planned) {
            one.plan(planned, &active.hash);
        }
        let mut by_key = before;
        for (key, decided) in &mut by_key {
            if let Some(decision) = decisions.remove(key) {
                *decided.decision = decision;
            }
        }
        let opened: Vec<IncidentKey> =
            by_key.iter().filter(|(_, it)| it.decision.opens()).map(|(key, _)| key.clone()).collect();
        for key in &opened {
            if let Some(incident) = by_key.get_mut(key).and_then(|it| it.decision.open_incident_mut()) {
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
        decisions: &BTreeMap<IncidentKey, age_policy::KeyDecision>,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<BTreeMap<Engine, u64>, StoreError> {
        let mut missing = BTreeMap::new();
        for (engine, number) in count_opened(decisions) {
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

fn events_of(pending: &[PendingEvent]) -> impl Iterator<Item = (&Event, &EventRole)> {
    pending.iter().map(|one| (&one.event, &one.role))
}

fn pure(decisions: &BTreeMap<IncidentKey, KeyDecision>) -> BTreeMap<IncidentKey, age_policy::KeyDecision> {
    decisions.iter().map(|(key, it)| (key.clone(), (*it.decision).clone())).collect()
}
