//! Approving or denying an operation that a decision leaves to a responder.

use age_model::{
    ApprovalDecision, Clock, CommandError, Decision, DecisionApprovalConflict, DecisionApprovalStatus, DecisionId,
    KeyId,
};
use age_store::{Consistency, Decisions};

/// Approves or denies the operation of `decision` on behalf of `by`. `digest` names what the caller has seen: it must be that of the
/// approval.
///
/// # Errors
/// [`CommandError`] with the [`DecisionApprovalConflict`].
pub async fn decide_decision_approval(
    decisions: &Decisions,
    decision: Decision,
    approve: ApprovalDecision,
    digest: &str,
    by: &KeyId,
    clock: &dyn Clock,
) -> Result<Decision, CommandError<DecisionApprovalConflict>> {
    let approval = decision.approve(approve, digest, by, clock.now()).map_err(CommandError::Conflict)?;
    if decisions.decide_approval(decision.id, &approval).await? {
        return Ok(Decision { approval: Some(approval), ..decision });
    }
    Err(CommandError::Conflict(DecisionApprovalConflict::NotPending(status(decisions, decision.id).await?)))
}

/// Returns the status that another caller has given the approval.
async fn status(decisions: &Decisions, id: DecisionId) -> Result<DecisionApprovalStatus, age_model::StoreError> {
    let stored = decisions.get(id, Consistency::Strong).await?;
    let approval = stored.and_then(|decision| decision.approval);
    Ok(approval.map_or(DecisionApprovalStatus::Expired, |approval| approval.status))
}
