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
        let mut attempts = 0;
        loop {
            let shard = self.shards.pick(event.reported.engine, event.occurred_at.day(), clock.random());
            let items = self.transaction(&event, &owed, policy_hash, shard)?;
            match transaction::send(&self.events.table.client, &self.events.table.name, items).await {
                Ok(Attempt::Committed) => return Ok(Recorded::Created(event, owed)),
                Ok(Attempt::Exists(stored)) => return self.exists(event, owed, key.is_some(), &stored).await,
                Ok(Attempt::Conflict(places)) => {
                    attempts += 1;
                    if attempts == MAX_ATTEMPTS {
                        return Err(StoreError::Contended { table: self.events.table.name.clone(), attempts });
                    }
                    tokio::time::sleep(backoff(attempts, clock.random())).await;
                    if places.contains(&ROLLUP) {
                        self.widen(&event).await?;
                    }
                }
                Err(error) => return self.find_out(event, owed, error).await,
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
        keyed: bool,
        stored: &Item,
    ) -> Result<Recorded, StoreError> {
        if !keyed {
            return Ok(Recorded::Created(event, owed));
        }
        let stored = self.events.parse(stored)?;
        if !stored.reported.says_the_same_as(&event.reported) {
            return Ok(Recorded::KeyReused);
        }
        let actions = self.actions.of_event(stored.id).await?;
        Ok(Recorded::Replayed(stored, actions))
    }

    /// No answer came, so it may be stored or not. Only the table knows.
    async fn find_out(&self, event: Event, owed: Vec<ActionRecord>, error: StoreError) -> Result<Recorded, StoreError> {
        match self.events.get(event.id, Consistency::Strong).await {
            Ok(Some(stored)) if stored == event => Ok(Recorded::Created(event, owed)),
            _ => Err(error),
        }
    }

    /// Spreads this engine's day over twice as many rows.
    async fn widen(&self, event: &Event) -> Result<(), StoreError> {
        let (engine, day) = (event.reported.engine, event.occurred_at.day());
        let wider = (self.shards.width(engine, day) * 2).min(MAX_WIDTH);
        // INVARIANT: readers are told of the wider spread before anything is written there.
        if let Some(known) = self.rollups.publish_width(engine, day, wider).await? {
            self.shards.widen(engine, day, known);
        }
        Ok(())
    }
}

/// A random wait that grows with the attempts: up to 5, 10, 20 … 320 ms.
fn backoff(attempts: u32, random: u128) -> Duration {
    let ceiling = 5_u64 << attempts.saturating_sub(1).min(6);
    Duration::from_millis(u64::try_from(random % u128::from(ceiling)).unwrap_or(ceiling))
}
