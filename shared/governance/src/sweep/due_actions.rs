//! Actions that are due: those without an outcome or approval end. Pending ones are dispatched later in the run.

use age_model::{ActionItem, ActionStatus, ApprovalNotificationKind, StoreError, Timestamp, take_turns};
use age_policy::ActionStep;
use age_store::OpenAction;
use futures_util::stream::{self, StreamExt};

use super::dispatches::{PendingDispatches, is_understood, log_failure};
use super::{CONCURRENT_STEPS, Sweep, SweepReport, seconds_since};
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
    /// Nothing is due any more.
    None,
    /// The time was up; the next run does it.
    LeftOver(OpenAction),
}

impl Sweep {
    /// Does what is due for actions, except dispatching them; begins nothing after `end`. Returns the notifications that are due for
    /// approvals, and the actions to be dispatched.
    pub(super) async fn process_due_actions(
        &self,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(Vec<DueNotification>, PendingDispatches), StoreError> {
        let began = self.now();
        let open = self.dispatcher.lifecycle().actions().open().await?;
        report.count_open(&open, began);
        let mut waiting: Vec<OpenAction> = open.iter().filter_map(|row| row.as_ref().ok()).copied().collect();
        waiting.retain(|row| row.awaits_retry && row.due_at > began);

        let is_due = |row: &Result<OpenAction, StoreError>| row.as_ref().map_or(true, |row| row.due_at <= began);
        let due = take_turns(open.into_iter().filter(is_due).collect(), |row| row.as_ref().ok().map(|row| row.engine));
        let steps: Vec<_> = due.into_iter().map(|row| self.process_row(row, end)).collect();
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
                Ok(Step::LeftOver(row)) => report.leave_action(&row, self.now()),
                Err(_) => report.failed += 1,
            }
        }
        Ok((approvals, PendingDispatches { due, waiting }))
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
            return Ok(Step::LeftOver(row));
        }
        let step = self.process(&row).await;
        if let Err(error) = &step {
            log_failure(&row, error);
            self.report_unreadable(error).await;
        }
        step
    }

    /// Does what is due for one action, except dispatching it.
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

    pub(super) async fn advance(&self, old: &ActionItem, new: &ActionItem) -> Result<bool, StoreError> {
        let active = self.dispatcher.active_policy();
        self.dispatcher.lifecycle().advance(old, new, &active, self.clock.as_ref()).await
    }
}

impl SweepReport {
    /// Notes that the run has no time for an action that is due.
    pub(super) fn leave_action(&mut self, row: &OpenAction, now: Timestamp) {
        self.actions_behind_seconds = self.actions_behind_seconds.max(seconds_since(Some(row.due_at), now));
    }
}
