//! Handing actions over: the one place where the store and SNS meet.
//!
//! Whoever calls has the action leased: by having made it, or by having claimed it.

use model::{Action, ActionItem, ActionStatus, Clock, Event};
use notify::{Topic, action_message, escalation_message};
use scoring::Policy;
use store::Life;

/// Where actions go, and where their lives are kept. Make one per execution environment.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    /// The engines' workers listen here.
    pub actions: Topic,
    /// People listen here.
    pub escalations: Topic,
    /// The lives of actions.
    pub life: Life,
    /// What decides how often and how long.
    pub policy: Policy,
    /// The address of the API, for links, if it is known.
    pub api: Option<String>,
}

impl Dispatcher {
    /// Hands `item` over and records what came of it; answers how it stands then. `others` are the event's other actions,
    /// for a message to people; `api` is the address of the API if the configuration has none.
    ///
    /// What cannot be recorded stays as it was: still owed, and due when its lease ends.
    pub async fn hand_over(
        &self,
        event: &Event,
        item: ActionItem,
        others: &[ActionItem],
        api: Option<&str>,
        clock: &dyn Clock,
    ) -> ActionItem {
        let rules = &self.policy.actions;
        let deadline = item.action.is_remedy().then(|| clock.now().plus_seconds(rules.answer_within_seconds));
        let told = match item.action {
            Action::NotifyAdmin => {
                let api = self.api.as_deref().or(api);
                published(&item, self.escalations.publish(&escalation_message(&self.policy, event, others, api)).await)
            }
            _ => match action_message(event, &item, deadline) {
                Ok(message) => published(&item, self.actions.publish(&message).await),
                Err(error) => published(&item, Err(error)),
            },
        };
        let now = clock.now();
        let new = if told {
            ActionItem { status: ActionStatus::Dispatched, dispatched_at: Some(now), due_at: deadline, ..item.clone() }
        } else {
            let failed = usize::try_from(item.attempt).unwrap_or(usize::MAX);
            match rules.retry_after_seconds.get(failed.saturating_sub(1)) {
                Some(seconds) => ActionItem { due_at: Some(now.plus_seconds(*seconds)), ..item.clone() },
                None => ActionItem { status: ActionStatus::Dead, settled_at: Some(now), due_at: None, ..item.clone() },
            }
        };
        match self.life.advance(&item, &new, clock).await {
            Ok(true) => new,
            // A worker was quicker than our record of having told it.
            Ok(false) => item,
            Err(error) => {
                tracing::warn!(%error, event = %item.event_id, action = %item.action, "what came of a hand-over is not on record");
                item
            }
        }
    }
}

fn published<E: std::fmt::Display>(item: &ActionItem, result: Result<(), E>) -> bool {
    let ActionItem { event_id, action, attempt, .. } = item;
    result.inspect_err(|error| tracing::warn!(%error, event = %event_id, %action, attempt, "not handed over")).is_ok()
}
