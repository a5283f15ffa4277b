//! Moving an action on, together with what is remembered of its kind of trouble.

use model::{ActionItem, ActionStatus, Clock, IllegalMove};

use crate::row::text;
use crate::transaction::{self, Attempt};
use crate::{Actions, Consistency, StoreError, Watches, backoff};

/// Others may be writing the same watch; more often than this they are not just passing.
const MAX_ATTEMPTS: u32 = 10;

/// The lives of actions.
#[derive(Debug, Clone)]
pub struct Life {
    actions: Actions,
    watches: Watches,
}

impl Life {
    /// Writes to these tables.
    #[must_use]
    pub const fn new(actions: Actions, watches: Watches) -> Self {
        Self { actions, watches }
    }

    /// The actions themselves.
    #[must_use]
    pub const fn actions(&self) -> &Actions {
        &self.actions
    }

    /// What is remembered of each kind of trouble.
    #[must_use]
    pub const fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Opens the connection before the first request needs it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be asked.
    pub async fn warm(&self) -> Result<(), StoreError> {
        let key = [("event_id", text("warm")), ("action", text("warm"))];
        self.actions.0.get(key, Consistency::Eventual).await.map(drop)
    }

    /// Leases `old` to the caller, as `new` has it. False if somebody else was first, be it with the very same words.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn claim(&self, old: &ActionItem, new: &ActionItem) -> Result<bool, StoreError> {
        self.actions.replace(old, new).await
    }

    /// Moves `old` on to `new`, if it is still as `old` has it. False, and nothing is changed, if it is not.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] if an action has no such move; another [`StoreError`] if it was not written.
    pub async fn advance(&self, old: &ActionItem, new: &ActionItem, clock: &dyn Clock) -> Result<bool, StoreError> {
        // The watch tells running remedies from ended ones: a step among the running ones does not concern it.
        let concerns_watch = new.action.is_remedy() && !(old.status.is_running() && new.status.is_running());
        if old.status == new.status || !concerns_watch {
            // A write whose answer was lost, tried again by the SDK, finds its own work.
            return Ok(self.actions.replace(old, new).await? || self.is_now(new).await?);
        }
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                backoff::wait(attempt, clock).await;
            }
            let before = self.watches.get(new.engine, &new.event_type).await?;
            let mut watch = before.clone();
            watch.version += 1;
            watch.note(new.action, new.event_id, new.status, new.settled_at.unwrap_or_else(|| clock.now()));
            let items = vec![
                self.actions.put_replacement(old, new)?,
                self.watches.put(new.engine, &new.event_type, before.version, &watch)?,
            ];
            let table = &self.actions.0;
            match transaction::send(&table.client, &table.name, items).await? {
                Attempt::Committed => return Ok(true),
                Attempt::Exists(_) | Attempt::Conflict(_) | Attempt::InProgress => {}
                // Either has changed. If it is the action, there is nothing left to do.
                Attempt::Stale => {
                    if !self.is_now(old).await? {
                        return self.is_now(new).await;
                    }
                }
            }
        }
        Err(StoreError::Contended { table: self.actions.0.name.clone(), attempts: MAX_ATTEMPTS })
    }

    /// Moves `item` to `to`, however it changes meanwhile; `next` says how it looks there.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] if there is no such move any more; another [`StoreError`] if it was not written.
    pub async fn settle(
        &self,
        mut item: ActionItem,
        to: ActionStatus,
        clock: &dyn Clock,
        next: impl Fn(&ActionItem) -> ActionItem,
    ) -> Result<ActionItem, StoreError> {
        loop {
            item.status.to(to)?;
            let new = next(&item);
            if self.advance(&item, &new, clock).await? {
                return Ok(new);
            }
            let stored = self.actions.get(item.event_id, item.action).await?;
            item = stored.ok_or(IllegalMove { from: item.status, to })?;
        }
    }

    async fn is_now(&self, item: &ActionItem) -> Result<bool, StoreError> {
        Ok(self.actions.get(item.event_id, item.action).await?.as_ref() == Some(item))
    }
}
