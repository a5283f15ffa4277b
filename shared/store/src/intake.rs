//! Accepting an event: the one transaction in which it, its count and its actions come to be, or nothing does.

use aws_sdk_dynamodb::types::TransactWriteItem;
use model::{ActionItem, Clock, Event, EventId, IdempotencyKey, Incident, KeyId, Kind, NewEvent, Plan, Watch};

use crate::row::Item;
use crate::shards::{MAX_WIDTH, Shards};
use crate::transaction::{self, Attempt};
use crate::watches::{Kept, Next};
use crate::{Consistency, Events, Life, StoreError, backoff};

/// What to do about an event, given what is remembered of its kind of trouble.
pub type Decide<'a> = &'a (dyn Fn(&Event, &Watch) -> Plan + Sync);

/// What comes to be stored.
#[derive(Debug, Clone)]
pub struct Arriving<'a> {
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

/// The place of the rollup in the transaction.
const ROLLUP: usize = 1;

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is stored and counted, and these actions are owed.
    Created {
        /// As it is stored.
        event: Event,
        /// Its actions.
        actions: Vec<ActionItem>,
        /// Whether it may have opened an incident that nobody has been told of.
        tell: bool,
    },
    /// It had been stored before under the same key; its actions as they are now.
    Replayed(Event, Vec<ActionItem>),
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
struct Arrival {
    event: Event,
    actions: Vec<ActionItem>,
    /// What the plan was made from, and the plan; none for an event that leads to nothing.
    decided: Option<(Kept, Plan)>,
}

impl Arrival {
    fn created(self) -> Recorded {
        let untold = |incident: &Incident| incident.notices == 0;
        let opened = |plan: &Plan| plan.watch.as_ref().and_then(Watch::open_incident).is_some_and(untold);
        let tell = self.decided.is_some_and(|(_, plan)| opened(&plan));
        Recorded::Created { event: self.event, actions: self.actions, tell }
    }
}

impl Intake {
    /// Writes to these tables.
    #[must_use]
    pub fn new(events: Events, life: Life) -> Self {
        Self { events, life, shards: Shards::default() }
    }

    /// Stores what arrives as an event of this moment, with its count and what `decide` makes of it. `decide` is asked again
    /// whenever what is remembered changes meanwhile; without it the event leads to nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn record(
        &self,
        arriving: Arriving<'_>,
        decide: Option<Decide<'_>>,
        policy_hash: &str,
        clock: &dyn Clock,
    ) -> Result<Recorded, StoreError> {
        let Arriving { reported, key, by } = arriving;
        let id = key.map_or_else(|| EventId::fresh(clock), |key| EventId::keyed(reported.engine, key));
        let event = Event { id, reported, occurred_at: clock.now(), reported_by: Some(by.clone()) };
        let last_try = event.occurred_at.plus_seconds(TRYING_SECONDS);
        let (mut attempts, mut in_progress) = (0, false);
        let mut arrival = self.decided(event, decide, policy_hash).await?;
        loop {
            let event = &arrival.event;
            let shard = self.shards.pick(event.reported.engine, event.occurred_at.day(), clock.random());
            let items = self.transaction(&arrival, shard)?;
            let places = match transaction::send(&self.events.table.client, &self.events.table.name, items).await {
                Ok(Attempt::Committed) => return Ok(arrival.created()),
                Ok(Attempt::Exists(stored)) => {
                    let may_be_ours = key.is_none() || in_progress;
                    return self.exists(arrival, may_be_ours, &stored).await;
                }
                Ok(Attempt::Conflict(places)) => places,
                Ok(Attempt::Stale) => Vec::new(),
                Ok(Attempt::InProgress) => {
                    in_progress = true;
                    Vec::new()
                }
                Err(error) => return self.find_out(arrival, key.is_some(), error).await,
            };
            attempts += 1;
            if attempts == MAX_ATTEMPTS || clock.now() > last_try {
                let error = StoreError::Contended { table: self.events.table.name.clone(), attempts };
                return if in_progress { self.find_out(arrival, key.is_some(), error).await } else { Err(error) };
            }
            backoff::wait(attempts, clock).await;
            if places.contains(&ROLLUP) {
                self.widen(&arrival.event).await;
            }
            // Whoever was in the way may have changed what the plan was made from.
            arrival = self.decided(arrival.event, decide, policy_hash).await?;
        }
    }

    async fn decided(
        &self,
        event: Event,
        decide: Option<Decide<'_>>,
        policy_hash: &str,
    ) -> Result<Arrival, StoreError> {
        let Some(decide) = decide else { return Ok(Arrival { event, actions: Vec::new(), decided: None }) };
        let before = self.life.watches().get(&Kind::of(&event.reported)).await?;
        let plan = decide(&event, &before.watch);
        let actions = plan.owed.iter().map(|owed| ActionItem::new(&event, *owed, policy_hash)).collect();
        Ok(Arrival { event, actions, decided: Some((before, plan)) })
    }

    /// INVARIANT: the event, its count and its actions are in one transaction. There is no other way to write them.
    fn transaction(&self, arrival: &Arrival, shard: u32) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Arrival { event, actions, decided } = arrival;
        let mut items = vec![self.events.put(event, shard)?, self.life.rollups().count(event, actions, shard)?];
        for action in actions {
            items.push(self.life.actions().put(action)?);
        }
        if let Some((before, plan)) = decided {
            let kind = Kind::of(&event.reported);
            if plan.watch.is_some() || plan.counted {
                let counted_at = plan.counted.then_some(event.occurred_at);
                let next = Next { watch: plan.watch.as_ref(), counted_at, notice: None };
                items.extend(self.life.put_watch(&kind, before, &next, event.occurred_at)?);
            }
            items.extend(self.life.put_ineffective(&kind, &plan.ineffective, event.occurred_at)?);
        }
        Ok(items)
    }

    /// The id is taken: by this very request, whose answer was lost, or by an earlier one with the same key.
    async fn exists(&self, arrival: Arrival, may_be_ours: bool, stored: &Item) -> Result<Recorded, StoreError> {
        let stored = self.events.parse(stored)?;
        if may_be_ours && stored == arrival.event {
            return self.created(stored).await;
        }
        self.replay(arrival, stored).await
    }

    /// This request stored it, if not by its last try; the table has the actions that were decided on then.
    async fn created(&self, stored: Event) -> Result<Recorded, StoreError> {
        let actions = self.life.actions().of_event(stored.id).await?;
        Ok(Recorded::Created { event: stored, tell: !actions.is_empty(), actions })
    }

    /// An earlier request with the same key stored this.
    async fn replay(&self, arrival: Arrival, stored: Event) -> Result<Recorded, StoreError> {
        if !stored.reported.says_the_same_as(&arrival.event.reported) {
            return Ok(Recorded::KeyReused);
        }
        let actions = self.life.actions().of_event(stored.id).await?;
        Ok(Recorded::Replayed(stored, actions))
    }

    /// No answer came, so it may be stored or not. Only the table knows.
    async fn find_out(&self, arrival: Arrival, keyed: bool, error: StoreError) -> Result<Recorded, StoreError> {
        match (self.events.get(arrival.event.id, Consistency::Strong).await, error) {
            (Ok(Some(stored)), _) if stored == arrival.event => self.created(stored).await,
            (Ok(Some(stored)), _) if keyed => self.replay(arrival, stored).await,
            (Ok(_), StoreError::Unknown { operation, table, cause }) => {
                Err(StoreError::Unavailable { operation, table, cause })
            }
            (_, error) => Err(error),
        }
    }

    /// Spreads this engine's day over twice as many rows. If that cannot be told to readers, the next try goes on as before.
    async fn widen(&self, event: &Event) {
        let (engine, day) = (event.reported.engine, event.occurred_at.day());
        let wider = (self.shards.width(engine, day) * 2).min(MAX_WIDTH);
        // INVARIANT: readers are told of the wider spread before anything is written there.
        match self.life.rollups().publish_width(engine, day, wider).await {
            Ok(Some(known)) => self.shards.widen(engine, day, known),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "could not spread"),
        }
    }
}
