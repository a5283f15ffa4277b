//! Decisions as they are stored: with the state of the notifications about their approvals.

use crate::decision::{Decision, DecisionApprovalStatus};
use crate::notification_failure::NotificationFailure;
use crate::time::Timestamp;

/// The notifications of people about the approval of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalNotifications {
    /// Number of notifications that were recorded as sent.
    pub count: u32,
    /// When the latest of them was sent.
    pub last_at: Option<Timestamp>,
    /// Why people could not be notified, if the latest notification was refused.
    pub failure: Option<NotificationFailure>,
}

/// A decision, and what is due for its approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The decision.
    pub decision: Decision,
    /// The notifications about its approval.
    pub notifications: ApprovalNotifications,
    /// When the next step of its approval is due: a notification or the end of the time for it. None: nothing is due.
    pub due_at: Option<Timestamp>,
}

impl DecisionRecord {
    /// Returns the record of a new decision. People are to be notified at once of an approval that is pending.
    #[must_use]
    pub fn new(decision: Decision) -> Self {
        let approval = decision.approval.as_ref();
        let is_pending = approval.is_some_and(|approval| approval.status == DecisionApprovalStatus::Pending);
        let due_at = is_pending.then_some(decision.decided_at);
        Self { decision, notifications: ApprovalNotifications::default(), due_at }
    }
}
