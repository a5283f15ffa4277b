//! Dispatching pending actions: the oldest of each engine first, and the engines beside each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use age_model::{ActionItem, ActionStatus, Engine, StoreError, Timestamp};
use age_store::{Consistency, OpenAction};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};

use super::{Sweep, SweepReport};
use crate::dispatch_action::{ClaimedAction, DispatchOutcome};

/// How many actions of an engine are dispatched at once: as many as one request to SNS has.
const BATCH: usize = 10;

/// How many engines' actions are dispatched beside each other.
const CONCURRENT_ENGINES: usize = 8;

/// The actions that a run has found to dispatch.
#[derive(Debug, Default)]
pub(super) struct PendingDispatches {
    /// Those that are due.
    pub(super) due: Vec<OpenAction>,
    /// Those that await another attempt, which is not due yet.
    pub(super) waiting: Vec<OpenAction>,
}

/// The result of dispatching an action.
enum Dispatch {
    /// The action went to this status.
    Transition(ActionStatus),
    /// Its status is as it was.
    None,
    /// The action is due, and the time was up; the next run dispatches the action.
    LeftOver(OpenAction),
}

/// Whether an action may be dispatched.
enum Claim {
    /// The run holds its lease.
    Claimed(Box<ClaimedAction>),
    /// The action went to this status instead.
    Ended(ActionStatus),
    /// Another caller has it, or it has ended.
    NotPending,
}

impl Sweep {
    /// Dispatches the due actions of `pending` and those that wait for another attempt, those of each engine in the order in which they
    /// were planned, so that a worker that was away receives what it missed in order. Once the topic is unavailable, only due ones are
    /// attempted. Begins none after `end`.
    pub(super) async fn dispatch_pending(&self, pending: PendingDispatches, end: Timestamp, report: &mut SweepReport) {
        let PendingDispatches { due, waiting } = pending;
        if due.is_empty() {
            return;
        }
        let began = self.now();
        let mut queues: BTreeMap<Engine, Vec<OpenAction>> = BTreeMap::new();
        for row in due.into_iter().chain(waiting) {
            queues.entry(row.engine).or_default().push(row);
        }
        let is_unavailable = AtomicBool::default();
        let mut queues: Vec<Vec<OpenAction>> = queues.into_values().collect();
        for queue in &mut queues {
            queue.sort_by_key(|row| (row.created_at, row.event_id, row.action));
        }
        queues.sort_by_key(|queue| queue.first().map(|row| (row.created_at, row.event_id, row.action)));
        // The first action goes alone, because a run tries at most one that is not due while the topic is unavailable.
        let first = queues.first().and_then(|queue| queue.first().copied());
        let mut results = match first {
            Some(first) => self.dispatch_batch(&[first], &is_unavailable).await,
            None => Vec::new(),
        };
        let queues = queues.into_iter().map(|mut queue| {
            queue.retain(|row| Some(row) != first.as_ref());
            self.dispatch_queue(queue, (began, end), &is_unavailable)
        });
        let queues: Vec<_> = queues.collect();
        results.extend(stream::iter(queues).buffer_unordered(CONCURRENT_ENGINES).concat().await);
        for result in results {
            match result {
                Ok(Dispatch::Transition(status)) => report.count_transition(status),
                Ok(Dispatch::None) => {}
                Ok(Dispatch::LeftOver(row)) => report.leave_action(&row, self.now()),
                Err(_) => report.failed += 1,
            }
        }
    }

    /// Dispatches the actions of one engine, as [`dispatch_pending`](Self::dispatch_pending) says.
    async fn dispatch_queue(
        &self,
        queue: Vec<OpenAction>,
        (began, end): (Timestamp, Timestamp),
        is_unavailable: &AtomicBool,
    ) -> Vec<Result<Dispatch, StoreError>> {
        let mut results = Vec::new();
        let mut rows = queue.into_iter().peekable();
        while rows.peek().is_some() && self.now() <= end {
            let may_be_tried = |row: &OpenAction| row.due_at <= began || !is_unavailable.load(Ordering::SeqCst);
            let batch: Vec<OpenAction> = rows.by_ref().filter(may_be_tried).take(BATCH).collect();
            results.extend(self.dispatch_batch(&batch, is_unavailable).await);
        }
        results.extend(rows.filter(|row| row.due_at <= began).map(|row| Ok(Dispatch::LeftOver(row))));
        results
    }

    /// Dispatches `rows`. Returns the result of each.
    async fn dispatch_batch(
        &self,
        rows: &[OpenAction],
        is_unavailable: &AtomicBool,
    ) -> Vec<Result<Dispatch, StoreError>> {
        let claims = join_all(rows.iter().map(|row| self.claim(row))).await;
        let (mut results, mut claimed) = (Vec::new(), Vec::new());
        for (row, claim) in rows.iter().zip(claims) {
            match claim {
                Ok(Claim::Claimed(action)) => claimed.push(*action),
                Ok(Claim::Ended(status)) => results.push(Ok(Dispatch::Transition(status))),
                Ok(Claim::NotPending) => results.push(Ok(Dispatch::None)),
                Err(error) => {
                    log_failure(row, &error);
                    results.push(Err(error));
                }
            }
        }
        for (current, outcome) in self.dispatcher.dispatch_all(claimed, self.clock.as_ref()).await {
            if outcome == DispatchOutcome::Unavailable && !is_unavailable.swap(true, Ordering::SeqCst) {
                tracing::warn!("the topic is unavailable: dispatching only actions that are due");
            }
            results.push(Ok(match current.status {
                ActionStatus::Pending => Dispatch::None,
                status => Dispatch::Transition(status),
            }));
        }
        results
    }

    /// Takes the lease of a pending action.
    async fn claim(&self, row: &OpenAction) -> Result<Claim, StoreError> {
        let now = self.now();
        let lifecycle = self.dispatcher.lifecycle();
        let stored = lifecycle.actions().get(row.event_id, row.action).await?;
        let is_due = |item: &ActionItem| item.due_at.is_some_and(|due_at| due_at <= now);
        // Another caller may hold the lease by now, or the worker has reported its outcome.
        let is_free = |item: &ActionItem| {
            is_understood(item)
                && item.status == ActionStatus::Pending
                && (is_due(item) || item.last_failed_at.is_some())
        };
        let Some(item) = stored.filter(is_free) else { return Ok(Claim::NotPending) };
        let Some(event) = self.events.get(item.event_id, Consistency::Strong).await? else {
            // The event has expired, long after its action could have helped.
            let status = ActionStatus::Undeliverable;
            let dead = ActionItem { status, completed_at: Some(now), due_at: None, ..item.clone() };
            return Ok(if self.advance(&item, &dead).await? { Claim::Ended(status) } else { Claim::NotPending });
        };
        let active = self.dispatcher.active_policy();
        let claimed = ActionItem {
            attempt: item.attempt.saturating_add(1),
            due_at: Some(now.plus_seconds(active.policy.actions.lease_seconds)),
            last_failed_at: None,
            ..item.clone()
        };
        if !lifecycle.actions().replace(&item, &claimed, now).await? {
            return Ok(Claim::NotPending);
        }
        let waiting = (!is_due(&item)).then_some(item);
        Ok(Claim::Claimed(Box::new(ClaimedAction { event, item: claimed, waiting })))
    }
}

/// Whether this version knows the action and its status. Nothing is done with an action that it does not understand.
pub(super) const fn is_understood(item: &ActionItem) -> bool {
    item.action.is_known() && item.status.is_known()
}

pub(super) fn log_failure(OpenAction { event_id, action, .. }: &OpenAction, error: &StoreError) {
    tracing::error!(%error, event.id = %event_id, action.id = %action, "{action} for event {event_id} is left to the next sweep: {error}");
}
