//! The guardrails of a policy, as people read them.

use std::collections::BTreeMap;

use age_model::Verdict;
use age_policy::{Policy, guardrail_effect};

use crate::format::capitalize;
use crate::safe_text::SafeText;

/// A guardrail.
pub(super) struct GuardrailView {
    pub(super) id: String,
    pub(super) verdict: Verdict,
    /// What the guardrail does, as a sentence without its end.
    pub(super) effect: SafeText,
    /// The reason that callers get.
    pub(super) message: SafeText,
    /// How many decisions it has decided in the trailing week. None if that is not known, or the version is not active.
    pub(super) decided: Option<u64>,
}

/// Returns the guardrails of `policy`. `decided` has how many decisions each has decided, if that is known.
pub(super) fn guardrails(policy: &Policy, decided: Option<&BTreeMap<String, u64>>) -> Vec<GuardrailView> {
    let view = |guardrail: &age_policy::Guardrail| GuardrailView {
        id: guardrail.id.clone(),
        verdict: guardrail.verdict,
        effect: SafeText::new(&capitalize(&guardrail_effect(guardrail))),
        message: SafeText::new(&guardrail.message),
        decided: decided.map(|decided| decided.get(&guardrail.id).copied().unwrap_or_default()),
    };
    policy.guardrails.iter().map(view).collect()
}
