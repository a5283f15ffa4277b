//! Approvals of actions and of operations: one way to lease them, to record their notifications, and to set them aside.

use age_model::{ActionItem, NotificationFailure, StoreError, Timestamp};
use age_policy::ApprovalStep;

use super::Notifier;
use super::approval_record::{ApprovalRecord, ClaimedApproval};
use crate::due_notification::ApprovalId;

impl Notifier {
    /// Leases the approval `of` something. Returns None if its notification is no longer due, or another sender has the lease.
    pub(super) async fn claim_approval(
        &self,
        of: ApprovalId,
        now: Timestamp,
    ) -> Result<Option<ClaimedApproval>, StoreError> {
        let Some(record) = self.read_approval(of).await? else { return Ok(None) };
        let is_due = record.due_at().is_some_and(|due_at| due_at <= now);
        let active = self.policies.current();
        let policy = &active.policy;
        let ApprovalStep::Notify(kind) = policy.next_approval_step(record.state(), now) else { return Ok(None) };
        let claimed = record.leased(now.plus_seconds(policy.actions.lease_seconds));
        if !is_due || !self.replace_approval(&record, &claimed, now).await? {
            return Ok(None);
        }
        Ok(Some(ClaimedApproval { record: claimed, kind }))
    }

    /// Records that people were notified at `at`. Returns the action as it is then; None if the approval is of an operation, or has
    /// changed meanwhile: a responder has decided.
    pub(super) async fn record_approval(
        &self,
        record: &ApprovalRecord,
        at: Timestamp,
    ) -> Result<Option<ActionItem>, StoreError> {
        let notified = record.notified(&self.policies.current().policy, at);
        let is_recorded = self.replace_approval(record, &notified, at).await?;
        Ok(match notified {
            ApprovalRecord::Action(item) => is_recorded.then_some(*item),
            ApprovalRecord::Operation(_) => None,
        })
    }

    /// Records that the topic refuses the notification, for this `reason`.
    pub(super) async fn set_approval_aside(
        &self,
        record: &ApprovalRecord,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failure = NotificationFailure::new(now, false, reason);
        let refused = record.refused(&self.policies.current().policy, failure);
        self.replace_approval(record, &refused, now).await.map(drop)
    }

    async fn read_approval(&self, of: ApprovalId) -> Result<Option<ApprovalRecord>, StoreError> {
        match of {
            ApprovalId::Action(event, action) => {
                Ok(self.actions.actions().get(event, action).await?.map(Box::new).map(ApprovalRecord::Action))
            }
            ApprovalId::Operation(id) => {
                let Some(decisions) = &self.decisions else { return Ok(None) };
                Ok(decisions.get_record(id).await?.map(Box::new).map(ApprovalRecord::Operation))
            }
        }
    }

    /// Replaces `old` by `new`. Returns false, and nothing is written, if the row is no longer `old`.
    async fn replace_approval(
        &self,
        old: &ApprovalRecord,
        new: &ApprovalRecord,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match (old, new, &self.decisions) {
            (ApprovalRecord::Action(old), ApprovalRecord::Action(new), _) => {
                self.actions.actions().replace(old, new, now).await
            }
            (ApprovalRecord::Operation(old), ApprovalRecord::Operation(new), Some(decisions)) => {
                decisions.replace_approval(old, new).await
            }
            _ => Ok(false),
        }
    }
}
