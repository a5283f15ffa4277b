//! The decisions of a period under a version, as people read them.

use age_model::Timestamp;
use age_policy::Policy;
use age_scoring::simulation::{DecisionComparison, SimulatedDecision, SimulatedDecisions, UnreproducedVerdictReason};

use crate::engine_title::engine_title;
use crate::format::to_words;
use crate::paths::{decision_path, event_path};
use crate::safe_text::SafeText;

/// The decisions, really and under the version.
pub(crate) struct DecisionsView {
    pub(crate) total: u64,
    /// The verdict, the one under the version, and the number of decisions.
    pub(crate) verdicts: Vec<(SafeText, SafeText, u64)>,
    pub(crate) lists: Vec<DecisionListView>,
    pub(crate) reproduced: u64,
    pub(crate) not_reproduced: u64,
    /// The number and the description of each reason.
    pub(crate) reasons: Vec<(u64, &'static str)>,
}

/// The decisions that change, or whose verdict is unknown.
pub(crate) struct DecisionListView {
    pub(crate) title: &'static str,
    pub(crate) total: u64,
    pub(crate) items: Vec<SimulatedDecisionView>,
}

/// One decision.
pub(crate) struct SimulatedDecisionView {
    pub(crate) path: String,
    pub(crate) engine: SafeText,
    pub(crate) operation: SafeText,
    pub(crate) at: Timestamp,
    pub(crate) before: SafeText,
    pub(crate) after: SafeText,
    /// What became of the approval.
    pub(crate) approval: Option<SafeText>,
    /// The page of the event that reports the operation.
    pub(crate) event_path: Option<String>,
    /// The fields and conditions that were not recorded.
    pub(crate) unrecorded: Option<SafeText>,
}

impl DecisionsView {
    /// Returns `decisions` with the titles of engines that `policy` has.
    pub(super) fn of(decisions: &DecisionComparison, policy: &Policy) -> Self {
        let DecisionComparison { total, verdicts, changed, unknown, self_check } = decisions;
        let words = |word: &str| SafeText::new(&to_words(word));
        let lists = [("Another verdict", changed), ("Unknown verdict", unknown)];
        let list = |(title, SimulatedDecisions { total, items }): (&'static str, &SimulatedDecisions)| {
            let items = items.iter().map(|item| SimulatedDecisionView::of(item, policy)).collect();
            DecisionListView { title, total: *total, items }
        };
        Self {
            total: *total,
            verdicts: verdicts
                .iter()
                .map(|it| (words(it.before.as_str()), words(it.after.as_str()), it.count))
                .collect(),
            lists: lists.into_iter().map(list).filter(|list| list.total > 0).collect(),
            reproduced: self_check.reproduced,
            not_reproduced: self_check.not_reproduced,
            reasons: self_check.reasons.iter().map(|it| (it.count, describe_reason(it.reason))).collect(),
        }
    }
}

impl DecisionListView {
    /// How many decisions are not listed.
    pub(crate) fn more(&self) -> u64 {
        self.total.saturating_sub(self.items.len() as u64)
    }
}

impl SimulatedDecisionView {
    fn of(decision: &SimulatedDecision, policy: &Policy) -> Self {
        let verdict = |verdict: &str, rules: &[String]| {
            let rules = if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
            SafeText::new(&format!("{}{rules}", to_words(verdict)))
        };
        let SimulatedDecision { action, resource_type, resource_id, unrecorded, .. } = decision;
        let unrecorded = (!unrecorded.is_empty()).then(|| SafeText::new(&unrecorded.join(", ")));
        Self {
            path: decision_path(decision.id),
            engine: engine_title(policy, decision.engine),
            operation: SafeText::new(&format!("{action}, {resource_type} {resource_id}")),
            at: decision.decided_at,
            before: verdict(decision.before.as_str(), &decision.rules_before),
            after: verdict(decision.after.as_str(), &decision.rules_after),
            approval: decision.approval.map(|status| SafeText::new(&to_words(status.as_str()))),
            event_path: decision.followed_by.map(event_path),
            unrecorded,
        }
    }
}

const fn describe_reason(reason: UnreproducedVerdictReason) -> &'static str {
    match reason {
        UnreproducedVerdictReason::RequestNotRecorded => {
            "the verdict depends on a field of the request, which was recorded as a digest"
        }
        UnreproducedVerdictReason::StateNotRecorded => {
            "the verdict depends on a state of the fleet that decisions do not record"
        }
        UnreproducedVerdictReason::Unreadable => "the policy version that decided, or the request, cannot be read",
        UnreproducedVerdictReason::Unexplained => {
            "none of these reasons: please report it as an error of the simulation"
        }
    }
}
