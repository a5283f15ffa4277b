//! The stored action or operation that an approval is about.

use age_model::{ActionItem, ApprovalNotificationKind, DecisionRecord, NotificationFailure, Timestamp};
use age_notify::{Notified, NotifiedApproval, NotifiedDecision};
use age_policy::{ActivePolicy, ApprovalState, Policy};

/// The stored action or operation that an approval is about.
pub(super) enum ApprovalRecord {
    Action(Box<ActionItem>),
    Operation(Box<DecisionRecord>),
}

impl ApprovalRecord {
    pub(super) fn state(&self) -> ApprovalState<'_> {
        match self {
            Self::Action(item) => item.as_ref().into(),
            Self::Operation(record) => record.as_ref().into(),
        }
    }

    /// Returns when something is due for it: after it was claimed, the end of the lease.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::Action(item) => item.due_at,
            Self::Operation(record) => record.due_at,
        }
    }

    pub(super) fn requested_at(&self) -> Timestamp {
        match self {
            Self::Action(item) => item.created_at,
            Self::Operation(record) => record.decision.decided_at,
        }
    }

    pub(super) fn leased(&self, until: Timestamp) -> Self {
        match self {
            Self::Action(item) => Self::Action(Box::new(ActionItem { due_at: Some(until), ..item.as_ref().clone() })),
            Self::Operation(record) => {
                Self::Operation(Box::new(DecisionRecord { due_at: Some(until), ..record.as_ref().clone() }))
            }
        }
    }

    pub(super) fn notified(&self, policy: &Policy, at: Timestamp) -> Self {
        match self {
            Self::Action(item) => Self::Action(Box::new(policy.approval_notified(item, at))),
            Self::Operation(record) => Self::Operation(Box::new(policy.decision_notified(record, at))),
        }
    }

    pub(super) fn refused(&self, policy: &Policy, failure: NotificationFailure) -> Self {
        match self {
            Self::Action(item) => Self::Action(Box::new(policy.approval_notification_refused(item, failure))),
            Self::Operation(record) => Self::Operation(Box::new(policy.decision_notification_refused(record, failure))),
        }
    }

    /// Returns what a message written at `now` says under the `active` policy.
    pub(super) fn for_message(
        &self,
        kind: ApprovalNotificationKind,
        active: &ActivePolicy,
        now: Timestamp,
    ) -> Option<Notified<'_>> {
        match self {
            Self::Action(item) => Some(Notified::Approval(NotifiedApproval { item, kind, now })),
            Self::Operation(record) => {
                let decision = &record.decision;
                let approval = decision.approval.as_ref()?;
                let is_policy_active = decision.policy_hash.to_string() == active.hash;
                Some(Notified::Decision(NotifiedDecision { decision, approval, kind, is_policy_active, now }))
            }
        }
    }

    /// Returns the subject of a system alert about its notification.
    pub(super) fn alert_subject(&self) -> String {
        match self {
            Self::Action(item) => format!("{}: approval of {}", item.engine, item.action),
            Self::Operation(record) => format!("{}: approval of an operation", record.decision.engine),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Action(item) => format!("the approval of {} for event {}", item.action, item.event_id),
            Self::Operation(record) => format!("the approval of decision {}", record.decision.id),
        }
    }
}

/// An approval that one sender has claimed.
pub(super) struct ClaimedApproval {
    pub(super) record: ApprovalRecord,
    pub(super) kind: ApprovalNotificationKind,
}
