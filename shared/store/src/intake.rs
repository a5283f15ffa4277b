//! Accepting an event: the one transaction in which it, its count and its actions come to be, or nothing does.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use model::{ActionRecord, Clock, Event, EventId, IdempotencyKey, NewEvent};

use crate::actions::ActionRow;
use crate::row::Item;
use crate::shards::{MAX_WIDTH, Shards};
use crate::transaction::{self, Attempt};
use crate::{Actions, Consistency, Events, Rollups, StoreError};

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
    Created(Event, Vec<ActionRecord>),
    /// It had been stored before under the same key; its actions as they are now.
    Replayed(Event, Vec<ActionRecord>),
    /// Its key had been used for another event. Nothing was stored.
    KeyReused,
}

/// Accepts events. Holds what this execution environment knows about contention.
#[derive(Debug)]
pub struct Intake {
    events: Events,
    rollups: Rollups,
    actions: Actions,
    shards: Shards,
}

impl Intake {
    /// Writes to these tables.
    #[must_use]
    pub fn new(events: Events, rollups: Rollups, actions: Actions) -> Self {
        Self { events, rollups, actions, shards: Shards::default() }
    }

    /// The actions table, where the life of what is owed goes on.
    #[must_use]
    pub const fn actions(&self) -> &Actions {
        &self.actions
    }

    /// Opens the connection before the first request needs it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be asked.
    pub async fn warm(&self) -> Result<(), StoreError> {
        self.events.warm().await
    }

    /// Stores `reported` as an event of this moment, with its count and the actions that are `owed` for it.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn record(
        &self,
        reported: NewEvent,
        key: Option<&IdempotencyKey>,
        owed: Vec<ActionRecord>,
        policy_hash: &str,
        clock: &dyn Clock,
    ) -> Result<Recorded, StoreError> {
        let id = key.map_or_else(|| EventId::fresh(clock), |key| EventId::keyed(reported.engine, key));
        let event = Event { id, reported, occurred_at: clock.now() };
        let last_try = event.occurred_at.plus_seconds(TRYING_SECONDS);
        let (mut attempts, mut in_progress) = (0, false);
        loop {
            let shard = self.shards.pick(event.reported.engine, event.occurred_at.day(), clock.random());
            let items = self.transaction(&event, &owed, policy_hash, shard)?;
            let places = match transaction::send(&self.events.table.client, &self.events.table.name, items).await {
                Ok(Attempt::Committed) => return Ok(Recorded::Created(event, owed)),
                Ok(Attempt::Exists(stored)) => {
                    let may_be_ours = key.is_none() || in_progress;
                    return self.exists(event, owed, may_be_ours, &stored).await;
                }
                Ok(Attempt::Conflict(places)) => places,
                Ok(Attempt::InProgress) => {
                    in_progress = true;
                    Vec::new()
                }
                Err(error) => return self.find_out(event, owed, error).await,
            };
            attempts += 1;
            if attempts == MAX_ATTEMPTS || clock.now() > last_try {
                let error = StoreError::Contended { table: self.events.table.name.clone(), attempts };
                return if in_progress { self.find_out(event, owed, error).await } else { Err(error) };
            }
            tokio::time::sleep(backoff(attempts, clock.random())).await;
            if places.contains(&ROLLUP) {
                self.widen(&event).await;
            }
        }
    }

    /// INVARIANT: the event, its count and its actions are in one transaction. There is no other way to write them.
    fn transaction(
        &self,
        event: &Event,
        owed: &[ActionRecord],
        policy_hash: &str,
        shard: u32,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = vec![self.events.put(event, shard)?, self.rollups.count(event, shard)?];
        for record in owed {
            items.push(self.actions.put(&ActionRow {
                engine: Some(event.reported.engine),
                event_type: Some(event.reported.event_type.clone()),
                severity: Some(event.reported.severity),
                ..ActionRow::new(event.id.to_string(), *record, event.occurred_at, policy_hash)
            })?);
        }
        Ok(items)
    }

    /// The id is taken: by this very request, whose answer was lost, or by an earlier one with the same key.
    async fn exists(
        &self,
        event: Event,
        owed: Vec<ActionRecord>,
        may_be_ours: bool,
        stored: &Item,
    ) -> Result<Recorded, StoreError> {
        let stored = self.events.parse(stored)?;
        if may_be_ours && stored == event {
            return Ok(Recorded::Created(event, owed));
        }
        if !stored.reported.says_the_same_as(&event.reported) {
            return Ok(Recorded::KeyReused);
        }
        let actions = self.actions.of_event(stored.id).await?;
        Ok(Recorded::Replayed(stored, actions))
    }

    /// No answer came, so it may be stored or not. Only the table knows.
    async fn find_out(&self, event: Event, owed: Vec<ActionRecord>, error: StoreError) -> Result<Recorded, StoreError> {
        match (self.events.get(event.id, Consistency::Strong).await, error) {
            (Ok(Some(stored)), _) if stored == event => Ok(Recorded::Created(event, owed)),
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
        match self.rollups.publish_width(engine, day, wider).await {
            Ok(Some(known)) => self.shards.widen(engine, day, known),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "could not spread"),
        }
    }
}

/// A random wait that grows with the attempts: up to 5, 10, 20 … 320 ms.
fn backoff(attempts: u32, random: u128) -> Duration {
    let ceiling = 5_u64 << attempts.saturating_sub(1).min(6);
    Duration::from_millis(u64::try_from(random % u128::from(ceiling)).unwrap_or(ceiling))
}
