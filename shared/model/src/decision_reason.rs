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
