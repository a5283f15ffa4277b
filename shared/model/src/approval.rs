//! Decisions on actions that need approval.

crate::string_enum::string_enum! {
    /// A responder's decision on an action that is pending approval.
    ApprovalDecision {
        /// The action becomes pending and is dispatched.
        Approve = "approve",
        /// The action is not carried out.
        Deny = "deny",
    }
}
