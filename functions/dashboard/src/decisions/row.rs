//! A decision in a list.

use age_model::{
    Decision, DecisionApproval, DecisionApprovalStatus, DecisionRequest, KeyId, Timestamp, Verdict, shortened,
};
use age_policy::Policy;

use crate::engine_title::engine_title;
use crate::format::{duration_between, format_duration};
use crate::paths::decision_path;
use crate::safe_text::SafeText;

/// How much of a text of an engine a list shows, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// A decision in a list.
pub(crate) struct DecisionRow {
    pub(crate) path: String,
    pub(crate) engine: SafeText,
    pub(crate) action: SafeText,
    /// The type and the id of the resource.
    pub(crate) resource: SafeText,
    pub(crate) verdict: Verdict,
    /// The message of the first reason.
    pub(crate) reason: SafeText,
    pub(crate) decided_at: Timestamp,
    pub(crate) approval: Option<ApprovalView>,
}

/// The approval of an operation, as it is now.
pub(crate) struct ApprovalView {
    pub(crate) status: DecisionApprovalStatus,
    pub(crate) until: Timestamp,
    /// The time left to approve or deny the operation. None if the approval is not pending.
    pub(crate) time_left: Option<String>,
    /// The responder who approved or denied it.
    pub(crate) decided_by: Option<KeyId>,
    pub(crate) decided_at: Option<Timestamp>,
    /// The page of the decision that used the approval.
    pub(crate) used_by: Option<String>,
    pub(crate) digest: String,
}

impl DecisionRow {
    /// Returns the row of `decision`, whose approval is as at `now`.
    pub(super) fn new(decision: &Decision, policy: &Policy, now: Timestamp) -> Self {
        let reason = decision.reasons.first().map_or("", |reason| reason.message.as_str());
        Self {
            path: decision_path(decision.id),
            engine: engine_title(policy, decision.engine),
            action: shown(&decision.request.action),
            resource: shown(&resource(&decision.request)),
            verdict: decision.verdict,
            reason: shown(reason),
            decided_at: decision.decided_at,
            approval: decision.approval.as_ref().map(|approval| ApprovalView::new(approval, now)),
        }
    }
}

impl ApprovalView {
    pub(super) fn new(approval: &DecisionApproval, now: Timestamp) -> Self {
        let DecisionApproval { until, digest, decided_by, decided_at, used_by, .. } = approval.clone();
        let status = approval.status_at(now);
        let is_pending = status == DecisionApprovalStatus::Pending;
        Self {
            status,
            until,
            time_left: is_pending.then(|| format_duration(duration_between(now, until))),
            decided_by,
            decided_at,
            used_by: used_by.map(decision_path),
            digest,
        }
    }

    /// Returns what the responder did, as the beginning of a sentence.
    pub(crate) fn decided(&self) -> &'static str {
        if self.status == DecisionApprovalStatus::Denied { "Denied" } else { "Approved" }
    }
}

/// Returns the type and the id of a resource.
pub(super) fn resource(request: &DecisionRequest) -> String {
    format!("{} {}", request.resource_type, request.resource_id)
}

fn shown(text: &str) -> SafeText {
    SafeText::new(&shortened(text, MAX_SHOWN_CHARS))
}
