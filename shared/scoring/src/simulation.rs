//! Simulation of a policy over the past: the recorded inputs of a period are replayed in memory, with the functions of `age_policy` by
//! which AGE itself decides, and what follows is compared.
//!
//! Pure and deterministic: the same history and policies give the same result.

mod compare;
mod consequences;
mod decision_result;
mod decisions;
mod difference;
mod history;
mod listed;
mod recorded_decisions;
mod replay;
mod result;
mod self_check;
mod week_counts;
mod weeks;

pub use consequences::{ActionResult, Consequences, IncidentResult, NotificationKey};
pub use decision_result::{
    DecisionComparison, DecisionReasonCount, DecisionSelfCheck, SimulatedDecision, SimulatedDecisions,
    SimulatedVerdict, UnreproducedDecision, UnreproducedVerdictReason, VerdictCount,
};
pub use history::{
    History, LeftOut, RecordedAction, RecordedAlert, RecordedApproval, RecordedChange, RecordedEngine, RecordedEvent,
    RecordedIncident,
};
pub use recorded_decisions::RecordedDecision;
pub use replay::replay;
pub use result::{
    About, Change, ChangeCount, ChangeKind, Changes, Consequence, ConsequenceKind, Difference, LevelFlip, ReasonCount,
    SelfCheck, SelfCheckItem, Simulation, UnreproducedReason, WeekComparison, WeekRisk,
};
pub use week_counts::WeekCounts;

use age_policy::Policy;

/// Simulates `draft` over `history`. `active` is the policy that is active now, with its hash.
///
/// The difference compares two replays, so that nothing which no replay reproduces is in it. The self-check compares the replay under
/// `active` with what really followed, and counts and lists that by reason. Decisions are compared with what AGE answered.
#[must_use]
pub fn simulate((active, active_hash): (&Policy, &str), draft: &Policy, history: &History) -> Simulation {
    let before = replay(active, history);
    let mapped = history.with_alert_severities(active, draft);
    let after = if active == draft { before.clone() } else { replay(draft, mapped.as_ref().unwrap_or(history)) };
    let real = Consequences::recorded(history);
    Simulation {
        schema_version: Simulation::SCHEMA_VERSION,
        from: history.from,
        to: history.to,
        weeks: weeks::compare(active, draft, history, mapped.as_ref()),
        difference: difference::difference(&before, &after, &real),
        decisions: decisions::compare_decisions(draft, history),
        self_check: self_check::self_check(active_hash, history, &before, &real),
        left_out: history.left_out.clone(),
    }
}

/// Compares two consequences of the same inputs: what `before` has and what `after` has.
#[must_use]
pub fn compare(before: &Consequences, after: &Consequences) -> Difference {
    difference::difference(before, after, &Consequences::default())
}

#[cfg(test)]
mod tests;
