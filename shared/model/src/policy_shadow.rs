//! The shadow: a policy version whose guardrails are evaluated beside those of the active one, without an effect on the answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::credential::KeyId;
use crate::decision_reason::DecisionReason;
use crate::policy_hash::PolicyHash;
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// The policy version that is the shadow, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyShadow {
    /// The version.
    pub hash: PolicyHash,
    /// When the version became the shadow.
    pub started_at: Timestamp,
    /// The credential of the admin who started it.
    pub started_by: KeyId,
    /// Why, in the words of the admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// When the shadow ends by itself.
    pub until: Timestamp,
}

impl PolicyShadow {
    /// How many days a shadow runs at most.
    pub const MAX_DAYS: i64 = 30;

    /// How many days a shadow runs whose end is not given.
    pub const DEFAULT_DAYS: i64 = 14;

    /// Whether the shadow runs at `now`.
    #[must_use]
    pub fn is_running(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// The answer that the shadow would have given to a request for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowVerdict {
    /// The policy version that is the shadow.
    pub policy_hash: PolicyHash,
    /// The verdict of its guardrails, before an approval is used.
    pub verdict: Verdict,
    /// Why, in the order of the guardrails.
    pub reasons: Vec<DecisionReason>,
}

crate::string_enum::string_enum! {
    /// How the verdict of the shadow compares with that of the active policy.
    ShadowComparison {
        /// The verdicts differ.
        Differs = "differs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadow_runs_until_its_end() {
        let started_at: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let until = started_at.plus_days(PolicyShadow::DEFAULT_DAYS);
        let hash = PolicyHash::from_bytes([1; 32]);
        let shadow = PolicyShadow { hash, started_at, started_by: "admin".parse().unwrap(), reason: None, until };
        assert!(shadow.is_running(started_at) && shadow.is_running(until.plus_millis(-1)));
        assert!(!shadow.is_running(until));
    }
}
