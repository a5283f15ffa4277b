//! The body of a request that approves or denies an action or an operation.

use age_model::ApprovalDecision;
use serde::Serialize;

/// A decision on what the digest stands for.
#[derive(Serialize)]
pub(crate) struct ApprovalRequest<'a> {
    pub(crate) decision: ApprovalDecision,
    pub(crate) digest: &'a str,
}
