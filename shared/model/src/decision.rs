//! Decisions: what the guardrails answered, as AGE records it before it answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::approval::ApprovalDecision;
use crate::credential::KeyId;
use crate::decision_reason::{DecisionReason, ReasonCode};
use crate::engine::Engine;
use crate::id::{DecisionId, EventId, HoldId};
use crate::policy_hash::PolicyHash;
use crate::policy_shadow::ShadowVerdict;
use crate::posture::Posture;
use crate::risk_level::RiskLevel;
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// A decision: the answer to "may this operation run?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The id. The event of the operation names it in `decisionId`.
    pub id: DecisionId,
    /// When AGE decided.
    pub decided_at: Timestamp,
    /// The engine whose operation it is.
    pub engine: Engine,
    /// The credential that asked.
    pub asked_by: KeyId,
    /// The operation.
    pub request: DecisionRequest,
    /// The answer. Only `allow` lets the operation run.
    pub verdict: Verdict,
    /// Why, in the order of the guardrails.
    pub reasons: Vec<DecisionReason>,
    /// The policy version that answered.
    pub policy_hash: PolicyHash,
    /// The state of the fleet that it was decided by. Absent if AGE had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub posture: Option<DecisionPosture>,
    /// Until when the answer holds, and a repeat of the request gets it again.
    pub expires_at: Timestamp,
    /// The approval, if the verdict is `needs_approval`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub approval: Option<DecisionApproval>,
    /// The decision whose approval this one has used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub approved_by_decision: Option<DecisionId>,
    /// Until when an event that reports the operation is expected. Absent if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_expected_by: Option<Timestamp>,
    /// Whether an event has reported the operation. Absent if none has, and none is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_status: Option<DecisionEventStatus>,
    /// The event that reports the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub followed_by: Option<EventId>,
    /// What the shadow would have answered, if its verdict differs from that of the active policy's guardrails. Both are compared before
    /// an approval is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shadow: Option<ShadowVerdict>,
}

/// The operation that an engine asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRequest {
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
    /// SHA-256 of the whole request, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub digest: String,
    /// The caller's `X-Request-ID`, shortened to 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
    /// The position in the batch, from 0.
    pub position: u32,
    /// The whole request as JSON, if the policy has it recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payload: Option<String>,
}

/// The state of the fleet that a decision was made by, as far as it is about the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionPosture {
    /// When AGE found it.
    pub as_of: Timestamp,
    /// The level of each category in the running week.
    pub levels: BTreeMap<String, RiskLevel>,
    /// The holds that stop the operation.
    pub holds: Vec<HoldId>,
    /// The engine's open incidents by severity.
    pub incidents: BTreeMap<Severity, u64>,
}

crate::string_enum::open_string_enum! {
    /// The status of the approval of a decision.
    DecisionApprovalStatus {
        /// A responder has to approve or deny the operation.
        Pending = "pending",
        /// The operation is approved, and may run once.
        Approved = "approved",
        /// The operation is denied.
        Denied = "denied",
        /// Nobody has approved or denied the operation in time.
        Expired = "expired",
        /// The operation was approved, and AGE has allowed it.
        Used = "used",
    }
}

crate::string_enum::open_string_enum! {
    /// Whether an event has reported the operation that a decision allowed.
    DecisionEventStatus {
        /// No event has yet, and one is expected.
        Awaited = "awaited",
        /// An event has.
        Followed = "followed",
        /// No event has in time. One that comes later is a followed decision, and stays counted as a permit without an event.
        Missing = "missing",
    }
}

/// The approval of an operation by a responder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionApproval {
    /// The status.
    pub status: DecisionApprovalStatus,
    /// Until when a responder may approve, and the approval may be used.
    pub until: Timestamp,
    /// SHA-256 of what is approved, hexadecimal: the request without its `unbound_context`, and the policy version.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub digest: String,
    /// The responder who approved or denied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_by: Option<KeyId>,
    /// When the responder did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub decided_at: Option<Timestamp>,
    /// The decision that used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub used_by: Option<DecisionId>,
}

/// Why a responder can neither approve nor deny an operation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecisionApprovalConflict {
    /// The decision needs no approval.
    #[error("the verdict of the decision is {0}: only an operation that needs approval can be approved or denied")]
    NotNeeded(Verdict),
    /// The approval is not pending any more.
    #[error("only a pending approval can be decided; this one is {0}")]
    NotPending(DecisionApprovalStatus),
    /// The digest is not that of the approval.
    #[error("the digest does not match what would run; read the decision again before you decide")]
    DigestMismatch,
}

impl DecisionPosture {
    /// Whether guardrails relied on the posture at `now`, when AGE decided.
    #[must_use]
    pub fn was_current(&self, now: Timestamp) -> bool {
        Posture::is_recent(self.as_of, now)
    }
}

impl DecisionApproval {
    /// Returns the approval of what `digest` names, which a responder may give until `until`.
    #[must_use]
    pub const fn pending(digest: String, until: Timestamp) -> Self {
        let status = DecisionApprovalStatus::Pending;
        Self { status, until, digest, decided_by: None, decided_at: None, used_by: None }
    }

    /// Returns the status at `now`: an approval that nobody decided or used in time has expired.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> DecisionApprovalStatus {
        match self.status {
            DecisionApprovalStatus::Pending | DecisionApprovalStatus::Approved if self.until <= now => {
                DecisionApprovalStatus::Expired
            }
            status => status,
        }
    }
}

impl Decision {
    /// The most decisions of a batch.
    pub const MAX_BATCH: usize = 50;

    /// The most items of a transaction of DynamoDB.
    const MAX_ITEMS: usize = 100;

    /// Returns the most decisions that may use approvals in a batch of so many `decisions` on operations of so many `engines`. The
    /// transaction that records the batch has an item for each decision, for the counters of each engine, for each approval that is
    /// used, and for the check of the policy version.
    #[must_use]
    pub const fn max_approvals_of_batch(decisions: usize, engines: usize) -> usize {
        (Self::MAX_ITEMS - 1).saturating_sub(decisions.saturating_add(engines))
    }

    /// How much longer than until the expected time AGE waits for the event of an operation, in seconds: AGE looks for events once a
    /// minute.
    const EVENT_GRACE_SECONDS: i64 = 60;

    /// Makes it expect an event that reports the operation within `seconds`.
    pub fn expect_event(&mut self, seconds: i64) {
        self.event_expected_by = Some(self.decided_at.plus_seconds(seconds));
        self.event_status = Some(DecisionEventStatus::Awaited);
    }

    /// Returns when AGE looks whether an event has reported the operation. None if none is awaited.
    #[must_use]
    pub fn event_due_at(&self) -> Option<Timestamp> {
        let is_awaited = self.event_status == Some(DecisionEventStatus::Awaited);
        self.event_expected_by.filter(|_| is_awaited).map(|by| by.plus_seconds(Self::EVENT_GRACE_SECONDS))
    }

    /// Whether the answer lets the operation run.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    /// Returns the verdict of guardrails and holds, before an approval was used.
    #[must_use]
    pub fn verdict_of_rules(&self) -> Verdict {
        let is_of_approval = self.reasons.iter().any(|reason| reason.code.is_about_approval());
        // Only an operation that needs approval is asked about with one.
        if is_of_approval { Verdict::NeedsApproval } else { self.verdict }
    }

    /// Whether a hold stopped the operation.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.reasons.iter().any(|reason| reason.code == ReasonCode::Held)
    }

    /// Whether a repeat of the request at `now` gets this answer.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Returns the decision as it is at `now`.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        if let Some(approval) = &mut self.approval {
            approval.status = approval.status_at(now);
        }
        self
    }

    /// Returns the approval as it is after the responder `by` has decided at `now`. `digest` names what the responder has seen.
    ///
    /// # Errors
    /// [`DecisionApprovalConflict`] if there is nothing to decide.
    pub fn approve(
        &self,
        decision: ApprovalDecision,
        digest: &str,
        by: &KeyId,
        now: Timestamp,
    ) -> Result<DecisionApproval, DecisionApprovalConflict> {
        let current = self.clone().as_of(now);
        let Some(approval) = current.approval else { return Err(DecisionApprovalConflict::NotNeeded(self.verdict)) };
        if approval.status != DecisionApprovalStatus::Pending {
            return Err(DecisionApprovalConflict::NotPending(approval.status));
        }
        if approval.digest != digest {
            return Err(DecisionApprovalConflict::DigestMismatch);
        }
        let status = match decision {
            ApprovalDecision::Approve => DecisionApprovalStatus::Approved,
            ApprovalDecision::Deny => DecisionApprovalStatus::Denied,
        };
        Ok(DecisionApproval { status, decided_by: Some(by.clone()), decided_at: Some(now), ..approval })
    }
}
