//! Dispatching actions to their workers. The caller holds the lease of the action: it has created or claimed it.

use std::sync::Arc;

use age_model::{ActionItem, ActionStatus, Clock, Event, Timestamp};
use age_notify::{PublishError, Topic, action_message};
use age_policy::ActivePolicy;

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
        let active = self.active_policy();
        let rules = &active.policy.actions;
        let failed = |item: &ActionItem, now: Timestamp| {
            let last_failed_at = Some(now);
            let failures = usize::try_from(item.attempt).unwrap_or(usize::MAX);
            match rules.retry_after_seconds.get(failures.saturating_sub(1)) {
                Some(wait) => ActionItem { last_failed_at, due_at: Some(now.plus_seconds(*wait)), ..item.clone() },
                None => ActionItem {
                    status: ActionStatus::Undeliverable,
                    last_failed_at,
                    completed_at: Some(now),
                    due_at: None,
                    ..item.clone()
                },
            }
        };
        self.attempt(event, item, clock, failed).await
    }

    /// Dispatches `item` before its next attempt is due. If that fails, the action becomes `waiting` again.
    pub async fn dispatch_early(
        &self,
        event: &Event,
        item: ActionItem,
        waiting: &ActionItem,
        clock: &dyn Clock,
    ) -> (ActionItem, DispatchOutcome) {
        let attempt = self.attempt(event, item, clock, |_, _| waiting.clone()).await;
        self.record(attempt, clock).await
    }

    async fn attempt(
        &self,
        event: &Event,
        item: ActionItem,
        clock: &dyn Clock,
        failed: impl Fn(&ActionItem, Timestamp) -> ActionItem,
    ) -> DispatchAttempt {
        let active = self.active_policy();
        let deadline = active.policy.actions.answer_by(clock.now());
        let outcome = self.publish(event, &item, deadline).await;
        let now = clock.now();
        let new = if outcome == DispatchOutcome::Dispatched {
            age_policy::dispatched(&item, deadline, now)
        } else {
            failed(&item, now)
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

    async fn publish(&self, event: &Event, item: &ActionItem, deadline: Timestamp) -> DispatchOutcome {
        let ActionItem { event_id, action, attempt, .. } = item;
        let message = match action_message(event, item, Some(deadline)) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, event.id = %event_id, action.id = %action, "failed to serialize {action} for event {event_id}: {error}");
                return DispatchOutcome::Rejected;
            }
        };
        let Err(error) = self.topic.publish(&message).await else { return DispatchOutcome::Dispatched };
        tracing::warn!(%error, event.id = %event_id, action.id = %action, attempt, "cannot dispatch {action} for event {event_id}: {error}");
        let PublishError { is_message_rejected, .. } = error;
        if is_message_rejected { DispatchOutcome::Rejected } else { DispatchOutcome::Unavailable }
    }
}
