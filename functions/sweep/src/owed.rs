//! Actions: what is due about each, and handing over what is owed, the oldest first.

use dispatch::Tried;
use futures_util::stream::{self, StreamExt};
use model::{ActionItem, ActionStatus, Timestamp};
use store::{Consistency, Due, StoreError};

use crate::{STEPS_AT_ONCE, Sweep, Swept};

/// How much of each partition of what is due one run takes. The rest waits for the next, a minute later.
const TAKEN_AT_ONCE: i32 = 500;

/// What was to be done about an action.
enum Step {
    /// It went to this status.
    Moved(ActionStatus),
    /// It is to be handed over.
    HandOver(Box<ActionItem>),
    /// There was nothing to do any more, or it is left for the next run.
    Nothing,
}

impl Sweep {
    /// Does what is due about actions, and begins nothing new after `end`.
    pub(crate) async fn owed(&self, end: Timestamp, swept: &mut Swept) -> Result<(), StoreError> {
        let began = self.now();
        let due = self.dispatcher.life().actions().due(began, TAKEN_AT_ONCE).await?;
        let since = due.iter().filter_map(|row| row.as_ref().ok()).map(|due| due.due_at).min();
        swept.oldest_due_seconds = since.map_or(0, |since| began.seconds() - since.seconds());

        let steps = stream::iter(due).map(|row| self.look(row, end)).buffer_unordered(STEPS_AT_ONCE);
        let mut owed = Vec::new();
        for step in steps.collect::<Vec<_>>().await {
            match step {
                Ok(Step::HandOver(item)) => owed.push(*item),
                Ok(Step::Moved(status)) => swept.moved(status),
                Ok(Step::Nothing) => {}
                Err(_) => swept.failed += 1,
            }
        }
        if !owed.is_empty() {
            self.hand_over_all(owed, end, swept).await?;
        }
        Ok(())
    }

    async fn look(&self, row: Result<Due, StoreError>, end: Timestamp) -> Result<Step, StoreError> {
        let due = row.inspect_err(|error| tracing::error!(%error, "what is due cannot be read"))?;
        if self.now() > end {
            return Ok(Step::Nothing);
        }
        let Due { event_id: event, action, .. } = due;
        let step = self.step(&due).await;
        step.inspect_err(|error| tracing::error!(%error, %event, %action, "left for the next sweep"))
    }

    /// Does what is due about one action, unless it is to be handed over: that has its order.
    async fn step(&self, due: &Due) -> Result<Step, StoreError> {
        let now = self.now();
        let Some(item) = self.dispatcher.life().actions().get(due.event_id, due.action).await? else {
            return Ok(Step::Nothing);
        };
        if item.due_at.is_none_or(|due_at| due_at > now) {
            return Ok(Step::Nothing);
        }
        let new = match item.status {
            ActionStatus::Pending => return Ok(Step::HandOver(Box::new(item))),
            ActionStatus::AwaitingApproval => ended(&item, ActionStatus::Expired, now),
            ActionStatus::Dispatched => ended(&item, ActionStatus::TimedOut, now),
            // Had the trouble come again meanwhile, its event would have said that this was of no use.
            ActionStatus::Succeeded => ActionItem { status: ActionStatus::Verified, due_at: None, ..item.clone() },
            // An ended action is due for nothing.
            _ => ActionItem { due_at: None, ..item.clone() },
        };
        Ok(if self.advance(&item, &new).await? { Step::Moved(new.status) } else { Step::Nothing })
    }

    async fn advance(&self, old: &ActionItem, new: &ActionItem) -> Result<bool, StoreError> {
        let on_alarm = |watch: &mut _, alarm| self.dispatcher.alarm(watch, alarm, old);
        self.dispatcher.life().advance(old, new, &on_alarm, self.clock.as_ref()).await
    }

    /// Hands over `owed`, and whatever waits for its next try: an engine that was away gets what it missed in the order in
    /// which it came. Once the topic takes nothing, only what is due is tried, as its own waits say.
    async fn hand_over_all(
        &self,
        mut owed: Vec<ActionItem>,
        end: Timestamp,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let began = self.now();
        let is_due = |item: &ActionItem| item.due_at.is_some_and(|due_at| due_at <= began);
        owed.extend(self.waiting(began, swept).await?);
        owed.sort_by_key(|item| (item.created_at, item.event_id, item.action));
        let mut items = owed.into_iter();
        for item in items.by_ref().take_while(|_| self.now() <= end) {
            let (due, tried) = (is_due(&item), self.hand_over(item, swept).await);
            if tried == Some(Tried::Unavailable) {
                tracing::warn!(due, "the topic takes nothing");
                break;
            }
        }
        for item in items.filter(is_due).take_while(|_| self.now() <= end) {
            self.hand_over(item, swept).await;
        }
        Ok(())
    }

    /// What waits for a next try that comes after `now`; what is due is known.
    async fn waiting(&self, now: Timestamp, swept: &mut Swept) -> Result<Vec<ActionItem>, StoreError> {
        let actions = self.dispatcher.life().actions();
        let read = async |row: Result<Due, StoreError>| {
            let Due { event_id, action, .. } = row?;
            actions.get(event_id, action).await
        };
        let later = |row: &Result<Due, StoreError>| row.as_ref().map_or(true, |due| due.due_at > now);
        let rows = stream::iter(actions.waiting(TAKEN_AT_ONCE).await?.into_iter().filter(later));
        let mut waiting = Vec::new();
        for item in rows.map(read).buffer_unordered(STEPS_AT_ONCE).collect::<Vec<_>>().await {
            match item {
                Ok(item) => waiting
                    .extend(item.filter(|item| item.status == ActionStatus::Pending && item.last_failed_at.is_some())),
                Err(error) => {
                    tracing::error!(%error, "what waits cannot be read");
                    swept.failed += 1;
                }
            }
        }
        Ok(waiting)
    }

    /// None if it was not tried: somebody else has it, or it cannot be read.
    async fn hand_over(&self, item: ActionItem, swept: &mut Swept) -> Option<Tried> {
        let (event, action) = (item.event_id, item.action);
        match self.try_one(item).await {
            Ok((Some(status), tried)) => {
                swept.moved(status);
                tried
            }
            Ok((None, tried)) => tried,
            Err(error) => {
                tracing::error!(%error, %event, %action, "left for the next sweep");
                swept.failed += 1;
                None
            }
        }
    }

    async fn try_one(&self, item: ActionItem) -> Result<(Option<ActionStatus>, Option<Tried>), StoreError> {
        let now = self.now();
        let Some(event) = self.listing.events().get(item.event_id, Consistency::Strong).await? else {
            // The event has gone with its time to live, long after anything could still help.
            let dead = ended(&item, ActionStatus::Dead, now);
            return Ok((self.advance(&item, &dead).await?.then_some(dead.status), None));
        };
        let rules = &self.dispatcher.policy().actions;
        let claimed = ActionItem {
            attempt: item.attempt.saturating_add(1),
            due_at: Some(now.plus_seconds(rules.lease_seconds)),
            last_failed_at: None,
            ..item.clone()
        };
        if !self.dispatcher.life().claim(&item, &claimed).await? {
            return Ok((None, None));
        }
        let clock = self.clock.as_ref();
        let is_due = item.due_at.is_some_and(|due_at| due_at <= now);
        let (stands, tried) = if is_due {
            self.dispatcher.hand_over(&event, claimed, clock).await
        } else {
            self.dispatcher.hand_over_early(&event, claimed, &item, clock).await
        };
        Ok(((stands.status != ActionStatus::Pending).then_some(stands.status), Some(tried)))
    }
}

fn ended(item: &ActionItem, status: ActionStatus, now: Timestamp) -> ActionItem {
    ActionItem { status, settled_at: Some(now), due_at: None, ..item.clone() }
}
