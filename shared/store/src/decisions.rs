//! Approving and denying an action that waits, as a person does.

use age_model::{ActionItem, ActionStatus, ApprovalDecision, Clock, KeyId};
use thiserror::Error;

use crate::{Life, StoreError};

/// Why an action was not decided on.
#[derive(Debug, Error)]
pub enum NotDecided {
    /// Somebody was first.
    #[error("this was decided already, by {by}: the action is {status}")]
    Already {
        /// Who.
        by: KeyId,
        /// Where it is now.
        status: ActionStatus,
    },
    /// It does not wait for anybody.
    #[error("only an action that is pending_approval can be decided on; this one is {0}")]
    NotWaiting(ActionStatus),
    /// It has waited for long enough.
    #[error("the time to approve this is over")]
    TooLate,
    /// What was looked at is not what would be done.
    #[error("the digest is not that of what would be done now; look again before you decide")]
    AnotherDigest,
    /// It was not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Life {
    /// Decides on `item`, as whoever is called `by` has it, who has looked at what has this `digest`.
    ///
    /// # Errors
    /// [`NotDecided`].
    pub async fn decide(
        &self,
        item: ActionItem,
        decision: ApprovalDecision,
        digest: &str,
        by: &KeyId,
        clock: &dyn Clock,
    ) -> Result<ActionItem, NotDecided> {
        let (event, action, now) = (item.event_id, item.action, clock.now());
        if item.status != ActionStatus::PendingApproval {
            return Err(not_waiting(item));
        }
        if item.due_at.is_some_and(|until| until <= now) {
            return Err(NotDecided::TooLate);
        }
        if item.digest != digest {
            return Err(NotDecided::AnotherDigest);
        }
        let to = match decision {
            ApprovalDecision::Approve => ActionStatus::Pending,
            ApprovalDecision::Deny => ActionStatus::Denied,
        };
        let decided = self.settle(item, to, &|_, _| {}, clock, |item| ActionItem {
            status: to,
            // Due at once: the next sweep hands it over.
            due_at: (to == ActionStatus::Pending).then_some(now),
            decided_by: Some(by.clone()),
            decided_at: Some(now),
            ..item.clone()
        });
        match decided.await {
            // Somebody else decided in the same moment.
            Err(StoreError::Illegal(illegal)) => {
                let stored = self.actions().get(event, action).await?;
                Err(stored.map_or(NotDecided::NotWaiting(illegal.from), not_waiting))
            }
            decided => Ok(decided?),
        }
    }
}

fn not_waiting(ActionItem { status, decided_by, .. }: ActionItem) -> NotDecided {
    match decided_by {
        Some(by) => NotDecided::Already { by, status },
        None => NotDecided::NotWaiting(status),
    }
}
