//! Moving actions and incidents on, together with what is remembered of their kind of trouble.

use age_model::{
    ActionItem, ActionStatus, Clock, FailedRemediation, IncidentKey, IncidentState, InvalidTransition, Notification,
    Remediation, Timestamp,
};
use aws_sdk_dynamodb::types::TransactWriteItem;

use crate::incident_states::{IncidentStateRecord, Next};
use crate::row::text;
use crate::transaction::{self, Attempt};
use crate::{Actions, Consistency, EmailRateLimiter, HealthStore, IncidentStates, Rollups, StoreError, backoff};

/// Others may be writing the same watch; more often than this they are not just passing.
const MAX_ATTEMPTS: u32 = 14;

/// What a remedy's bad end does to the watch of its kind.
pub type OnFailedRemediation<'a> = &'a (dyn Fn(&mut IncidentState, FailedRemediation) + Sync);

/// What is decided on about a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The watch, from now on. Its version is raised when it is written.
    pub state: IncidentState,
    /// The notice that was sent.
    pub notification: Option<Notification>,
    /// When it came about.
    pub at: Timestamp,
}

/// The lives of actions and incidents.
#[derive(Debug, Clone)]
pub struct Life {
    actions: Actions,
    watches: IncidentStates,
    rollups: Rollups,
}

impl Life {
    /// Writes to these tables.
    #[must_use]
    pub const fn new(actions: Actions, watches: IncidentStates, rollups: Rollups) -> Self {
        Self { actions, watches, rollups }
    }

    /// The actions themselves.
    #[must_use]
    pub const fn actions(&self) -> &Actions {
        &self.actions
    }

    /// What is remembered of each kind of trouble.
    #[must_use]
    pub const fn watches(&self) -> &IncidentStates {
        &self.watches
    }

    /// How many e-mails may be sent.
    #[must_use]
    pub fn mailer(&self) -> EmailRateLimiter {
        EmailRateLimiter(self.watches.0.clone())
    }

    /// How AGE itself is.
    #[must_use]
    pub fn health(&self) -> HealthStore {
        HealthStore(self.watches.0.clone())
    }

    /// Where all of it is counted.
    #[must_use]
    pub const fn rollups(&self) -> &Rollups {
        &self.rollups
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
    pub async fn claim(&self, old: &ActionItem, new: &ActionItem, now: Timestamp) -> Result<bool, StoreError> {
        self.actions.replace(old, new, now).await
    }

    /// Has `item`, about which nothing is due yet, come up again when something is.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn put_off(&self, item: &ActionItem) -> Result<(), StoreError> {
        self.actions.put_off(item).await.map(drop)
    }

    /// Moves `old` on to `new`, if it is still as `old` has it. False, and nothing is changed, if it is not. A bad end is
    /// an alarm, which `on_failed_remediation` takes into the watch.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] if an action has no such move; another [`StoreError`] if it was not written.
    pub async fn advance(
        &self,
        old: &ActionItem,
        new: &ActionItem,
        on_failed_remediation: OnFailedRemediation<'_>,
        clock: &dyn Clock,
    ) -> Result<bool, StoreError> {
        let now = clock.now();
        let is_counted = new.action.is_remediation() && !(old.status.is_running() && new.status.is_running());
        if old.status == new.status || !is_counted {
            // A write whose answer was lost, tried again by the SDK, finds its own work.
            return Ok(self.actions.replace(old, new, now).await? || self.is_now(new).await?);
        }
        // The watch has all remedies that may still help, done or not: only an end concerns it.
        let concerns_watch = new.status.is_final();
        let incident_key = new.incident_key();
        let at = new.completed_at.unwrap_or(now);
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                backoff::wait(attempt, clock).await;
            }
            let mut items = vec![self.actions.put_replacement(old, new, now)?, self.rollups.settle(old, new)?];
            if concerns_watch {
                let before = self.watches.get(&incident_key).await?;
                let mut state = before.state.clone();
                state.version += 1;
                state.forget(new.action, new.event_id);
                if new.status.is_failure() {
                    on_failed_remediation(
                        &mut state,
                        FailedRemediation { action: new.action, event_id: new.event_id, status: new.status, at },
                    );
                }
                items.extend(self.put_watch(&incident_key, &before, &Next::to(&state), at)?);
            }
            let table = &self.actions.0;
            match transaction::send(&table.client, &table.name, items).await? {
                Attempt::Committed => return Ok(true),
                Attempt::Exists(..) | Attempt::Conflict(_) | Attempt::InProgress => {}
                // Either has changed. If it is the action, there is nothing left to do.
                Attempt::Stale => {
                    if !self.is_now(old).await? {
                        return self.is_now(new).await;
                    }
                }
            }
        }
        Err(self.contended())
    }

    /// Moves `item` to `to`, however it changes meanwhile; `next` says how it looks there.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] if there is no such move any more; another [`StoreError`] if it was not written.
    pub async fn settle(
        &self,
        mut item: ActionItem,
        to: ActionStatus,
        on_failed_remediation: OnFailedRemediation<'_>,
        clock: &dyn Clock,
        next: impl Fn(&ActionItem) -> ActionItem,
    ) -> Result<ActionItem, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            item.status.transition_to(to)?;
            let new = next(&item);
            if self.advance(&item, &new, on_failed_remediation, clock).await? {
                return Ok(new);
            }
            let stored = self.actions.get(item.event_id, item.action).await?;
            item = stored.ok_or(InvalidTransition { from: item.status, to })?;
        }
        Err(self.contended())
    }

    /// Changes what is remembered of `kind` to what `decide` makes of it, which is asked again whenever it has changed
    /// meanwhile. Answers how it is then, or None if nothing was to change.
    ///
    /// # Errors
    /// What `decide` says, or a [`StoreError`] if it was not written.
    pub async fn change<E: From<StoreError>>(
        &self,
        incident_key: &IncidentKey,
        clock: &dyn Clock,
        mut decide: impl FnMut(&IncidentStateRecord) -> Result<Option<Change>, E>,
    ) -> Result<Option<IncidentStateRecord>, E> {
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                backoff::wait(attempt, clock).await;
            }
            let before = self.watches.get(incident_key).await?;
            let Some(Change { mut state, notification, at }) = decide(&before)? else { return Ok(None) };
            state.version = before.state.version + 1;
            let next = Next { notification: notification.as_ref(), ..Next::to(&state) };
            let items = self.put_watch(incident_key, &before, &next, at)?;
            let table = &self.watches.0;
            if let Attempt::Committed = transaction::send(&table.client, &table.name, items).await? {
                return Ok(Some(IncidentStateRecord { state, counters: before.counters }));
            }
        }
        Err(self.contended().into())
    }

    /// What follows on `before`, with the `notify_admin` that goes with its incident.
    pub(crate) fn put_watch(
        &self,
        incident_key: &IncidentKey,
        before: &IncidentStateRecord,
        next: &Next<'_>,
        at: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = self.watches.put(incident_key, before, next)?;
        let notify = |state: &IncidentState| state.incident.as_ref().and_then(|incident| incident.notify_admin);
        if let (Some(old), Some(new)) = (notify(&before.state), next.state.and_then(notify))
            && old.event_id == new.event_id
            && old.status != new.status
        {
            items.push(self.actions.put_told(old.event_id, old.status, new.status, at)?);
        }
        Ok(items)
    }

    /// Says of remedies of one kind that they were of no use, as parts of a transaction.
    pub(crate) fn put_ineffective(
        &self,
        incident_key: &IncidentKey,
        remediations: &[Remediation],
        at: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = Vec::new();
        for Remediation { event_id, action, .. } in remediations {
            items.push(self.actions.put_ineffective(*event_id, *action, at)?);
        }
        items.extend(self.rollups.ineffective(incident_key.engine, remediations)?);
        Ok(items)
    }

    async fn is_now(&self, item: &ActionItem) -> Result<bool, StoreError> {
        Ok(self.actions.get(item.event_id, item.action).await?.as_ref() == Some(item))
    }

    fn contended(&self) -> StoreError {
        StoreError::Contended { table: self.watches.0.name.clone(), attempts: MAX_ATTEMPTS }
    }
}
