//! The shadow, with its policy.

use std::sync::Arc;

use age_model::{AccessRequest, PolicyShadow, ShadowVerdict, Verdict};
use age_policy::{Evaluation, FleetState, Policy, evaluate};

/// The policy version that is the shadow: its guardrails are evaluated beside those of the active version.
#[derive(Debug, Clone)]
pub(crate) struct ShadowPolicy {
    /// The document of the version.
    pub(crate) policy: Arc<Policy>,
    /// The version, and until when.
    pub(crate) shadow: PolicyShadow,
}

impl ShadowPolicy {
    /// Evaluates the guardrails on a request, and returns their verdict if it is not `active`, that of the active policy's guardrails.
    pub(crate) fn differing_verdict(
        &self,
        active: Verdict,
        request: &AccessRequest,
        state: &FleetState<'_>,
    ) -> Option<ShadowVerdict> {
        let Evaluation { verdict, reasons, .. } = evaluate(&self.policy, request, state);
        (verdict != active).then_some(ShadowVerdict { policy_hash: self.shadow.hash, verdict, reasons })
    }
}
