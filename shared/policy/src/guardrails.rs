//! Guardrails: may this operation run? Every guardrail is evaluated; the strictest verdict of those that match is the answer.

mod condition;
mod field_condition;
mod finding;
mod fleet_state;
pub(crate) mod record_evaluation;
mod recorded;
mod state_condition;

use age_model::{AccessRequest, DecisionReason, Hold, HoldOrigin, ReasonCode, Verdict, visible_line};
use serde::Serialize;
use utoipa::ToSchema;

use crate::document::Policy;
use crate::guardrail_document::{FieldValue, Guardrail};

pub(crate) use condition::{Condition, conditions};
use finding::{Finding, MAX_REASONS};
pub use fleet_state::FleetState;
pub use recorded::{RecordedCondition, RecordedMatch, RecordedRule, explain_recorded};

/// The answer of the guardrails to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The strictest verdict, one that this version knows.
    pub verdict: Verdict,
    /// The reasons of the verdict, sorted by the ids of the guardrails, at most 10.
    pub reasons: Vec<DecisionReason>,
    /// Whether the answer depends on the posture.
    pub used_posture: bool,
}

/// Decides about a request. The order of the policy's guardrails has no effect.
#[must_use]
pub fn evaluate(policy: &Policy, request: &AccessRequest, state: &FleetState<'_>) -> Evaluation {
    let held = hold_reasons(request, state);
    if !held.is_empty() {
        return Evaluation { verdict: Verdict::Deny, reasons: held, used_posture: false };
    }
    let mut used_posture = false;
    // Few of the guardrails match, so only those are collected and sorted.
    let mut matching = Vec::new();
    for guardrail in policy.guardrails.iter().filter(|guardrail| !is_about_another_operation(guardrail, request)) {
        let outcome = outcome(guardrail, request, state);
        used_posture |= outcome.used_posture;
        matching.extend(outcome.verdict.map(|verdict| (verdict, outcome.reasons)));
    }
    let Some(verdict) = matching.iter().map(|(verdict, _)| *verdict).max() else {
        let message = "no guardrail of the policy matches the request".to_owned();
        let reasons = vec![DecisionReason { rule: None, code: ReasonCode::NoRule, message }];
        return Evaluation { verdict: Verdict::Deny, reasons, used_posture };
    };
    let strictest = matching.into_iter().filter(|(of_guardrail, _)| *of_guardrail == verdict);
    let mut reasons: Vec<_> = strictest.flat_map(|(_, reasons)| reasons).collect();
    reasons.sort_by(|one, other| one.rule.cmp(&other.rule));
    reasons.truncate(MAX_REASONS);
    Evaluation { verdict, reasons, used_posture }
}

/// Whether `guardrail` is about one operation, and `request` about another. That condition is false, so the guardrail does not match. It
/// is tested before all others because most guardrails have it and the test costs little.
fn is_about_another_operation(guardrail: &Guardrail, request: &AccessRequest) -> bool {
    let name = guardrail.request.action.get("name").and_then(|condition| condition.equals.as_ref());
    matches!(name, Some(FieldValue::Text(name)) if *name != request.action.name)
}

/// Returns a reason for each active hold that stops the request, whatever the guardrails say.
fn hold_reasons(request: &AccessRequest, state: &FleetState<'_>) -> Vec<DecisionReason> {
    let stops = |hold: &&Hold| hold.is_active(state.now) && hold.stops(state.engine, &request.action.name);
    let mut holds: Vec<_> = state.holds.iter().filter(stops).collect();
    holds.sort_by_key(|hold| hold.id);
    let reason = |hold: &Hold| {
        let held = match &hold.operation {
            Some(operation) => format!("{} of {}", visible_line(operation), hold.engine),
            None => hold.engine.to_string(),
        };
        let origin = match &hold.set_by {
            HoldOrigin::Person(person) => person.to_string(),
            HoldOrigin::Policy(rule) => format!("the policy's hold rule {}", visible_line(rule)),
        };
        let message =
            format!("{held} is on hold until {}, set by {origin}: {}", hold.until, visible_line(&hold.reason));
        DecisionReason { rule: None, code: ReasonCode::Held, message }
    };
    holds.into_iter().map(reason).take(MAX_REASONS).collect()
}

/// The result of one guardrail for a request.
struct Outcome {
    /// None if the guardrail does not match, or allows only what is certain.
    verdict: Option<Verdict>,
    reasons: Vec<DecisionReason>,
    used_posture: bool,
}

fn outcome(guardrail: &Guardrail, request: &AccessRequest, state: &FleetState<'_>) -> Outcome {
    let reason = |code, message| DecisionReason { rule: Some(guardrail.id.clone()), code, message };
    let mut used_posture = false;
    let mut reasons = Vec::new();
    let is_false = conditions(guardrail).any(|condition| {
        used_posture |= condition.reads_posture();
        let finding = condition.find(request, state);
        if let Finding::Unknown(code, detail) = &finding {
            reasons.push(reason(*code, format!("{detail}; guardrail {} reads it", guardrail.id)));
        }
        finding == Finding::NotMet
    });
    if is_false {
        return Outcome { verdict: None, reasons: Vec::new(), used_posture };
    }
    let verdict = verdict_of(guardrail, !reasons.is_empty());
    if reasons.is_empty() {
        reasons.push(reason(ReasonCode::RuleMatched, guardrail.message.clone()));
    }
    Outcome { verdict, reasons, used_posture }
}

/// Returns the verdict of a guardrail of which no condition is false, and one is unknown if `is_unknown`; None if it does not match.
fn verdict_of(guardrail: &Guardrail, is_unknown: bool) -> Option<Verdict> {
    // INVARIANT: whatever is unknown permits nothing. A verdict of a later version is stricter than those known, so it denies.
    match (guardrail.verdict, is_unknown) {
        (Verdict::Allow, true) => None,
        (verdict @ (Verdict::Allow | Verdict::NeedsApproval), false) => Some(verdict),
        _ => Some(Verdict::Deny),
    }
}

/// Whether a condition is met, or a guardrail matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchResult {
    /// All conditions are met.
    Matched,
    /// A condition is not met.
    NotMatched,
    /// No condition is false, and one cannot be evaluated.
    Unknown,
}

/// Whether a guardrail matches a request, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleExplanation {
    /// The id of the guardrail.
    pub rule: String,
    /// The verdict of the guardrail, if it matches.
    pub verdict: Verdict,
    /// Whether the guardrail matches.
    pub result: MatchResult,
    /// The conditions. A guardrail without conditions matches every request.
    pub conditions: Vec<ConditionExplanation>,
}

/// Whether a condition is met, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConditionExplanation {
    /// The condition, such as `context.amount is above 1000`.
    pub condition: String,
    /// Whether the condition is met.
    pub result: MatchResult,
    /// Why the condition cannot be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<ReasonCode>,
    /// The value that the request or the state has instead, or why the condition cannot be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// Explains for each guardrail, in the order of the policy, whether it matches a request. Holds are none of them.
#[must_use]
pub fn explain(policy: &Policy, request: &AccessRequest, state: &FleetState<'_>) -> Vec<RuleExplanation> {
    let explain_rule = |guardrail: &Guardrail| {
        let conditions: Vec<_> =
            conditions(guardrail).map(|condition| explain_condition(&condition, request, state)).collect();
        let has = |result| conditions.iter().any(|condition| condition.result == result);
        let result = if has(MatchResult::NotMatched) {
            MatchResult::NotMatched
        } else if has(MatchResult::Unknown) {
            MatchResult::Unknown
        } else {
            MatchResult::Matched
        };
        RuleExplanation { rule: guardrail.id.clone(), verdict: guardrail.verdict, result, conditions }
    };
    policy.guardrails.iter().map(explain_rule).collect()
}

fn explain_condition(
    condition: &Condition<'_>,
    request: &AccessRequest,
    state: &FleetState<'_>,
) -> ConditionExplanation {
    let (result, code, detail) = match condition.find(request, state) {
        Finding::Met => (MatchResult::Matched, None, None),
        Finding::NotMet => (MatchResult::NotMatched, None, condition.found(request, state)),
        Finding::Unknown(code, detail) => (MatchResult::Unknown, Some(code), Some(detail)),
    };
    ConditionExplanation { condition: condition.to_string(), result, code, detail }
}

#[cfg(all(test, feature = "toml"))]
mod fixture_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod record_evaluation_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod test_data;
