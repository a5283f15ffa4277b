//! Finishes what was left: hands over what is owed, ends what nobody answered, and says which remedies have helped.
//!
//! Every change is a conditional write, so two sweeps at once, or one that dies anywhere, do no harm: what is not on record
//! is still due.

use std::collections::BTreeMap;

use dispatch::Dispatcher;
use futures_util::stream::{self, StreamExt};
use model::{Action, ActionItem, ActionStatus, Clock, EventId, Timestamp};
use serde::Serialize;
use store::{Consistency, Events, StoreError};

/// How much of each partition of what is due one run takes. The rest waits for the next, a minute later.
const TAKEN_AT_ONCE: i32 = 500;

/// How many are looked at in the same moment, so that a slow one does not hold up the others.
const STEPS_AT_ONCE: usize = 16;

/// A run begins nothing new after so many seconds. The function may run for 90; the next run begins after 60, and may.
const RUN_SECONDS: i64 = 40;

/// Sweeps. Made once per execution environment.
pub struct Sweep {
    events: Events,
    dispatcher: Dispatcher,
    clock: Box<dyn Clock>,
}

/// What a run has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// How many actions went to each status.
    pub moved: BTreeMap<ActionStatus, u64>,
    /// How many could not be looked at; they are still due.
    pub failed: u64,
}

impl Sweep {
    /// Puts the parts together.
    pub fn new(events: Events, dispatcher: Dispatcher, clock: impl Clock + 'static) -> Self {
        Self { events, dispatcher, clock: Box::new(clock) }
    }

    /// Takes what is due, the longest due first.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be told what is due.
    pub async fn run(&self) -> Result<Swept, StoreError> {
        let began = self.clock.now();
        let due = self.dispatcher.life.actions().due(began, TAKEN_AT_ONCE).await?;
        let steps = stream::iter(due).map(async |row| {
            if self.clock.now() > began.plus_seconds(RUN_SECONDS) {
                return Ok(None);
            }
            let unreadable = |error: &StoreError| tracing::error!(%error, "what is due cannot be read");
            let (event, action) = row.inspect_err(unreadable)?;
            let step = self.step(event, action).await;
            step.inspect_err(|error| tracing::error!(%error, %event, %action, "left for the next sweep"))
        });
        let done: Vec<Result<Option<ActionStatus>, StoreError>> = steps.buffer_unordered(STEPS_AT_ONCE).collect().await;
        let mut swept = Swept::default();
        for step in done {
            match step {
                Ok(Some(status)) => *swept.moved.entry(status).or_default() += 1,
                Ok(None) => {}
                Err(_) => swept.failed += 1,
            }
        }
        tracing::info!(moved = ?swept.moved, failed = swept.failed, "swept");
        Ok(swept)
    }

    /// Does what is due about one action. Answers where it went, or None if there was nothing to do any more.
    async fn step(&self, event: EventId, action: Action) -> Result<Option<ActionStatus>, StoreError> {
        let life = &self.dispatcher.life;
        let Some(item) = life.actions().get(event, action).await? else { return Ok(None) };
        let now = self.clock.now();
        if item.due_at.is_none_or(|due_at| due_at > now) {
            return Ok(None);
        }
        let new = match item.status {
            ActionStatus::Pending => return self.hand_over(item, now).await,
            ActionStatus::AwaitingApproval => ended(&item, ActionStatus::Expired, now),
            ActionStatus::Dispatched => ended(&item, ActionStatus::TimedOut, now),
            // Had the trouble come again meanwhile, its event would have said that this was of no use.
            ActionStatus::Succeeded => ActionItem { status: ActionStatus::Verified, due_at: None, ..item.clone() },
            // An ended action is due for nothing.
            _ => ActionItem { due_at: None, ..item.clone() },
        };
        Ok(life.advance(&item, &new, self.clock.as_ref()).await?.then_some(new.status))
    }

    async fn hand_over(&self, item: ActionItem, now: Timestamp) -> Result<Option<ActionStatus>, StoreError> {
        let Dispatcher { life, policy, .. } = &self.dispatcher;
        let Some(event) = self.events.get(item.event_id, Consistency::Strong).await? else {
            // The event has gone with its time to live, long after anything could still help.
            let dead = ended(&item, ActionStatus::Dead, now);
            return Ok(life.advance(&item, &dead, self.clock.as_ref()).await?.then_some(dead.status));
        };
        let others = match item.action {
            Action::NotifyAdmin => life.actions().of_event(event.id).await?,
            _ => Vec::new(),
        };
        let due_at = Some(now.plus_seconds(policy.actions.lease_seconds));
        let claimed = ActionItem { attempt: item.attempt.saturating_add(1), due_at, ..item.clone() };
        if !life.claim(&item, &claimed).await? {
            return Ok(None);
        }
        let stands = self.dispatcher.hand_over(&event, claimed, &others, None, self.clock.as_ref()).await;
        Ok(Some(stands.status))
    }
}

fn ended(item: &ActionItem, status: ActionStatus, now: Timestamp) -> ActionItem {
    ActionItem { status, settled_at: Some(now), due_at: None, ..item.clone() }
}
