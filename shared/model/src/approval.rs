//! Approvals of actions and of operations: the responder's decision, and the notifications about one that is pending.

crate::string_enum::string_enum! {
    /// A responder's decision on an action that is pending approval.
    ApprovalDecision {
        /// The action becomes pending and is dispatched.
        Approve = "approve",
        /// The action is not carried out.
        Deny = "deny",
    }
}

crate::string_enum::string_enum! {
    /// The kind of a notification about an approval.
    ApprovalNotificationKind {
        /// An action or an operation is pending approval.
        Request = "request",
        /// The approval is still pending.
        Reminder = "reminder",
        /// Nobody has approved or denied in time.
        Expiry = "expiry",
    }
}
