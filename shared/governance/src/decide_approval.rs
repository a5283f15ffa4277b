//! Approving or denying an action that is pending approval.

use age_model::{ActionItem, ActionStatus, ApprovalDecision, Clock, CommandError, KeyId, StoreError};
use age_policy::ActivePolicy;
use thiserror::Error;

use crate::action_lifecycle::ActionLifecycle;

/// Why an action was neither approved nor denied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApprovalConflict {
    /// Another caller was faster.
    #[error("already decided by {by}: the action is {status}")]
    AlreadyDecided {
        /// The caller who decided.
        by: KeyId,
        /// The action's status.
        status: ActionStatus,
    },
    /// The action is not pending approval.
    #[error("only an action with status pending_approval can be approved or denied; this one is {0}")]
    NotPending(ActionStatus),
    /// The deadline has passed.
    #[error("the deadline for the approval has passed")]
    Expired,
    /// The digest is not that of the action.
    #[error("the digest does not match what would be done; read the action again before you decide")]
    DigestMismatch,
}

/// Approves or denies `item` on behalf of `by`. `digest` names what the caller has seen: it must be that of the action.
///
/// # Errors
/// [`CommandError`] with the [`ApprovalConflict`].
pub async fn decide_approval(
    lifecycle: &ActionLifecycle,
    item: ActionItem,
    decision: ApprovalDecision,
    digest: &str,
    by: &KeyId,
    active: &ActivePolicy,
    clock: &dyn Clock,
) -> Result<ActionItem, CommandError<ApprovalConflict>> {
    let (event, action, now) = (item.event_id, item.action, clock.now());
    if item.status != ActionStatus::PendingApproval {
        return Err(CommandError::Conflict(not_pending(item)));
    }
    if item.approve_by.is_some_and(|deadline| deadline <= now) {
        return Err(CommandError::Conflict(ApprovalConflict::Expired));
    }
    if item.digest != digest {
        return Err(CommandError::Conflict(ApprovalConflict::DigestMismatch));
    }
    let to = match decision {
        ApprovalDecision::Approve => ActionStatus::Pending,
        ApprovalDecision::Deny => ActionStatus::Denied,
    };
    let decided = lifecycle
        .transition(item, to, active, clock, |item| age_policy::decided(item, decision, Some(by.clone()), now));
    match decided.await {
        // Another caller decided at the same time.
        Err(StoreError::InvalidTransition(invalid)) => {
            let stored = lifecycle.actions().get(event, action).await?;
            Err(CommandError::Conflict(stored.map_or(ApprovalConflict::NotPending(invalid.from), not_pending)))
        }
        decided => Ok(decided?),
    }
}

fn not_pending(ActionItem { status, decided_by, .. }: ActionItem) -> ApprovalConflict {
    match decided_by {
        Some(by) => ApprovalConflict::AlreadyDecided { by, status },
        None => ApprovalConflict::NotPending(status),
    }
}
