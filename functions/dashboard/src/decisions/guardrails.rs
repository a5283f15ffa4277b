//! The guardrails that a decision was made by, and why each matched or not.

use age_governance::PolicyReadError;
use age_model::{Decision, ReasonCode, Verdict, shortened};
use age_policy::{Policy, RecordedCondition, RecordedMatch, RecordedRule, explain_recorded};

use crate::app::AppState;
use crate::safe_text::SafeText;

/// With more guardrails, those that did not match are folded up.
const MAX_UNFOLDED: usize = 12;

/// How much of a condition the page shows, in characters.
const MAX_SHOWN_CHARS: usize = 500;

/// The guardrails of the policy version that decided.
pub(super) struct GuardrailsView {
    pub(super) shown: Vec<RuleView>,
    /// Guardrails that did not match, if the policy has many.
    pub(super) folded: Vec<RuleView>,
    /// Whether something that a guardrail reads was not recorded.
    pub(super) is_incomplete: bool,
    /// Whether a hold denied before any guardrail was asked.
    pub(super) was_held: bool,
}

/// A guardrail, and whether it matched.
pub(super) struct RuleView {
    pub(super) rule: String,
    pub(super) verdict: Verdict,
    pub(super) message: SafeText,
    pub(super) result: RecordedMatch,
    pub(super) conditions: Vec<ConditionView>,
}

/// A condition, and whether it was met.
pub(super) struct ConditionView {
    pub(super) condition: SafeText,
    pub(super) result: RecordedMatch,
    pub(super) detail: Option<SafeText>,
}

impl GuardrailsView {
    /// Explains `decision` by the policy version that made it. Returns None if this version of AGE cannot read that.
    pub(super) async fn read(app: &AppState, decision: &Decision) -> Option<Self> {
        let active = app.policies.current();
        if active.hash == decision.policy_hash.to_string() {
            return Some(Self::of(&active.policy, decision));
        }
        let read = async {
            let document = age_governance::policy_version(&app.tables.policies, decision.policy_hash).await?;
            Ok::<_, PolicyReadError>(document.policy(&app.tables.policies)?)
        };
        let policy = read.await.inspect_err(|error| {
            let hash = decision.policy_hash;
            tracing::error!(decision.id = %decision.id, policy.hash = %hash, %error, "the page of a decision lacks its guardrails: {error}");
        });
        policy.ok().map(|policy| Self::of(&policy, decision))
    }

    fn of(policy: &Policy, decision: &Decision) -> Self {
        let rules = explain_recorded(policy, decision);
        let folds = rules.len() > MAX_UNFOLDED;
        let is_incomplete = |rule: &RecordedRule| {
            rule.conditions.iter().any(|condition| condition.result == RecordedMatch::NotRecorded)
        };
        let is_incomplete = rules.iter().any(is_incomplete);
        let (folded, shown): (Vec<_>, Vec<_>) =
            rules.into_iter().partition(|rule| folds && rule.result == RecordedMatch::NotMatched);
        let views = |rules: Vec<RecordedRule>| rules.into_iter().map(RuleView::from).collect();
        let was_held = decision.reasons.iter().any(|reason| reason.code == ReasonCode::Held);
        Self { shown: views(shown), folded: views(folded), is_incomplete, was_held }
    }
}

impl From<RecordedRule> for RuleView {
    fn from(RecordedRule { rule, verdict, message, result, conditions }: RecordedRule) -> Self {
        let conditions = conditions.into_iter().map(ConditionView::from).collect();
        Self { rule, verdict, message: SafeText::new(&message), result, conditions }
    }
}

impl From<RecordedCondition> for ConditionView {
    fn from(RecordedCondition { condition, result, detail }: RecordedCondition) -> Self {
        let shown = |text: &str| SafeText::new(&shortened(text, MAX_SHOWN_CHARS));
        Self { condition: shown(&condition), result, detail: detail.as_deref().map(shown) }
    }
}
