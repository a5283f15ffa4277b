//! Actions that are due: those without an outcome or approval end, and pending ones are dispatched, the oldest of each engine first.

use age_model::{ActionItem, ActionStatus, ApprovalNotificationKind, StoreError, Timestamp, take_turns};
use age_policy::ActionStep;
use age_store::{Consistency, OpenAction};
use futures_util::stream::{self, StreamExt};

use super::{CONCURRENT_STEPS, Sweep, SweepReport};
use crate::dispatch_action::DispatchOutcome;
use crate::due_notification::DueNotification;

/// The step that was due for an action.
enum Step {
    /// The action went to this status.
    Transition(ActionStatus),
    /// The action is to be dispatched.
    Dispatch(OpenAction),
    /// People are to be notified of its approval.
    Notify(DueNotification),
    /// Nobody has approved or denied the action in time, of which people are to be notified.
    Expired(DueNotification),
    /// Nothing is due any more, or it is left for the next run.
    None,
}

impl Sweep {
    /// Does what is due for actions; begins nothing after `end`. Returns the notifications that are due for approvals.
    pub(super) async fn process_due_actions(
        &self,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<Vec<DueNotification>, StoreError> {
        let began = self.now();
        let open = self.dispatcher.lifecycle().actions().open().await?;
        report.count_open(&open, began);
        let mut waiting: Vec<OpenAction> = open.iter().filter_map(|row| row.as_ref().ok()).copied().collect();
        waiting.retain(|row| row.awaits_retry && row.due_at > began);

        let is_due = |row: &Result<OpenAction, StoreError>| row.as_ref().map_or(true, |row| row.due_at <= began);
        let due = take_turns(open.into_iter().filter(is_due).collect(), |row| row.as_ref().ok().map(|row| row.engine));
        // The rest of the time is for dispatching, however many actions end.
        let middle = began.plus_millis((end.millis() - began.millis()) / 2);
        let steps: Vec<_> = due.into_iter().map(|row| self.process_row(row, middle)).collect();
        let (mut due, mut approvals) = (Vec::new(), Vec::new());
        for step in stream::iter(steps).buffer_unordered(CONCURRENT_STEPS).collect::<Vec<_>>().await {
            match step {
                Ok(Step::Dispatch(row)) => due.push(row),
                Ok(Step::Transition(status)) => report.count_transition(status),
                Ok(Step::Notify(approval)) => approvals.push(approval),
                Ok(Step::Expired(approval)) => {
                    report.count_transition(ActionStatus::Expired);
                    approvals.push(approval);
                }
                Ok(Step::None) => {}
                Err(_) => report.failed += 1,
            }
        }
        if !due.is_empty() {
            Box::pin(self.dispatch_in_order(due, waiting, end, report)).await;
        }
        Ok(approvals)
    }

    async fn process_row(&self, row: Result<OpenAction, StoreError>, end: Timestamp) -> Result<Step, StoreError> {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(%error, "cannot read a due action: {error}");
                self.report_unreadable(&error).await;
                return Err(error);
            }
        };
        if self.now() > end {
            return Ok(Step::None);
        }
        let step = self.process(&row).await;
        if let Err(error) = &step {
            log_failure(&row, error);
            self.report_unreadable(error).await;
        }
        step
    }

    /// Does what is due for one action, except dispatching it, which is done in order.
    async fn process(&self, row: &OpenAction) -> Result<Step, StoreError> {
        let now = self.now();
        let actions = self.dispatcher.lifecycle().actions();
        let Some(item) = actions.get(row.event_id, row.action).await? else { return Ok(Step::None) };
        // A later version knows what is due.
        if !is_understood(&item) {
            return Ok(Step::None);
        }
        match item.due_at {
            None => return Ok(Step::None),
            // Its due time was moved without moving its row in the index, which saves a write.
            Some(due_at) if due_at > now => {
                actions.reindex(&item).await?;
                return Ok(Step::None);
            }
            Some(_) => {}
        }
        let lifecycle = self.dispatcher.lifecycle();
        let heard_at = if item.status == ActionStatus::Succeeded {
            lifecycle.incidents().states().get(&item.incident_key()).await?.counters.last_heard_at
        } else {
            None
        };
        match self.dispatcher.active_policy().policy.next_action_step(&item, heard_at, now) {
            ActionStep::Dispatch => Ok(Step::Dispatch(*row)),
            ActionStep::Notify(kind) => Ok(Step::Notify(DueNotification::about_action(&item, kind))),
            ActionStep::Expire(expired) => {
                let due = DueNotification::about_action(&expired, ApprovalNotificationKind::Expiry);
                Ok(if self.advance(&item, &expired).await? { Step::Expired(due) } else { Step::None })
            }
            ActionStep::Advance(new) => {
                Ok(if self.advance(&item, &new).await? { Step::Transition(new.status) } else { Step::None })
            }
            ActionStep::Postpone(new) => {
                lifecycle.actions().replace(&item, &new, now).await?;
                Ok(Step::None)
            }
        }
    }

    async fn advance(&self, old: &ActionItem, new: &ActionItem) -> Result<bool, StoreError> {
        let active = self.dispatcher.active_policy();
        self.dispatcher.lifecycle().advance(old, new, &active, self.clock.as_ref()).await
    }

    /// Dispatches the `due` actions and those `waiting` for another attempt, those of each engine in the order in which they were
    /// planned, so that a worker that was away receives what it missed in order. Engines take turns. Once the topic is unavailable,
    /// only `due` ones are attempted.
    async fn dispatch_in_order(
        &self,
        due: Vec<OpenAction>,
        waiting: Vec<OpenAction>,
        end: Timestamp,
        report: &mut SweepReport,
    ) {
        let began = self.now();
        let mut rows: Vec<OpenAction> = due.into_iter().chain(waiting).collect();
        rows.sort_by_key(|row| (row.created_at, row.event_id, row.action));
        let mut rows = take_turns(rows, |row| row.engine).into_iter();
        for row in rows.by_ref().take_while(|_| self.now() <= end) {
            if self.dispatch_row(&row, report).await == Some(DispatchOutcome::Unavailable) {
                tracing::warn!("the topic is unavailable: dispatching only actions that are due");
                break;
            }
        }
        for row in rows.filter(|row| row.due_at <= began).take_while(|_| self.now() <= end) {
            self.dispatch_row(&row, report).await;
        }
    }

    /// Returns None if the action was not dispatched: another caller has it, or it cannot be read.
    async fn dispatch_row(&self, row: &OpenAction, report: &mut SweepReport) -> Option<DispatchOutcome> {
        match self.claim_and_dispatch(row).await {
            Ok((status, outcome)) => {
                if let Some(status) = status {
                    report.count_transition(status);
                }
                outcome
            }
            Err(error) => {
                log_failure(row, &error);
                report.failed += 1;
                None
            }
        }
    }

    /// Returns the new status if it has changed, and the outcome if the action was dispatched.
    async fn claim_and_dispatch(
        &self,
        row: &OpenAction,
    ) -> Result<(Option<ActionStatus>, Option<DispatchOutcome>), StoreError> {
        let now = self.now();
        let lifecycle = self.dispatcher.lifecycle();
        let stored = lifecycle.actions().get(row.event_id, row.action).await?;
        // Another caller may hold the lease by now, or the worker has reported its outcome.
        let is_free = |item: &ActionItem| {
            let is_due = item.due_at.is_some_and(|due_at| due_at <= now);
            is_understood(item) && item.status == ActionStatus::Pending && (is_due || item.last_failed_at.is_some())
        };
        let Some(item) = stored.filter(is_free) else { return Ok((None, None)) };
        let Some(event) = self.events.get(item.event_id, Consistency::Strong).await? else {
            // The event has expired, long after its action could have helped.
            let dead = completed(&item, ActionStatus::Undeliverable, now);
            return Ok((self.advance(&item, &dead).await?.then_some(dead.status), None));
        };
        let active = self.dispatcher.active_policy();
        let rules = &active.policy.actions;
        let claimed = ActionItem {
            attempt: item.attempt.saturating_add(1),
            due_at: Some(now.plus_seconds(rules.lease_seconds)),
            last_failed_at: None,
            ..item.clone()
        };
        if !lifecycle.actions().replace(&item, &claimed, now).await? {
            return Ok((None, None));
        }
        let clock = self.clock.as_ref();
        let is_due = item.due_at.is_some_and(|due_at| due_at <= now);
        let (current, outcome) = if is_due {
            self.dispatcher.dispatch(&event, claimed, clock).await
        } else {
            self.dispatcher.dispatch_early(&event, claimed, &item, clock).await
        };
        Ok(((current.status != ActionStatus::Pending).then_some(current.status), Some(outcome)))
    }
}

/// Whether this version knows the action and its status. Nothing is done with an action that it does not understand.
const fn is_understood(item: &ActionItem) -> bool {
    item.action.is_known() && item.status.is_known()
}

fn completed(item: &ActionItem, status: ActionStatus, now: Timestamp) -> ActionItem {
    ActionItem { status, completed_at: Some(now), due_at: None, ..item.clone() }
}

fn log_failure(OpenAction { event_id, action, .. }: &OpenAction, error: &StoreError) {
    tracing::error!(%error, event.id = %event_id, action.id = %action, "{action} for event {event_id} is left to the next sweep: {error}");
}
