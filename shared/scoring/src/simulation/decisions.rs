//! The decisions of a period under the versions that decided and under a draft.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{DecisionId, Timestamp, Verdict};
use age_policy::{Policy, RecordedEvaluation, UnrecordedInput, evaluate_recorded};

use crate::simulation::decision_result::{
    DecisionComparison, DecisionReasonCount, DecisionSelfCheck, SimulatedDecision, SimulatedDecisions,
    SimulatedVerdict, UnreproducedDecision, UnreproducedVerdictReason, VerdictCount,
};
use crate::simulation::history::History;
use crate::simulation::listed::FirstOf;
use crate::simulation::recorded_decisions::RecordedDecision;

/// The most bytes of JSON of the list of decisions that change.
const MAX_CHANGED_BYTES: usize = 30_000;

/// The most bytes of JSON of each list of decisions about which something is unknown.
const MAX_UNKNOWN_BYTES: usize = 10_000;

/// The most inputs that an item names, and the most characters of each: paths of fields may be long.
const MAX_INPUTS: usize = 5;
const MAX_INPUT_CHARS: usize = 100;

type Position = (Timestamp, DecisionId);

/// Evaluates the decisions of `history` under `draft`, and checks how far the versions that decided give the recorded verdicts again.
pub(super) fn compare_decisions(draft: &Policy, history: &History) -> DecisionComparison {
    let mut found = Found {
        verdicts: BTreeMap::new(),
        changed: FirstOf::new(),
        unknown: FirstOf::new(),
        reproduced: 0,
        reasons: BTreeMap::new(),
        unreproduced: FirstOf::new(),
    };
    for decision in &history.decisions {
        found.add(decision, draft, history.policy_versions.get(&decision.policy_hash));
    }
    found.finish()
}

struct Found {
    verdicts: BTreeMap<(Verdict, SimulatedVerdict), u64>,
    changed: FirstOf<Position, SimulatedDecision>,
    unknown: FirstOf<Position, SimulatedDecision>,
    reproduced: u64,
    reasons: BTreeMap<UnreproducedVerdictReason, u64>,
    unreproduced: FirstOf<(UnreproducedVerdictReason, Position), UnreproducedDecision>,
}

impl Found {
    fn add(&mut self, decision: &RecordedDecision, draft: &Policy, decided_by: Option<&Policy>) {
        let request = decision.to_request();
        let evaluate = |policy| Some(evaluate_recorded(policy, decided_by, request.as_ref().ok()?));
        let (again, after) = (decided_by.and_then(evaluate), evaluate(draft));
        let reason = self.check(decision, again);
        // The record does not explain the verdict, so it shows nothing about another policy.
        let is_usable = reason != Some(UnreproducedVerdictReason::Unexplained);
        let after = after.filter(|_| is_usable).unwrap_or_else(unknown);
        let verdict = SimulatedVerdict::from(after.verdict);
        *self.verdicts.entry((decision.verdict, verdict)).or_default() += 1;
        let list = match after.verdict {
            None => &mut self.unknown,
            Some(verdict) if verdict != decision.verdict => &mut self.changed,
            Some(_) => return,
        };
        list.add((decision.decided_at, decision.id), || simulated(decision, after));
    }

    /// Compares the verdict that the version that decided gives again with the recorded one. Returns why they are not the same.
    fn check(
        &mut self,
        decision: &RecordedDecision,
        again: Option<RecordedEvaluation>,
    ) -> Option<UnreproducedVerdictReason> {
        let reason = match &again {
            None => UnreproducedVerdictReason::Unreadable,
            Some(again) if again.verdict == Some(decision.verdict) => {
                self.reproduced += 1;
                return None;
            }
            Some(RecordedEvaluation { verdict: Some(_), .. }) => UnreproducedVerdictReason::Unexplained,
            Some(again) if again.unrecorded.iter().any(|input| matches!(input, UnrecordedInput::Field(_))) => {
                UnreproducedVerdictReason::RequestNotRecorded
            }
            Some(_) => UnreproducedVerdictReason::StateNotRecorded,
        };
        *self.reasons.entry(reason).or_default() += 1;
        self.unreproduced.add((reason, (decision.decided_at, decision.id)), || {
            let again = again.unwrap_or_else(unknown);
            UnreproducedDecision {
                reason,
                id: decision.id,
                decided_at: decision.decided_at,
                engine: decision.engine,
                action: decision.action.clone(),
                policy_hash: decision.policy_hash,
                recorded: decision.verdict,
                simulated: again.verdict.into(),
                unrecorded: inputs(again.unrecorded),
            }
        });
        Some(reason)
    }

    fn finish(self) -> DecisionComparison {
        let total = self.verdicts.values().sum();
        let verdicts = self.verdicts.into_iter();
        let reasons = self.reasons.into_iter();
        let (not_reproduced, items) = self.unreproduced.into_total_and_items(MAX_UNKNOWN_BYTES);
        DecisionComparison {
            total,
            verdicts: verdicts.map(|((before, after), count)| VerdictCount { before, after, count }).collect(),
            changed: listed(self.changed, MAX_CHANGED_BYTES),
            unknown: listed(self.unknown, MAX_UNKNOWN_BYTES),
            self_check: DecisionSelfCheck {
                reproduced: self.reproduced,
                not_reproduced,
                reasons: reasons.map(|(reason, count)| DecisionReasonCount { reason, count }).collect(),
                items,
            },
        }
    }
}

fn listed(found: FirstOf<Position, SimulatedDecision>, max_bytes: usize) -> SimulatedDecisions {
    let (total, items) = found.into_total_and_items(max_bytes);
    SimulatedDecisions { total, items }
}

fn simulated(decision: &RecordedDecision, after: RecordedEvaluation) -> SimulatedDecision {
    let RecordedEvaluation { verdict, rules, unrecorded } = after;
    SimulatedDecision {
        id: decision.id,
        decided_at: decision.decided_at,
        engine: decision.engine,
        action: decision.action.clone(),
        resource_type: decision.resource_type.clone(),
        resource_id: decision.resource_id.clone(),
        policy_hash: decision.policy_hash,
        before: decision.verdict,
        rules_before: decision.rules.clone(),
        after: verdict.into(),
        rules_after: rules,
        unrecorded: inputs(unrecorded),
        approval: decision.approval,
        followed_by: decision.followed_by,
    }
}

/// Returns the evaluation of a record that shows nothing.
const fn unknown() -> RecordedEvaluation {
    RecordedEvaluation { verdict: None, rules: Vec::new(), unrecorded: BTreeSet::new() }
}

fn inputs(unrecorded: BTreeSet<UnrecordedInput>) -> Vec<String> {
    let text = |input| match input {
        UnrecordedInput::Field(text) | UnrecordedInput::State(text) => age_model::shortened(&text, MAX_INPUT_CHARS),
    };
    unrecorded.into_iter().map(text).take(MAX_INPUTS).collect()
}
