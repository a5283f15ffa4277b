//! The decisions of a simulation as text for people.

use age_model::visible_line;
use age_scoring::simulation::{
    DecisionComparison, DecisionSelfCheck, SimulatedDecision, SimulatedVerdict, UnreproducedDecision,
    UnreproducedVerdictReason,
};

use crate::commands::policy::bounded_list::format_bounded_list;
use crate::format::{format_count, format_name, format_timestamp};
use crate::table::format_table;

/// Formats `decisions` in sections. Lists up to `limit` decisions of each list, and what the self-check found if `all` is set. Empty if the
/// period has no decision.
pub(super) fn format_decisions(decisions: &DecisionComparison, limit: usize, all: bool) -> Vec<String> {
    let DecisionComparison { total, verdicts, changed, unknown, self_check } = decisions;
    if *total == 0 {
        return Vec::new();
    }
    let rows = verdicts
        .iter()
        .map(|it| [format_name(it.before.as_str()), format_name(it.after.as_str()), it.count.to_string()]);
    let lists = [
        ("Decisions with another verdict", changed),
        ("Decisions whose verdict is unknown, because it depends on what was not recorded", unknown),
    ];
    let lists = lists.into_iter().filter(|(_, list)| list.total > 0);
    let mut sections = vec![format_table(["verdict", "under the policy", "decisions"], rows)];
    sections.extend(
        lists.map(|(title, list)| format_bounded_list(title, (list.total, &list.items), limit, format_decision)),
    );
    sections.push(format_self_check(self_check, all));
    sections
}

fn format_decision(decision: &SimulatedDecision) -> String {
    let SimulatedDecision { id, decided_at, engine, action, resource_type, resource_id, .. } = decision;
    let rules = |rules: &[String]| if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
    let before = format!("{}{}", format_name(decision.before.as_str()), rules(&decision.rules_before));
    let after = format!("{}{}", format_name(decision.after.as_str()), rules(&decision.rules_after));
    let approval = decision.approval.map(|it| format!(", approval {}", format_name(it.as_str()))).unwrap_or_default();
    let unrecorded = match decision.unrecorded.as_slice() {
        [] => String::new(),
        inputs => format!(", not recorded: {}", inputs.join(", ")),
    };
    let (at, resource) = (format_timestamp(*decided_at), format!("{resource_type} {resource_id}"));
    let event = decision.followed_by.map(|event| format!(", event {event}")).unwrap_or_default();
    let line = format!("{at} {engine} {action}, {resource}: {before} → {after}{unrecorded}{approval}{event}, {id}");
    format!("  {}", visible_line(&line))
}

fn format_self_check(check: &DecisionSelfCheck, all: bool) -> String {
    let DecisionSelfCheck { reproduced, not_reproduced, reasons, items } = check;
    let total = reproduced.saturating_add(*not_reproduced);
    let title = format!(
        "Self-check: under the policies that decided, the simulation reproduces {reproduced} of {}",
        format_count(total, "decision")
    );
    let reasons = reasons.iter().map(|reason| format!("  {:>5}  {}", reason.count, reason_text(reason.reason)));
    let items = items.iter().filter(|_| all).map(format_unreproduced);
    std::iter::once(title).chain(reasons).chain(items).collect::<Vec<_>>().join("\n")
}

fn format_unreproduced(decision: &UnreproducedDecision) -> String {
    let UnreproducedDecision { reason, id, decided_at, engine, action, recorded, simulated, .. } = decision;
    let (at, recorded) = (format_timestamp(*decided_at), format_name(recorded.as_str()));
    let simulated = match simulated {
        SimulatedVerdict::Unknown => reason_text(*reason).to_owned(),
        verdict => format!("simulated {}", format_name(verdict.as_str())),
    };
    format!("  {}", visible_line(&format!("{at} {engine} {action}: {recorded}, {simulated}, {id}")))
}

const fn reason_text(reason: UnreproducedVerdictReason) -> &'static str {
    match reason {
        UnreproducedVerdictReason::RequestNotRecorded => {
            "depend on fields of the request, which was recorded as a digest"
        }
        UnreproducedVerdictReason::StateNotRecorded => "depend on a state of the fleet that decisions do not record",
        UnreproducedVerdictReason::Unreadable => "their policy version or request cannot be read",
        UnreproducedVerdictReason::Unexplained => "not explained: please report it as an error of the simulation",
    }
}
