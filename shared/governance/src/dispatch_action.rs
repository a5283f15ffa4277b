//! Dispatching actions to their workers. The caller holds the lease of the action: it has created or claimed it.

use std::sync::Arc;

use age_model::{ActionItem, ActionStatus, Clock, Event, Timestamp};
use age_notify::{Message, PublishError, Topic, action_message};
use age_policy::ActivePolicy;
use futures_util::future::join_all;

use crate::action_lifecycle::ActionLifecycle;
use crate::policy_cache::PolicyCache;

/// Dispatches actions. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct ActionDispatcher {
    topic: Topic,
    lifecycle: ActionLifecycle,
    policies: PolicyCache,
}

/// The outcome of an attempt to dispatch an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DispatchOutcome {
    /// The topic has the message.
    Dispatched,
    /// The topic does not accept this message.
    Rejected,
    /// The topic accepts no message at the moment.
    Unavailable,
}

/// An action whose lease the caller holds, to be dispatched.
#[derive(Debug)]
pub(crate) struct ClaimedAction {
    pub(crate) event: Event,
    pub(crate) item: ActionItem,
    /// The action before it was claimed, if its next attempt is not due yet: it is this again if the attempt fails.
    pub(crate) waiting: Option<ActionItem>,
}

/// An attempt to dispatch an action, before it is recorded.
#[derive(Debug)]
pub(crate) struct DispatchAttempt {
    old: ActionItem,
    /// The action as it will be recorded.
    pub(crate) new: ActionItem,
    outcome: DispatchOutcome,
}

impl ActionDispatcher {
    /// Publishes to `topic`, to which the engines' workers subscribe.
    #[must_use]
    pub fn new(topic: Topic, lifecycle: &ActionLifecycle, policies: &PolicyCache) -> Self {
        Self { topic, lifecycle: lifecycle.clone(), policies: policies.clone() }
    }

    /// The lifecycle of actions.
    #[must_use]
    pub const fn lifecycle(&self) -> &ActionLifecycle {
        &self.lifecycle
    }

    /// The active policy.
    #[must_use]
    pub const fn policies(&self) -> &PolicyCache {
        &self.policies
    }

    pub(crate) fn active_policy(&self) -> Arc<ActivePolicy> {
        self.policies.current()
    }

    /// Dispatches `item` and records the outcome. Returns the action as it is then.
    ///
    /// If the outcome cannot be recorded, the action stays as it was, and is due when its lease ends.
    pub async fn dispatch(&self, event: &Event, item: ActionItem, clock: &dyn Clock) -> (ActionItem, DispatchOutcome) {
        let attempt = self.begin_dispatch(event, item, clock).await;
        self.record(attempt, clock).await
    }

    /// Publishes the message of `item`. Its dispatch is not recorded yet.
    pub(crate) async fn begin_dispatch(&self, event: &Event, item: ActionItem, clock: &dyn Clock) -> DispatchAttempt {
        let deadline = self.active_policy().policy.actions.answer_by(clock.now());
        let outcome = match request(event, &item, deadline) {
            Some(message) => outcome(&item, self.topic.publish(&message).await),
            None => DispatchOutcome::Rejected,
        };
        self.attempted(item, None, outcome, deadline, clock.now())
    }

    /// Dispatches `claimed` in their order, several at once, and records the outcomes. Returns each action as it is then.
    pub(crate) async fn dispatch_all(
        &self,
        claimed: Vec<ClaimedAction>,
        clock: &dyn Clock,
    ) -> Vec<(ActionItem, DispatchOutcome)> {
        let deadline = self.active_policy().policy.actions.answer_by(clock.now());
        let requests: Vec<_> = claimed.iter().map(|it| request(&it.event, &it.item, deadline)).collect();
        let messages: Vec<Message> = requests.iter().flatten().cloned().collect();
        let mut published = self.topic.publish_all(&messages).await.into_iter();
        let now = clock.now();
        let attempts = claimed.into_iter().zip(requests).map(|(ClaimedAction { item, waiting, .. }, request)| {
            let published = request.and_then(|_| published.next());
            let outcome = published.map_or(DispatchOutcome::Rejected, |published| outcome(&item, published));
            self.attempted(item, waiting, outcome, deadline, now)
        });
        let attempts: Vec<DispatchAttempt> = attempts.collect();
        join_all(attempts.into_iter().map(|attempt| self.record(attempt, clock))).await
    }

    /// Returns `item` as it is after an attempt with `outcome`; after a failed one, `waiting` if there is one.
    fn attempted(
        &self,
        item: ActionItem,
        waiting: Option<ActionItem>,
        outcome: DispatchOutcome,
        deadline: Timestamp,
        now: Timestamp,
    ) -> DispatchAttempt {
        let active = self.active_policy();
        let new = match (outcome, waiting) {
            (DispatchOutcome::Dispatched, _) => age_policy::dispatched(&item, deadline, now),
            (_, Some(waiting)) => waiting,
            (_, None) => after_failure(&active, &item, now),
        };
        DispatchAttempt { old: item, new, outcome }
    }

    /// Records the outcome of an attempt. Returns the action as it is then.
    pub(crate) async fn record(&self, attempt: DispatchAttempt, clock: &dyn Clock) -> (ActionItem, DispatchOutcome) {
        let DispatchAttempt { old: item, new, outcome } = attempt;
        match self.lifecycle.advance(&item, &new, &self.active_policy(), clock).await {
            Ok(true) => (new, outcome),
            // The worker reported its outcome before the dispatch was recorded.
            Ok(false) => (item, outcome),
            Err(error) => {
                let ActionItem { event_id, action, .. } = &item;
                tracing::warn!(%error, event.id = %event_id, action.id = %action, "cannot record the dispatch of {action} for event {event_id}: {error}");
                (item, outcome)
            }
        }
    }
}

/// Returns `item` after a failed attempt at `now`: due again later, or undeliverable after the last one.
fn after_failure(active: &ActivePolicy, item: &ActionItem, now: Timestamp) -> ActionItem {
    let last_failed_at = Some(now);
    let failures = usize::try_from(item.attempt).unwrap_or(usize::MAX);
    match active.policy.actions.retry_after_seconds.get(failures.saturating_sub(1)) {
        Some(wait) => ActionItem { last_failed_at, due_at: Some(now.plus_seconds(*wait)), ..item.clone() },
        None => ActionItem {
            status: ActionStatus::Undeliverable,
            last_failed_at,
            completed_at: Some(now),
            due_at: None,
            ..item.clone()
        },
    }
}

/// Returns the message that asks for `item` until `deadline`; None, which is logged, if it cannot be serialized.
fn request(event: &Event, item: &ActionItem, deadline: Timestamp) -> Option<Message> {
    let ActionItem { event_id, action, .. } = item;
    let message = action_message(event, item, Some(deadline));
    let message = message.inspect_err(|error| {
        tracing::error!(%error, event.id = %event_id, action.id = %action, "failed to serialize {action} for event {event_id}: {error}");
    });
    message.ok()
}

fn outcome(item: &ActionItem, published: Result<(), PublishError>) -> DispatchOutcome {
    let ActionItem { event_id, action, attempt, .. } = item;
    let Err(error) = published else { return DispatchOutcome::Dispatched };
    tracing::warn!(%error, event.id = %event_id, action.id = %action, attempt, "cannot dispatch {action} for event {event_id}: {error}");
    let PublishError { is_message_rejected, .. } = error;
    if is_message_rejected { DispatchOutcome::Rejected } else { DispatchOutcome::Unavailable }
}
