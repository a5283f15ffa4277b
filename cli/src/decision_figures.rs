//! Counts of decisions in the words of people.

use age_model::DecisionCounts;

use crate::format::format_count;

/// Returns the numbers of `counts` with their labels. Numbers that most systems never have are left out if they are 0.
pub(crate) fn decision_facts(counts: &DecisionCounts) -> Vec<(&'static str, String)> {
    let DecisionCounts { allowed, denied, needs_approval, .. } = counts;
    let verdicts = ("Verdicts", format!("{allowed} allowed, {denied} denied, {needs_approval} needed approval"));
    let others = [
        ("Permits without an event", counts.permits_without_event, "permit"),
        ("Operations without a permit", counts.operations_without_permit, "operation"),
        ("While AGE was unavailable", counts.operations_while_unavailable, "operation"),
        ("Differences of the shadow", counts.shadow_differences, "verdict"),
    ];
    let others = others.into_iter().filter(|(_, number, _)| *number > 0);
    let others = others.map(|(label, number, unit)| (label, format_count(number, unit)));
    std::iter::once(verdicts).chain(others).collect()
}

/// Returns how many decisions each guardrail has decided, the most first.
pub(crate) fn guardrail_facts(counts: &DecisionCounts) -> Vec<(&str, String)> {
    counts.most_decisive().into_iter().map(|(rule, number)| (rule, format_count(number, "decision"))).collect()
}
