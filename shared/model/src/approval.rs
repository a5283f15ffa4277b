//! What responders decide about an action that needs approval.

crate::string_enum::string_enum! {
    /// What a responder says about an action that waits.
    ApprovalDecision {
        /// Do it.
        Approve = "approve",
        /// Do not.
        Deny = "deny",
    }
}
