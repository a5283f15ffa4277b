//! Finishes what was left: hands over what is owed, ends what nobody answered, and sees whether remedies have helped.
//!
//! Every step is one conditional write, so two sweeps at once, or one that dies anywhere, do no harm: what is not on record
//! is still due.

use std::collections::BTreeMap;

use dispatch::Dispatcher;
use model::{Action, ActionItem, ActionStatus, Clock, EventId, Timestamp};
use serde::Serialize;
use store::{Consistency, Events, StoreError};

/// How much of each partition of what is due one run takes. The rest waits for the next, a minute later.
const TAKEN_AT_ONCE: i32 = 50;

/// A run begins nothing new after so many seconds. The function may run for 55, and the next begins after 60.
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
        let mut swept = Swept::default();
        for (event, action) in self.dispatcher.life.actions().due(began, TAKEN_AT_ONCE).await? {
            if self.clock.now() > began.plus_seconds(RUN_SECONDS) {
                break;
            }
            match self.step(event, action).await {
                Ok(Some(status)) => *swept.moved.entry(status).or_default() += 1,
                Ok(None) => {}
                // One that cannot be read must not keep the others waiting.
                Err(error) => {
                    swept.failed += 1;
                    tracing::error!(%error, %event, %action, "left for the next sweep");
                }
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
            ActionStatus::Succeeded => self.verified(&item),
            // An ended action is due for nothing.
            _ => ActionItem { due_at: None, ..item.clone() },
        };
        Ok(life.advance(&item, &new, now).await?.then_some(new.status))
    }

    async fn hand_over(&self, item: ActionItem, now: Timestamp) -> Result<Option<ActionStatus>, StoreError> {
        let Dispatcher { life, policy, .. } = &self.dispatcher;
        let due_at = Some(now.plus_seconds(policy.actions.lease_seconds));
        let claimed = ActionItem { attempt: item.attempt.saturating_add(1), due_at, ..item.clone() };
        if !life.advance(&item, &claimed, now).await? {
            return Ok(None);
        }
        let Some(event) = self.events.get(item.event_id, Consistency::Strong).await? else {
            // The event has gone with its time to live, long after anything could still help.
            let dead = ended(&claimed, ActionStatus::Dead, now);
            return Ok(life.advance(&claimed, &dead, now).await?.then_some(dead.status));
        };
        let others = match item.action {
            Action::NotifyAdmin => life.actions().of_event(event.id).await?,
            _ => Vec::new(),
        };
        let stands = self.dispatcher.hand_over(&event, claimed, &others, None, self.clock.as_ref()).await;
        Ok(Some(stands.status))
    }

    /// Whether the trouble stayed away for long enough. When it comes again, its event makes the action due at once.
    fn verified(&self, item: &ActionItem) -> ActionItem {
        let settled_at = item.settled_at.unwrap_or(item.created_at);
        let until = settled_at.plus_seconds(self.dispatcher.policy.actions.verify_after_seconds);
        let doubted = item.due_at.is_some_and(|due_at| due_at < until);
        let status = if doubted { ActionStatus::Ineffective } else { ActionStatus::Verified };
        ActionItem { status, due_at: None, ..item.clone() }
    }
}

fn ended(item: &ActionItem, status: ActionStatus, now: Timestamp) -> ActionItem {
    ActionItem { status, settled_at: Some(now), due_at: None, ..item.clone() }
}
