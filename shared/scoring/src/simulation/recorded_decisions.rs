//! The decisions of a history: what was asked, by which state, and what AGE answered.

use age_model::{
    AccessRequest, AccessRequestError, Decision, DecisionApprovalStatus, DecisionId, DecisionPosture, Engine, EventId,
    PolicyHash, Timestamp, Verdict,
};
use age_policy::RecordedRequest;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A decision. It has the whole request only if the policy had it recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedDecision {
    /// The id.
    pub id: DecisionId,
    /// When AGE decided.
    pub decided_at: Timestamp,
    /// The engine whose operation it is.
    pub engine: Engine,
    /// The verdict of guardrails and holds, before an approval was used.
    pub verdict: Verdict,
    /// The guardrails that had the verdict, by their ids. Empty as well if the decision on an approval has replaced the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Whether a hold stopped the operation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_held: bool,
    /// The policy version that decided.
    pub policy_hash: PolicyHash,
    /// The type of the subject.
    pub subject_type: String,
    /// The id of the subject, of its type.
    pub subject_id: String,
    /// The name of the action.
    pub action: String,
    /// The type of the resource.
    pub resource_type: String,
    /// The id of the resource, of its type.
    pub resource_id: String,
    /// The whole request as JSON, if it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The state of the fleet that it was decided by. None if AGE had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<DecisionPosture>,
    /// The status of the approval, if the operation needed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<DecisionApprovalStatus>,
    /// The event that reports the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_by: Option<EventId>,
}

impl From<&Decision> for RecordedDecision {
    fn from(decision: &Decision) -> Self {
        let request = &decision.request;
        Self {
            id: decision.id,
            decided_at: decision.decided_at,
            engine: decision.engine,
            verdict: decision.verdict_of_rules(),
            rules: decision.reasons.iter().filter_map(|reason| reason.rule.clone()).collect(),
            is_held: decision.is_held(),
            policy_hash: decision.policy_hash,
            subject_type: request.subject_type.clone(),
            subject_id: request.subject_id.clone(),
            action: request.action.clone(),
            resource_type: request.resource_type.clone(),
            resource_id: request.resource_id.clone(),
            payload: request.payload.clone(),
            posture: decision.posture.clone(),
            approval: decision.approval.as_ref().map(|approval| approval.status),
            followed_by: decision.followed_by,
        }
    }
}

impl RecordedDecision {
    /// Returns the record on which guardrails are evaluated.
    ///
    /// # Errors
    /// If this version of AGE does not accept the request.
    pub fn to_request(&self) -> Result<RecordedRequest, Vec<AccessRequestError>> {
        let names = || {
            json!({
                "subject": { "type": self.subject_type, "id": self.subject_id },
                "action": { "name": self.action },
                "resource": { "type": self.resource_type, "id": self.resource_id },
            })
        };
        let request = match &self.payload {
            Some(payload) => AccessRequest::from_json(payload),
            None => AccessRequest::from_json(&names().to_string()),
        };
        Ok(RecordedRequest {
            engine: self.engine,
            at: self.decided_at,
            request: request?,
            is_whole: self.payload.is_some(),
            posture: self.posture.clone(),
            is_held: self.is_held,
        })
    }
}
