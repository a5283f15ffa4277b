//! Accepting an event: the one transaction in which it, its count and its actions come to be, or nothing does.

use std::collections::{BTreeMap, BTreeSet};
use std::{mem, slice};

use age_model::{
    ActionItem, ActionStatus, Clock, Day, Engine, Event, EventId, IdempotencyKey, Incident, IncidentKey, IncidentState,
    KeyId, NewEvent, Plan, Remediation, Timestamp,
};
use aws_sdk_dynamodb::types::TransactWriteItem;
use futures_util::future::try_join_all;

use crate::incident_states::{IncidentStateRecord, Next};
use crate::row::Item;
use crate::shards::{MAX_WIDTH, Shards};
use crate::transaction::{self, Attempt};
use crate::{Consistency, Events, Life, StoreError, backoff};

/// What to do about an event, given what is remembered of its kind of trouble.
pub type Decide<'a> = &'a (dyn Fn(&Event, &IncidentState) -> Plan + Sync);

/// The same, with the hash of the policy that it goes by; none for events that lead to nothing.
type Deciding<'a> = Option<(Decide<'a>, &'a str)>;

/// What comes to be stored.
#[derive(Debug, Clone)]
pub struct IncomingEvent<'a> {
    /// What is reported.
    pub reported: NewEvent,
    /// What names it, so that a repeat is known as one.
    pub key: Option<&'a IdempotencyKey>,
    /// Whose credential it comes with.
    pub by: &'a KeyId,
}

/// Conflicting tries before we say so. With the waits between them some two seconds.
const MAX_ATTEMPTS: u32 = 12;

/// How long a caller is kept waiting before the last try begins, in seconds: well within API Gateway's 30, with one try,
/// one look and the hand-over of actions still to come.
const TRYING_SECONDS: i64 = 6;

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is stored and counted, and these actions are owed.
    Created {
        /// As it is stored.
        event: Event,
        /// Its actions.
        actions: Vec<ActionItem>,
        /// Whether it may have opened an incident that nobody has been told of.
        tell: bool,
    },
    /// It had been stored before, under the same key.
    Replayed(Event),
    /// Its key had been used for another event. Nothing was stored.
    KeyReused,
}

/// Accepts events. Holds what this execution environment knows about contention.
#[derive(Debug)]
pub struct Intake {
    events: Events,
    life: Life,
    shards: Shards,
}

/// An event on its way in, and what was decided on for it.
struct PendingEvent {
    event: Event,
    /// Whether an earlier request may have stored it under the same key.
    keyed: bool,
    /// Whether a try of this request may have stored it, though nobody said so.
    in_progress: bool,
    actions: Vec<ActionItem>,
    /// What the plan was made from, and the plan; none for an event that leads to nothing.
    decided: Option<(IncidentStateRecord, Plan)>,
}

impl PendingEvent {
    fn new(arriving: IncomingEvent<'_>, now: Timestamp, clock: &dyn Clock) -> Self {
        let IncomingEvent { reported, key, by } = arriving;
        let id = key.map_or_else(|| EventId::fresh(clock), |key| EventId::keyed(reported.engine, key));
        let event = Event { id, reported, occurred_at: now, reported_by: Some(by.clone()) };
        Self { event, keyed: key.is_some(), in_progress: false, actions: Vec::new(), decided: None }
    }

    /// Whose day it counts in.
    fn counted_in(&self) -> (Engine, Day) {
        (self.event.reported.engine, self.event.occurred_at.day())
    }

    fn created(self) -> WriteOutcome {
        let untold = |incident: &Incident| incident.notifications == 0;
        let opened = |plan: &Plan| plan.state.as_ref().and_then(IncidentState::open_incident).is_some_and(untold);
        let tell = self.decided.is_some_and(|(_, plan)| opened(&plan));
        WriteOutcome::Created { event: self.event, actions: self.actions, tell }
    }

    /// An earlier request with the same key stored this.
    fn replay(self, stored: Event) -> WriteOutcome {
        let is_repeat = stored.reported.content_eq(&self.event.reported);
        if is_repeat { WriteOutcome::Replayed(stored) } else { WriteOutcome::KeyReused }
    }
}

/// What came of a transaction in the end.
enum Sent {
    Stored,
    /// Under the id of the arrival at one place, and at these others, there is an event already.
    Exist((usize, Item), Vec<(usize, Item)>),
    /// Nobody said whether it is stored.
    Lost(StoreError),
}

/// The rows that count arrivals, each with the shard that is written.
type Counters = BTreeMap<(Engine, Day), u32>;

impl Intake {
    /// Writes to these tables.
    #[must_use]
    pub fn new(events: Events, life: Life) -> Self {
        Self { events, life, shards: Shards::default() }
    }

    /// The actions of a stored event, as they are now.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn actions_of(&self, event: &Event) -> Result<Vec<ActionItem>, StoreError> {
        self.life.actions().of_event(event.id).await
    }

    /// Stores what arrives as an event of this moment, with its count and what `decide` makes of it. `decide` is asked again
    /// whenever what is remembered changes meanwhile; without it the event leads to nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn record(
        &self,
        arriving: IncomingEvent<'_>,
        decide: Option<Decide<'_>>,
        policy_hash: &str,
        clock: &dyn Clock,
    ) -> Result<WriteOutcome, StoreError> {
        let deciding = decide.map(|decide| (decide, policy_hash));
        let mut arrival = PendingEvent::new(arriving, clock.now(), clock);
        self.decide(slice::from_mut(&mut arrival), deciding).await?;
        match self.send(slice::from_mut(&mut arrival), deciding, clock).await? {
            Sent::Stored => Ok(arrival.created()),
            Sent::Exist((_, stored), _) => self.exists(arrival, &stored).await,
            Sent::Lost(error) => {
                let found = self.events.get(arrival.event.id, Consistency::Strong).await;
                self.found(arrival, found, error).await
            }
        }
    }

    /// Stores what arrives, none of which leads to anything, as events of this moment in one transaction, but for those that
    /// were stored before; answers what came of each, in their order. They must fit into one ([`packs`](crate::packs())), and
    /// no two may be of one engine and key.
    pub async fn record_all(
        &self,
        arriving: Vec<IncomingEvent<'_>>,
        clock: &dyn Clock,
    ) -> Vec<Result<WriteOutcome, StoreError>> {
        // One moment for all: a midnight between them would be one more row to count in.
        let now = clock.now();
        let mut arrivals: Vec<PendingEvent> =
            arriving.into_iter().map(|one| PendingEvent::new(one, now, clock)).collect();
        let ids: Vec<EventId> = arrivals.iter().map(|arrival| arrival.event.id).collect();
        let mut settled: BTreeMap<EventId, Result<WriteOutcome, StoreError>> = BTreeMap::new();
        while !arrivals.is_empty() {
            let sent = self.send(&mut arrivals, None, clock).await;
            let waiting = mem::take(&mut arrivals).into_iter().map(|arrival| (arrival.event.id, arrival));
            match sent {
                Ok(Sent::Stored) => settled.extend(waiting.map(|(id, arrival)| (id, Ok(arrival.created())))),
                Ok(Sent::Exist(first, others)) => {
                    let mut there: BTreeMap<usize, Item> = others.into_iter().chain([first]).collect();
                    for (place, (id, arrival)) in waiting.enumerate() {
                        match there.remove(&place) {
                            Some(stored) => _ = settled.insert(id, self.exists(arrival, &stored).await),
                            None => arrivals.push(arrival),
                        }
                    }
                }
                Ok(Sent::Lost(error)) => {
                    // All of them are stored or none is: one tells.
                    let mut waiting = waiting.peekable();
                    let found = match waiting.peek() {
                        Some((id, _)) => self.events.get(*id, Consistency::Strong).await,
                        None => Ok(None),
                    };
                    let is_it =
                        |(_, first): &(EventId, PendingEvent)| matches!(&found, Ok(Some(it)) if *it == first.event);
                    let are_stored = waiting.peek().is_some_and(is_it);
                    for (place, (id, arrival)) in waiting.enumerate() {
                        let of_another = place > 0 && matches!(found, Ok(Some(_)));
                        let found = if of_another { Ok(None) } else { found.clone() };
                        let outcome = if are_stored {
                            Ok(arrival.created())
                        } else {
                            self.found(arrival, found, error.clone()).await
                        };
                        settled.insert(id, outcome);
                    }
                }
                Err(error) => settled.extend(waiting.map(|(id, _)| (id, Err(error.clone())))),
            }
        }
        ids.iter().filter_map(|id| settled.remove(id)).collect()
    }

    /// Sends arrivals in one transaction until it is known what came of it, or for as long as a caller can be kept waiting.
    async fn send(
        &self,
        arrivals: &mut [PendingEvent],
        deciding: Deciding<'_>,
        clock: &dyn Clock,
    ) -> Result<Sent, StoreError> {
        let last_try = arrivals.iter().map(|arrival| arrival.event.occurred_at).min().unwrap_or_else(|| clock.now());
        let last_try = last_try.plus_seconds(TRYING_SECONDS);
        let mut attempts = 0;
        loop {
            let counters = self.counters(arrivals);
            let items = self.transaction(arrivals, &counters)?;
            let places = match transaction::send(&self.events.table.client, &self.events.table.name, items).await {
                Ok(Attempt::Committed) => return Ok(Sent::Stored),
                Ok(Attempt::Exists(first, others)) => return Ok(Sent::Exist(first, others)),
                Ok(Attempt::Conflict(places)) => places,
                Ok(Attempt::Stale) => Vec::new(),
                Ok(Attempt::InProgress) => {
                    for arrival in &mut *arrivals {
                        arrival.in_progress = true;
                    }
                    Vec::new()
                }
                Err(error) => return Ok(Sent::Lost(error)),
            };
            attempts += 1;
            if attempts == MAX_ATTEMPTS || clock.now() > last_try {
                let error = StoreError::Contended { table: self.events.table.name.clone(), attempts };
                let is_lost = arrivals.iter().any(|arrival| arrival.in_progress);
                return if is_lost { Ok(Sent::Lost(error)) } else { Err(error) };
            }
            backoff::wait(attempts, clock).await;
            for (place, (engine, day)) in (arrivals.len()..).zip(counters.into_keys()) {
                if places.contains(&place) {
                    self.leave(engine, day, clock).await;
                }
            }
            // Whoever was in the way may have changed what the plan was made from.
            self.decide(arrivals, deciding).await?;
        }
    }

    async fn decide(&self, arrivals: &mut [PendingEvent], deciding: Deciding<'_>) -> Result<(), StoreError> {
        let Some((decide, policy_hash)) = deciding else { return Ok(()) };
        for PendingEvent { event, actions, decided, .. } in arrivals {
            let before = self.life.watches().get(&IncidentKey::of(&event.reported)).await?;
            let plan = decide(event, &self.with_answers(before.state.clone()).await?);
            *actions = plan.actions.iter().map(|owed| ActionItem::new(event, *owed, policy_hash)).collect();
            *decided = Some((before, plan));
        }
        Ok(())
    }

    /// With what workers have said of the remedies that it has, and without those that have ended since it was read: a plan that
    /// goes by that writes the watch, finds it changed, and is made anew.
    async fn with_answers(&self, mut state: IncidentState) -> Result<IncidentState, StoreError> {
        let actions = self.life.actions();
        let stored = state.remediations.iter().map(|remediation| actions.get(remediation.event_id, remediation.action));
        let stored = try_join_all(stored).await?;
        let remediations = mem::take(&mut state.remediations).into_iter().zip(stored);
        state.remediations = remediations
            .filter_map(|(remediation, item)| {
                let item = item.filter(|item| !item.has_ended())?;
                let is_done = item.status == ActionStatus::Succeeded;
                Some(Remediation { succeeded_at: item.completed_at.filter(|_| is_done), ..remediation })
            })
            .collect();
        Ok(state)
    }

    fn counters(&self, arrivals: &[PendingEvent]) -> Counters {
        let rows = arrivals.iter().map(PendingEvent::counted_in);
        let rows: BTreeSet<(Engine, Day)> = rows.collect();
        rows.into_iter().map(|(engine, day)| ((engine, day), self.shards.shard(engine, day))).collect()
    }

    /// The events come first, then the counters.
    ///
    /// INVARIANT: an event, its count and its actions are in one transaction. There is no other way to write them.
    fn transaction(
        &self,
        arrivals: &[PendingEvent],
        counters: &Counters,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = Vec::new();
        for arrival in arrivals {
            let shard = counters.get(&arrival.counted_in()).copied().unwrap_or_default();
            items.push(self.events.put(&arrival.event, shard)?);
        }
        for (row, shard) in counters {
            let counted = arrivals.iter().filter(|arrival| arrival.counted_in() == *row);
            let counted = counted.map(|arrival| (&arrival.event, arrival.actions.as_slice()));
            items.push(self.life.rollups().count(*row, *shard, counted)?);
        }
        for PendingEvent { event, actions, decided, .. } in arrivals {
            for action in actions {
                items.push(self.life.actions().put(action)?);
            }
            let Some((before, plan)) = decided else { continue };
            let incident_key = IncidentKey::of(&event.reported);
            if plan.state.is_some() || plan.counted {
                let counted_at = plan.counted.then_some(event.occurred_at);
                let next = Next { state: plan.state.as_ref(), counted_at, notification: None };
                items.extend(self.life.put_watch(&incident_key, before, &next, event.occurred_at)?);
            }
            items.extend(self.life.put_ineffective(&incident_key, &plan.ineffective, event.occurred_at)?);
        }
        Ok(items)
    }

    /// The id is taken: by this very request, whose answer was lost, or by an earlier one with the same key.
    async fn exists(&self, arrival: PendingEvent, stored: &Item) -> Result<WriteOutcome, StoreError> {
        let stored = self.events.parse(stored)?;
        let may_be_ours = !arrival.keyed || arrival.in_progress;
        if may_be_ours && stored == arrival.event {
            return self.created(&arrival, stored).await;
        }
        Ok(arrival.replay(stored))
    }

    /// This request stored it, if not by its last try; the table has the actions that were decided on then.
    async fn created(&self, arrival: &PendingEvent, stored: Event) -> Result<WriteOutcome, StoreError> {
        let actions = if arrival.decided.is_some() { self.actions_of(&stored).await? } else { Vec::new() };
        Ok(WriteOutcome::Created { event: stored, tell: !actions.is_empty(), actions })
    }

    /// No answer came, so it may be stored or not. Only the table knows; this was found there.
    async fn found(
        &self,
        arrival: PendingEvent,
        found: Result<Option<Event>, StoreError>,
        error: StoreError,
    ) -> Result<WriteOutcome, StoreError> {
        match (found, error) {
            (Ok(Some(stored)), _) if stored == arrival.event => self.created(&arrival, stored).await,
            (Ok(Some(stored)), _) if arrival.keyed => Ok(arrival.replay(stored)),
            (Ok(_), StoreError::Unknown { operation, table, cause }) => {
                Err(StoreError::Unavailable { operation, table, cause })
            }
            (_, error) => Err(error),
        }
    }

    /// Leaves a row of this engine to whoever else is there, for one of twice as many if others were tried. If that cannot be
    /// told to readers, the next try goes on as before.
    async fn leave(&self, engine: Engine, day: Day, clock: &dyn Clock) {
        let width = self.shards.width(engine, day);
        let notified = if width == MAX_WIDTH { Ok(Some(width)) } else { self.known_width(engine, day, width).await };
        match notified {
            Ok(Some(record)) => self.shards.leave(engine, day, record, clock.random()),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "could not spread"),
        }
    }

    /// Over how many rows readers know the day to be spread, once there are some that this environment has not tried.
    async fn known_width(&self, engine: Engine, day: Day, width: u32) -> Result<Option<u32>, StoreError> {
        // To read is in nobody's way: of a crowd one publishes, and the others find it.
        let record = self.life.rollups().width(engine, day).await?;
        if record > width || self.shards.may_move(engine, day) {
            return Ok(Some(record));
        }
        // INVARIANT: readers are told of the wider spread before anything is written there.
        self.life.rollups().publish_width(engine, day, (width * 2).min(MAX_WIDTH)).await
    }
}
