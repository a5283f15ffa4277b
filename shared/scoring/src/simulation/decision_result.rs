//! The part of a simulation's result that is about decisions.

use age_model::{DecisionApprovalStatus, DecisionId, Engine, EventId, PolicyHash, Timestamp, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The decisions of a period as they were, and as they would have been under the draft. Each list has its first entries by time; its
/// `total` counts all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionComparison {
    /// The number of decisions that were read.
    pub total: u64,
    /// How many decisions have which verdict, really and under the draft.
    pub verdicts: Vec<VerdictCount>,
    /// The decisions whose verdict would have been another one.
    pub changed: SimulatedDecisions,
    /// The decisions whose verdict under the draft is unknown, because it depends on what was not recorded.
    pub unknown: SimulatedDecisions,
    /// How far the policy versions that decided give the recorded verdicts again.
    pub self_check: DecisionSelfCheck,
}

/// The verdict of guardrails and holds in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SimulatedVerdict {
    /// The operation may run.
    Allow,
    /// The operation may run once a responder has approved it.
    NeedsApproval,
    /// The operation may not run.
    Deny,
    /// The verdict depends on what was not recorded.
    Unknown,
}

/// A number of decisions with the same verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerdictCount {
    /// The recorded verdict, before an approval was used.
    pub before: Verdict,
    /// The verdict under the draft.
    pub after: SimulatedVerdict,
    /// How many decisions.
    pub count: u64,
}

/// The first decisions of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulatedDecisions {
    /// The number of decisions, also of those that are not listed.
    pub total: u64,
    /// The first decisions by time.
    pub items: Vec<SimulatedDecision>,
}

/// A decision under the draft, next to what really followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedDecision {
    /// The id.
    pub id: DecisionId,
    /// When AGE decided.
    pub decided_at: Timestamp,
    /// The engine.
    pub engine: Engine,
    /// The name of the action.
    pub action: String,
    /// The type of the resource.
    pub resource_type: String,
    /// The id of the resource.
    pub resource_id: String,
    /// The policy version that decided.
    pub policy_hash: PolicyHash,
    /// The recorded verdict, before an approval was used.
    pub before: Verdict,
    /// The guardrails that had it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules_before: Vec<String>,
    /// The verdict under the draft.
    pub after: SimulatedVerdict,
    /// The guardrails of the draft that have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules_after: Vec<String>,
    /// The fields and conditions that decide and were not recorded, if the verdict is unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<String>,
    /// What became of the approval, if the operation needed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<DecisionApprovalStatus>,
    /// The event that reports the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<EventId>,
}

/// How far the policy versions that decided give the recorded verdicts again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionSelfCheck {
    /// How many verdicts are as they were recorded.
    pub reproduced: u64,
    /// How many are not.
    pub not_reproduced: u64,
    /// Why not, with the number of each reason.
    pub reasons: Vec<DecisionReasonCount>,
    /// The first of them, those with a rare reason first.
    pub items: Vec<UnreproducedDecision>,
}

/// How many verdicts were not reproduced for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionReasonCount {
    /// The reason.
    pub reason: UnreproducedVerdictReason,
    /// How many decisions.
    pub count: u64,
}

/// Why the policy version that decided does not give the recorded verdict again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnreproducedVerdictReason {
    /// The verdict is another one than the recorded one: please report it as an error of the simulation.
    Unexplained,
    /// The policy version or the request cannot be read.
    Unreadable,
    /// The verdict depends on a state of the fleet that decisions do not record.
    StateNotRecorded,
    /// The verdict depends on a field of the request, which was recorded as a digest.
    RequestNotRecorded,
}

/// A decision whose verdict is not reproduced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreproducedDecision {
    /// Why.
    pub reason: UnreproducedVerdictReason,
    /// The id.
    pub id: DecisionId,
    /// When AGE decided.
    pub decided_at: Timestamp,
    /// The engine.
    pub engine: Engine,
    /// The name of the action.
    pub action: String,
    /// The policy version that decided.
    pub policy_hash: PolicyHash,
    /// The recorded verdict, before an approval was used.
    pub recorded: Verdict,
    /// The verdict in the simulation.
    pub simulated: SimulatedVerdict,
    /// The fields and conditions that decide and were not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<String>,
}

impl SimulatedVerdict {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NeedsApproval => "needs_approval",
            Self::Deny => "deny",
            Self::Unknown => "unknown",
        }
    }
}

impl From<Option<Verdict>> for SimulatedVerdict {
    fn from(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Allow) => Self::Allow,
            Some(Verdict::NeedsApproval) => Self::NeedsApproval,
            Some(Verdict::Deny) => Self::Deny,
            Some(Verdict::Unknown(_)) | None => Self::Unknown,
        }
    }
}
