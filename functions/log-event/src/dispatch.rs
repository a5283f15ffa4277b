//! The first try at handing over what is owed. The event is stored by now: nothing here can take that back.

use model::{Action, ActionRecord, ActionStatus, Clock, Event};
use notify::{Message, Topic, action_message, escalation_message};
use platform::Origin;
use scoring::Policy;
use store::Intake;

/// Where actions go.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    /// The engines' workers listen here.
    pub actions: Topic,
    /// People listen here.
    pub escalations: Topic,
    /// The address of the API for links, where it is not the gateway's own.
    pub api: Option<String>,
}

impl Dispatcher {
    /// Hands over the pending ones of `owed` and answers how far each has come. What fails stays pending.
    pub(crate) async fn first_try(
        &self,
        policy: &Policy,
        intake: &Intake,
        event: &Event,
        mut owed: Vec<ActionRecord>,
        Origin(origin): Origin,
        clock: &dyn Clock,
    ) -> Vec<ActionRecord> {
        let api = self.api.as_deref().or(origin.as_deref());
        // People come last, so that they are told what has become of the rest.
        owed.sort_by_key(|record| (record.action == Action::NotifyAdmin, record.action));
        let mut done: Vec<ActionRecord> = Vec::with_capacity(owed.len());
        for mut record in owed {
            if record.status == ActionStatus::Pending {
                let told = match record.action {
                    Action::NotifyAdmin => self.escalate(&escalation_message(policy, event, &done, api)).await,
                    action => self.order(event, action).await,
                };
                if told && mark_dispatched(intake, event, record.action, clock).await {
                    record.status = ActionStatus::Dispatched;
                }
            }
            done.push(record);
        }
        done
    }

    async fn escalate(&self, message: &Message) -> bool {
        succeeded(&self.escalations.publish(message).await)
    }

    async fn order(&self, event: &Event, action: Action) -> bool {
        match action_message(event, action, Policy::HASH) {
            Ok(message) => succeeded(&self.actions.publish(&message).await),
            Err(error) => succeeded(&Err(error)),
        }
    }
}

/// An action is dispatched when the table says so, not when SNS has it: what is not recorded stays owed.
async fn mark_dispatched(intake: &Intake, event: &Event, action: Action, clock: &dyn Clock) -> bool {
    match intake.actions().mark_dispatched(&event.id.to_string(), action, clock.now()).await {
        Ok(moved) => moved,
        Err(error) => succeeded(&Err(error)),
    }
}

fn succeeded<E: std::fmt::Display>(result: &Result<(), E>) -> bool {
    if let Err(error) = result {
        tracing::warn!(%error, "the action stays pending");
    }
    result.is_ok()
}
