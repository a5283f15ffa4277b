//! Guardrails evaluated on the record of a decision. A field or a state that is not recorded is neither missing nor false: the verdict
//! that depends on it is unknown.

use std::collections::BTreeSet;

use age_model::{
    AccessRequest, DecisionPosture, Engine, EnginePosture, PolicyHash, Posture, Severity, SeverityCounts, Timestamp,
    Verdict,
};

use crate::document::Policy;
use crate::guardrail_document::{Guardrail, IncidentCondition};
use crate::guardrails::condition::{Condition, conditions};
use crate::guardrails::field_condition::FieldTest;
use crate::guardrails::finding::Finding;
use crate::guardrails::fleet_state::FleetState;
use crate::guardrails::verdict_of;

/// The record of a request for a decision, and of the state by which it was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// The engine that asked.
    pub engine: Engine,
    /// The time of the request.
    pub at: Timestamp,
    /// The request. If it was recorded as a digest, it has the types, ids and names of its parts alone.
    pub request: AccessRequest,
    /// Whether all fields of the request are recorded.
    pub is_whole: bool,
    /// The posture, if AGE had one: the levels of all categories, and the open incidents of the engine.
    pub posture: Option<DecisionPosture>,
    /// Whether a hold stopped the operation.
    pub is_held: bool,
}

/// The verdict of guardrails on a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvaluation {
    /// The verdict; None if it depends on what is not recorded.
    pub verdict: Option<Verdict>,
    /// The ids of the guardrails that have the verdict, sorted, at most 10.
    pub rules: Vec<String>,
    /// The inputs that decide and are not recorded, sorted; empty if the verdict is known.
    pub unrecorded: BTreeSet<UnrecordedInput>,
}

/// An input of a condition that is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnrecordedInput {
    /// A field of the request, such as `context.amount`.
    Field(String),
    /// The condition on the state of the fleet, such as `qa is on hold`.
    State(String),
}

/// The most guardrails that a verdict names.
const MAX_RULES: usize = 10;

/// Evaluates the guardrails of `policy` on a record. `decided_by` is the policy version that decided, which has computed the levels; None
/// if it is not known.
#[must_use]
pub fn evaluate_recorded(
    policy: &Policy,
    decided_by: Option<&Policy>,
    recorded: &RecordedRequest,
) -> RecordedEvaluation {
    let known = |verdict, rules| RecordedEvaluation { verdict: Some(verdict), rules, unrecorded: BTreeSet::new() };
    if recorded.is_held {
        return known(Verdict::Deny, Vec::new());
    }
    let posture = recorded.posture.as_ref().map(|posture| whole_posture(posture, recorded.engine));
    let state = FleetState { engine: recorded.engine, now: recorded.at, posture: posture.as_ref(), holds: &[] };
    let record = Record { recorded, state, levels_of: (policy, decided_by) };
    let outcomes: Vec<(&Guardrail, Outcome)> = policy.guardrails.iter().map(|it| (it, record.outcome(it))).collect();
    let certain = outcomes.iter().filter_map(|(_, outcome)| outcome.certain).max();
    // Any of the uncertain guardrails may match, alone or with others: the strictest verdict is one of these.
    let exceeds = |verdict: &Verdict| certain.is_none_or(|certain| certain < *verdict);
    let mut verdicts: BTreeSet<Verdict> = BTreeSet::from([certain.unwrap_or(Verdict::Deny)]);
    verdicts.extend(outcomes.iter().flat_map(|(_, outcome)| &outcome.possible).copied().filter(exceeds));
    if let (Some(verdict), true) = (verdicts.pop_first(), verdicts.is_empty()) {
        let decides = outcomes.iter().filter(|(_, outcome)| outcome.certain == Some(verdict));
        let rules: BTreeSet<String> = decides.map(|(guardrail, _)| guardrail.id.clone()).collect();
        known(verdict, rules.into_iter().take(MAX_RULES).collect())
    } else {
        let decides = outcomes.into_iter().filter(|(_, outcome)| outcome.possible.iter().any(exceeds));
        let unrecorded = decides.flat_map(|(_, outcome)| outcome.unrecorded).collect();
        RecordedEvaluation { verdict: None, rules: Vec::new(), unrecorded }
    }
}

/// Returns the posture with what a decision records of it. Conditions on the rest are not evaluated.
fn whole_posture(recorded: &DecisionPosture, engine: Engine) -> Posture {
    let mut open_incidents = SeverityCounts::default();
    for (severity, number) in &recorded.incidents {
        open_incidents.add(*severity, *number);
    }
    let of_engine = EnginePosture { open_incidents, ..EnginePosture::default() };
    Posture {
        as_of: recorded.as_of,
        // No condition reads it.
        policy_hash: PolicyHash::from_bytes([0; 32]),
        levels: recorded.levels.clone(),
        engines: [(engine, of_engine)].into(),
    }
}

/// The verdicts that a guardrail may have, given what is recorded.
#[derive(Default)]
struct Outcome {
    /// The verdict, if everything that decides is recorded; None as well if the guardrail does not match.
    certain: Option<Verdict>,
    /// The verdicts that it may have besides not matching, if something that decides is not recorded.
    possible: Vec<Verdict>,
    /// The inputs that are not recorded.
    unrecorded: Vec<UnrecordedInput>,
}

/// A record against which guardrails are evaluated.
struct Record<'a> {
    recorded: &'a RecordedRequest,
    state: FleetState<'a>,
    /// The policy whose guardrails are evaluated, and the one that has computed the levels.
    levels_of: (&'a Policy, Option<&'a Policy>),
}

impl Record<'_> {
    fn outcome(&self, guardrail: &Guardrail) -> Outcome {
        let (mut is_unknown, mut may_be_unknown, mut unrecorded) = (false, false, Vec::new());
        for condition in conditions(guardrail) {
            if let Some(input) = self.unrecorded(&condition) {
                may_be_unknown |= condition.can_be_unknown();
                unrecorded.push(input);
                continue;
            }
            match condition.find(&self.recorded.request, &self.state) {
                Finding::Met => {}
                Finding::NotMet => return Outcome::default(),
                Finding::Unknown(..) => is_unknown = true,
            }
        }
        let verdict = verdict_of(guardrail, is_unknown);
        if unrecorded.is_empty() {
            return Outcome { certain: verdict, ..Outcome::default() };
        }
        let unknown = may_be_unknown.then(|| verdict_of(guardrail, true)).flatten();
        Outcome { certain: None, possible: verdict.into_iter().chain(unknown).collect(), unrecorded }
    }

    /// Returns the input of the condition that is not recorded; None if the record decides on the condition.
    fn unrecorded(&self, condition: &Condition<'_>) -> Option<UnrecordedInput> {
        let is_recorded = match condition {
            Condition::Engines(_) => true,
            Condition::Field(field, _) => {
                let is_recorded = self.recorded.is_whole || field.identifies();
                return (!is_recorded).then(|| UnrecordedInput::Field(field.to_string()));
            }
            // The operation was not stopped, so all operations of its engine were not.
            Condition::Held(held) => held.engine == self.recorded.engine,
            // Without a current posture, no condition on the posture is met or not met.
            _ if !self.has_current_posture() => true,
            Condition::Level(level) => self.levels_are_alike(&level.category),
            Condition::Incident(incident) => self.has_incidents_of(incident),
            Condition::Remediation(_) => false,
        };
        (!is_recorded).then(|| UnrecordedInput::State(condition.to_string()))
    }

    fn has_current_posture(&self) -> bool {
        self.state.posture.is_some_and(|posture| posture.is_current(self.state.now))
    }

    /// Whether both policies compute the level of a category in the same way.
    fn levels_are_alike(&self, category: &str) -> bool {
        let (policy, Some(decided_by)) = self.levels_of else { return false };
        let engines = |policy: &Policy| -> Option<BTreeSet<Engine>> {
            let category = policy.categories.iter().find(|it| it.name == category)?;
            Some(category.engines.iter().copied().collect())
        };
        let scores = |policy: &Policy| (policy.weights.clone(), policy.levels.clone(), policy.score_cap);
        engines(policy) == engines(decided_by) && scores(policy) == scores(decided_by)
    }

    /// Whether the record decides on the condition: it has the open incidents of the engine, and not which of them nobody has
    /// acknowledged.
    fn has_incidents_of(&self, condition: &IncidentCondition) -> bool {
        if condition.engine.is_some_and(|engine| engine != self.recorded.engine) {
            return false;
        }
        let open = self.state.posture.map(|posture| posture.engine(self.recorded.engine).open_incidents);
        let is_open = |severity: &&Severity| open.is_some_and(|open| open.of(**severity) > 0);
        let severe = Severity::ALL.iter().filter(|severity| **severity >= condition.severity);
        !condition.unacknowledged || severe.filter(is_open).count() == 0
    }
}

impl Condition<'_> {
    /// Whether the condition is neither met nor not met for some request, or some state that is current.
    const fn can_be_unknown(&self) -> bool {
        match self {
            Self::Field(_, test) => !matches!(test, FieldTest::Exists(_)),
            Self::Level(_) | Self::Incident(_) => true,
            Self::Engines(_) | Self::Held(_) | Self::Remediation(_) => false,
        }
    }
}
