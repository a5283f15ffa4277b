//! Handing actions over. Whoever calls has the action leased: by having made it, or by having claimed it.

use age_model::{ActionItem, ActionStatus, Clock, Event, FailedRemediation, IncidentState};
use age_notify::{PublishError, Topic, action_message};
use age_scoring::Policy;
use age_store::Life;

/// Where actions go, and where their lives are kept. Make one per execution environment.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    topic: Topic,
    life: Life,
    policy: Policy,
}

/// What came of a try at handing an action over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// The topic has it.
    HandedOver,
    /// The topic does not take this one.
    Refused,
    /// The topic takes none at the moment.
    Unavailable,
}

impl Dispatcher {
    /// The engines' workers listen to `topic`.
    #[must_use]
    pub fn new(topic: Topic, life: &Life, policy: &Policy) -> Self {
        Self { topic, life: life.clone(), policy: policy.clone() }
    }

    /// The lives of actions.
    #[must_use]
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// What decides how often and how long.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Hands `item` over and records what came of it; answers how it stands then.
    ///
    /// What cannot be recorded stays as it was: still owed, and due when its lease ends.
    pub async fn hand_over(&self, event: &Event, item: ActionItem, clock: &dyn Clock) -> (ActionItem, Tried) {
        let rules = &self.policy.actions;
        self.try_now(event, item, clock, |item, now| {
            let last_failed_at = Some(now);
            let failed = usize::try_from(item.attempt).unwrap_or(usize::MAX);
            match rules.retry_after_seconds.get(failed.saturating_sub(1)) {
                Some(wait) => ActionItem { last_failed_at, due_at: Some(now.plus_seconds(*wait)), ..item.clone() },
                None => ActionItem {
                    status: ActionStatus::Undeliverable,
                    last_failed_at,
                    completed_at: Some(now),
                    due_at: None,
                    ..item.clone()
                },
            }
        })
        .await
    }

    /// Hands `item` over before its next try is due. If that fails, it waits on, as `waiting` has it.
    pub async fn hand_over_early(
        &self,
        event: &Event,
        item: ActionItem,
        waiting: &ActionItem,
        clock: &dyn Clock,
    ) -> (ActionItem, Tried) {
        self.try_now(event, item, clock, |_, _| waiting.clone()).await
    }

    async fn try_now(
        &self,
        event: &Event,
        item: ActionItem,
        clock: &dyn Clock,
        failed: impl Fn(&ActionItem, age_model::Timestamp) -> ActionItem,
    ) -> (ActionItem, Tried) {
        let deadline = clock.now().plus_seconds(self.policy.actions.answer_within_seconds);
        let tried = self.publish(event, &item, deadline).await;
        let now = clock.now();
        let new = if tried == Tried::HandedOver {
            ActionItem {
                status: ActionStatus::Dispatched,
                dispatched_at: Some(now),
                last_failed_at: None,
                due_at: Some(deadline),
                ..item.clone()
            }
        } else {
            failed(&item, now)
        };
        match self
            .life
            .advance(
                &item,
                &new,
                &|state, failed_remediation| self.record_failed_remediation(state, failed_remediation, &item),
                clock,
            )
            .await
        {
            Ok(true) => (new, tried),
            // A worker was quicker than our record of having told it.
            Ok(false) => (item, tried),
            Err(error) => {
                tracing::warn!(%error, event = %item.event_id, action = %item.action, "what came of a hand-over is not on record");
                (item, tried)
            }
        }
    }

    /// Takes the bad end of `item` into the watch of its kind.
    pub fn record_failed_remediation(
        &self,
        state: &mut IncidentState,
        failed_remediation: FailedRemediation,
        item: &ActionItem,
    ) {
        self.policy.incidents.record_failed_remediation(state, failed_remediation, item.severity);
    }

    async fn publish(&self, event: &Event, item: &ActionItem, deadline: age_model::Timestamp) -> Tried {
        let ActionItem { event_id, action, attempt, .. } = item;
        let message = match action_message(event, item, Some(deadline)) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, event = %event_id, %action, "cannot be put into words");
                return Tried::Refused;
            }
        };
        let Err(error) = self.topic.publish(&message).await else { return Tried::HandedOver };
        tracing::warn!(%error, event = %event_id, %action, attempt, "not handed over");
        let PublishError { is_about_the_message, .. } = error;
        if is_about_the_message { Tried::Refused } else { Tried::Unavailable }
    }
}
