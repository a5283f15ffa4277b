//! The reasons of a decision.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

crate::string_enum::open_string_enum! {
    /// The kind of a decision's reason.
    ReasonCode {
        /// A guardrail matched.
        RuleMatched = "rule_matched",
        /// No guardrail matched.
        NoRule = "no_rule",
        /// A hold stops the operation.
        Held = "held",
        /// The request lacks a field that a guardrail reads.
        MissingField = "missing_field",
        /// A field of the request has another type than a guardrail compares it with.
        WrongType = "wrong_type",
        /// The posture is too old, or lacks a category of the active policy.
        StaleState = "stale_state",
        /// The posture was never written, or has a word that this version does not know.
        UnknownState = "unknown_state",
        /// A responder has approved the operation.
        Approved = "approved",
        /// The decision that `context.decisionId` names does not exist, is of another engine, or needs no approval.
        ApprovalUnknown = "approval_unknown",
        /// The request is another one than the approved one.
        ApprovalMismatch = "approval_mismatch",
        /// A responder has denied the operation.
        ApprovalDenied = "approval_denied",
        /// The approval has expired.
        ApprovalExpired = "approval_expired",
        /// The approval was used.
        ApprovalUsed = "approval_used",
        /// Another policy version is active than the one under which the operation was approved.
        PolicyChanged = "policy_changed",
    }
}

impl ReasonCode {
    /// Whether the reason is what became of the approval that a request uses.
    #[must_use]
    pub const fn is_about_approval(self) -> bool {
        match self {
            Self::Approved
            | Self::ApprovalUnknown
            | Self::ApprovalMismatch
            | Self::ApprovalDenied
            | Self::ApprovalExpired
            | Self::ApprovalUsed
            | Self::PolicyChanged => true,
            Self::RuleMatched
            | Self::NoRule
            | Self::Held
            | Self::MissingField
            | Self::WrongType
            | Self::StaleState
            | Self::UnknownState
            | Self::Unknown(_) => false,
        }
    }
}

/// A reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionReason {
    /// The id of the guardrail. Absent if the reason is none of a guardrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rule: Option<String>,
    /// The kind of the reason.
    pub code: ReasonCode,
    /// The reason, for people.
    pub message: String,
}
