//! Actions: what is due about each, and handing over what is owed, the oldest first.

use age_dispatch::Tried;
use age_model::{ActionItem, ActionStatus, Timestamp};
use age_store::{Consistency, OpenAction, StoreError};
use futures_util::stream::{self, StreamExt};

use crate::{STEPS_AT_ONCE, Sweep, Swept};

/// What was to be done about an action.
enum Step {
    /// It went to this status.
    Moved(ActionStatus),
    /// It is to be handed over.
    HandOver(OpenAction),
    /// There was nothing to do any more, or it is left for the next run.
    Nothing,
}

impl Sweep {
    /// Does what is due about actions, and begins nothing new after `end`.
    pub(crate) async fn owed(&self, end: Timestamp, swept: &mut Swept) -> Result<(), StoreError> {
        let began = self.now();
        let open_actions = self.dispatcher.life().actions().open_actions().await?;
        swept.state(&open_actions, began);
        let mut waiting: Vec<OpenAction> = open_actions.iter().filter_map(|row| row.as_ref().ok()).copied().collect();
        waiting.retain(|row| row.waits && row.due_at > began);

        let is_due = |row: &Result<OpenAction, StoreError>| row.as_ref().map_or(true, |row| row.due_at <= began);
        let looks: Vec<_> = open_actions.into_iter().filter(is_due).map(|row| self.look(row, end)).collect();
        let mut due = Vec::new();
        for step in stream::iter(looks).buffer_unordered(STEPS_AT_ONCE).collect::<Vec<_>>().await {
            match step {
                Ok(Step::HandOver(row)) => due.push(row),
                Ok(Step::Moved(status)) => swept.transitions(status),
                Ok(Step::Nothing) => {}
                Err(_) => swept.failed += 1,
            }
        }
        if !due.is_empty() {
            self.hand_over_all(due, waiting, end, swept).await;
        }
        Ok(())
    }

    async fn look(&self, row: Result<OpenAction, StoreError>, end: Timestamp) -> Result<Step, StoreError> {
        let row = row.inspect_err(|error| tracing::error!(%error, "what is due cannot be read"))?;
        if self.now() > end {
            return Ok(Step::Nothing);
        }
        let OpenAction { event_id: event, action, .. } = row;
        let step = self.step(&row).await;
        step.inspect_err(|error| tracing::error!(%error, %event, %action, "left for the next sweep"))
    }

    /// Does what is due about one action, unless it is to be handed over: that has its order.
    async fn step(&self, row: &OpenAction) -> Result<Step, StoreError> {
        let now = self.now();
        let Some(item) = self.dispatcher.life().actions().get(row.event_id, row.action).await? else {
            return Ok(Step::Nothing);
        };
        match item.due_at {
            None => return Ok(Step::Nothing),
            Some(due_at) if due_at > now => {
                self.dispatcher.life().put_off(&item).await?;
                return Ok(Step::Nothing);
            }
            Some(_) => {}
        }
        let new = match item.status {
            ActionStatus::Pending => return Ok(Step::HandOver(*row)),
            ActionStatus::PendingApproval => ended(&item, ActionStatus::Expired, now),
            ActionStatus::Dispatched => ended(&item, ActionStatus::TimedOut, now),
            // Had the trouble come again meanwhile, its event would have said that this was of no use.
            ActionStatus::Succeeded => {
                ActionItem { status: ActionStatus::Verified, verified_at: Some(now), due_at: None, ..item.clone() }
            }
            // An ended action is due for nothing.
            _ => ActionItem { due_at: None, ..item.clone() },
        };
        Ok(if self.advance(&item, &new).await? { Step::Moved(new.status) } else { Step::Nothing })
    }

    async fn advance(&self, old: &ActionItem, new: &ActionItem) -> Result<bool, StoreError> {
        let on_failed_remediation = |state: &mut _, failed_remediation| {
            self.dispatcher.record_failed_remediation(state, failed_remediation, old)
        };
        self.dispatcher.life().advance(old, new, &on_failed_remediation, self.clock.as_ref()).await
    }

    /// Hands over what is `due`, and with it what waits for its next try: an engine that was away gets what it missed in the
    /// order in which it came. Once the topic takes nothing, only what is due is tried, as its own waits say.
    async fn hand_over_all(&self, due: Vec<OpenAction>, waiting: Vec<OpenAction>, end: Timestamp, swept: &mut Swept) {
        let began = self.now();
        let mut rows: Vec<OpenAction> = due.into_iter().chain(waiting).collect();
        rows.sort_by_key(|row| (row.created_at, row.event_id, row.action));
        let mut rows = rows.into_iter();
        for row in rows.by_ref().take_while(|_| self.now() <= end) {
            if self.hand_over(&row, swept).await == Some(Tried::Unavailable) {
                tracing::warn!("the topic takes nothing");
                break;
            }
        }
        for row in rows.filter(|row| row.due_at <= began).take_while(|_| self.now() <= end) {
            self.hand_over(&row, swept).await;
        }
    }

    /// None if it was not tried: somebody else has it, or it cannot be read.
    async fn hand_over(&self, row: &OpenAction, swept: &mut Swept) -> Option<Tried> {
        let OpenAction { event_id: event, action, .. } = row;
        match self.try_one(row).await {
            Ok((Some(status), tried)) => {
                swept.transitions(status);
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

    async fn try_one(&self, row: &OpenAction) -> Result<(Option<ActionStatus>, Option<Tried>), StoreError> {
        let now = self.now();
        let stored = self.dispatcher.life().actions().get(row.event_id, row.action).await?;
        // Somebody else may have it by now, or its worker has answered.
        let is_free = |item: &ActionItem| {
            let is_due = item.due_at.is_some_and(|due_at| due_at <= now);
            item.status == ActionStatus::Pending && (is_due || item.last_failed_at.is_some())
        };
        let Some(item) = stored.filter(is_free) else { return Ok((None, None)) };
        let Some(event) = self.listing.events().get(item.event_id, Consistency::Strong).await? else {
            // The event has gone with its time to live, long after anything could still help.
            let dead = ended(&item, ActionStatus::Undeliverable, now);
            return Ok((self.advance(&item, &dead).await?.then_some(dead.status), None));
        };
        let rules = &self.dispatcher.policy().actions;
        let claimed = ActionItem {
            attempt: item.attempt.saturating_add(1),
            due_at: Some(now.plus_seconds(rules.lease_seconds)),
            last_failed_at: None,
            ..item.clone()
        };
        if !self.dispatcher.life().claim(&item, &claimed, now).await? {
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
    ActionItem { status, completed_at: Some(now), due_at: None, ..item.clone() }
}
