//! Explaining recorded decisions: which guardrails matched and why, as far as a record has what they read.

use std::collections::BTreeMap;

use age_model::{AccessRequest, Decision, EnginePosture, Posture, ReasonCode, Severity, SeverityCounts, Verdict};
use serde_json::json;

use crate::document::Policy;
use crate::guardrail_document::{Guardrail, IncidentCondition};
use crate::guardrails::condition::{Condition, conditions};
use crate::guardrails::finding::{Finding, MAX_REASONS};
use crate::guardrails::fleet_state::FleetState;

/// Whether a guardrail matched a request that was decided, or whether one of its conditions was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedMatch {
    /// All conditions were met.
    Matched,
    /// A condition was not met.
    NotMatched,
    /// No condition was false, and one could not be evaluated.
    Unknown,
    /// The decision was recorded without what a condition reads.
    NotRecorded,
}

/// Whether a guardrail matched a request that was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRule {
    /// The id of the guardrail.
    pub rule: String,
    /// The verdict of the guardrail, if it matches.
    pub verdict: Verdict,
    /// The reason that callers are given.
    pub message: String,
    /// Whether the guardrail matched.
    pub result: RecordedMatch,
    /// The conditions. A guardrail without conditions matches every request.
    pub conditions: Vec<RecordedCondition>,
}

/// Whether a condition was met, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCondition {
    /// The condition, such as `context.amount is above 1000`.
    pub condition: String,
    /// Whether the condition was met.
    pub result: RecordedMatch,
    /// The value that the request or the state had instead, or why the condition could not be evaluated.
    pub detail: Option<String>,
}

/// Explains for each guardrail of the `policy` that decided, in its order, whether it matched. The guardrails are evaluated again on
/// what was recorded of the request and of the state of the fleet. The recorded reasons come first: what follows from them is
/// explained as it was.
#[must_use]
pub fn explain_recorded(policy: &Policy, decision: &Decision) -> Vec<RecordedRule> {
    let record = Record::of(decision);
    policy.guardrails.iter().map(|guardrail| record.explain(guardrail)).collect()
}

/// The recorded part of a request, and of the state that it was decided by.
struct Record<'a> {
    decision: &'a Decision,
    /// The request without the fields that were not recorded. None if the recorded fields are no request.
    request: Option<AccessRequest>,
    /// Whether the request was recorded with all of its fields.
    is_whole: bool,
    posture: Option<Posture>,
    verdict: Option<EvaluatedVerdict>,
}

/// The verdict of the guardrails, before an approval changed it.
struct EvaluatedVerdict {
    verdict: Verdict,
    /// Whether the decision has every reason of the verdict.
    has_all_reasons: bool,
}

impl<'a> Record<'a> {
    fn of(decision: &'a Decision) -> Self {
        let payload = decision.request.payload.as_deref().and_then(|payload| AccessRequest::from_json(payload).ok());
        Self {
            decision,
            is_whole: payload.is_some(),
            request: payload.or_else(|| identified(decision)),
            posture: posture(decision),
            verdict: evaluated_verdict(decision),
        }
    }

    fn explain(&self, guardrail: &Guardrail) -> RecordedRule {
        let mut conditions: Vec<_> = conditions(guardrail).map(|condition| self.condition(&condition)).collect();
        let result = self.reasoned(guardrail).unwrap_or_else(|| combined(&conditions));
        conclude(result, &mut conditions);
        RecordedRule {
            rule: guardrail.id.clone(),
            verdict: guardrail.verdict,
            message: guardrail.message.clone(),
            result,
            conditions,
        }
    }

    fn condition(&self, condition: &Condition<'_>) -> RecordedCondition {
        let request = self.request.as_ref().filter(|_| self.has(condition));
        let (result, detail) = request.map_or((RecordedMatch::NotRecorded, None), |request| {
            let Decision { engine, decided_at, .. } = *self.decision;
            let state = FleetState { engine, now: decided_at, posture: self.posture.as_ref(), holds: &[] };
            match condition.find(request, &state) {
                Finding::Met => (RecordedMatch::Matched, None),
                Finding::NotMet => (RecordedMatch::NotMatched, condition.found(request, &state)),
                Finding::Unknown(_, detail) => (RecordedMatch::Unknown, Some(detail)),
            }
        });
        RecordedCondition { condition: condition.to_string(), result, detail }
    }

    /// Whether the record has what `condition` reads.
    fn has(&self, condition: &Condition<'_>) -> bool {
        let is_current = self.posture.as_ref().is_some_and(|posture| posture.is_current(self.decision.decided_at));
        match condition {
            Condition::Field(field, _) => self.is_whole || field.identifies(),
            Condition::Engines(_) | Condition::Level(_) => true,
            // What is too old, or was never written, is unknown whatever it says.
            Condition::Incident(_) | Condition::Remediation(_) if !is_current => true,
            Condition::Incident(condition) => self.has_incidents(condition),
            Condition::Held(_) | Condition::Remediation(_) => false,
        }
    }

    /// Whether the record has the incidents that `condition` is about: open ones of the engine that asked.
    fn has_incidents(&self, condition: &IncidentCondition) -> bool {
        let of_asking = condition.engine.is_none_or(|engine| engine == self.decision.engine);
        let is_severe = |severity: &Severity| *severity >= condition.severity;
        let mut open = self.decision.posture.iter().flat_map(|posture| posture.incidents.keys());
        // If none is open, none is unacknowledged.
        of_asking && (!condition.unacknowledged || !open.any(is_severe))
    }

    /// Returns the result of `guardrail` that follows from the recorded reasons.
    fn reasoned(&self, guardrail: &Guardrail) -> Option<RecordedMatch> {
        let reason = self.decision.reasons.iter().find(|reason| reason.rule.as_ref() == Some(&guardrail.id));
        match reason.map(|reason| reason.code) {
            Some(ReasonCode::RuleMatched) => return Some(RecordedMatch::Matched),
            Some(ReasonCode::Unknown(_)) => return None,
            Some(_) => return Some(RecordedMatch::Unknown),
            None => {}
        }
        let EvaluatedVerdict { verdict, has_all_reasons } = self.verdict.as_ref()?;
        // A guardrail that allows gives no reason for what is unknown. Each other one that matches makes the verdict at least as strict
        // as its own.
        let would_show = guardrail.verdict != Verdict::Allow && guardrail.verdict == *verdict && *has_all_reasons;
        (guardrail.verdict > *verdict || would_show).then_some(RecordedMatch::NotMatched)
    }
}

/// Returns the request that has only the fields that every record has.
fn identified(decision: &Decision) -> Option<AccessRequest> {
    let request = &decision.request;
    let fields = json!({
        "subject": { "type": request.subject_type, "id": request.subject_id },
        "action": { "name": request.action },
        "resource": { "type": request.resource_type, "id": request.resource_id },
    });
    AccessRequest::from_json(&fields.to_string()).ok()
}

/// Returns the posture with what was recorded of it.
fn posture(decision: &Decision) -> Option<Posture> {
    let recorded = decision.posture.as_ref()?;
    let mut open_incidents = SeverityCounts::default();
    for (severity, number) in &recorded.incidents {
        open_incidents.add(*severity, *number);
    }
    let of_engine = EnginePosture { open_incidents, ..EnginePosture::default() };
    Some(Posture {
        as_of: recorded.as_of,
        policy_hash: decision.policy_hash,
        levels: recorded.levels.clone(),
        engines: BTreeMap::from([(decision.engine, of_engine)]),
    })
}

/// Returns the verdict of the guardrails. None if they were not asked, or a later version has given a reason of its own.
fn evaluated_verdict(decision: &Decision) -> Option<EvaluatedVerdict> {
    use ReasonCode as Code;
    let reasons = &decision.reasons;
    let has = |is_one: fn(&Code) -> bool| reasons.iter().any(|reason| is_one(&reason.code));
    if has(|code| matches!(code, Code::Held | Code::Unknown(_))) {
        return None;
    }
    if has(|code| *code == Code::NoRule) {
        // No guardrail that denies or needs approval matched, as if they had allowed it.
        return Some(EvaluatedVerdict { verdict: Verdict::Allow, has_all_reasons: true });
    }
    let has_all_reasons = reasons.iter().filter(|reason| reason.rule.is_some()).count() < MAX_REASONS;
    Some(if decision.approved_by_decision.is_some() {
        EvaluatedVerdict { verdict: Verdict::NeedsApproval, has_all_reasons }
    } else if reasons.iter().all(|reason| reason.rule.is_some()) {
        EvaluatedVerdict { verdict: decision.verdict, has_all_reasons }
    } else {
        // An approval that does not permit the operation replaces the reasons of the guardrails that needed it.
        EvaluatedVerdict { verdict: Verdict::NeedsApproval, has_all_reasons: false }
    })
}

/// Returns the result of a guardrail with these conditions.
fn combined(conditions: &[RecordedCondition]) -> RecordedMatch {
    let has = |result: &RecordedMatch| conditions.iter().any(|condition| condition.result == *result);
    let strongest = [RecordedMatch::NotMatched, RecordedMatch::NotRecorded, RecordedMatch::Unknown];
    strongest.into_iter().find(has).unwrap_or(RecordedMatch::Matched)
}

/// Fills in what follows from the `result` of a guardrail for those of its conditions that were not recorded.
fn conclude(result: RecordedMatch, conditions: &mut [RecordedCondition]) {
    let are_all_others_met = conditions.iter().filter(|it| it.result != RecordedMatch::Matched).count() == 1;
    let concluded = match result {
        RecordedMatch::Matched => RecordedMatch::Matched,
        RecordedMatch::NotMatched if are_all_others_met => RecordedMatch::NotMatched,
        _ => return,
    };
    for condition in conditions.iter_mut().filter(|condition| condition.result == RecordedMatch::NotRecorded) {
        condition.result = concluded;
    }
}

#[cfg(test)]
mod tests {
    use age_model::{DecisionReason, RiskLevel};
    use serde_json::Value;

    use super::*;
    use crate::guardrails::test_data::{engine, healthy, hold, policy, recorded, refund, state};

    /// Returns the result of each guardrail and of its conditions, one letter each: matched, not matched, unknown, and `?` for what was
    /// not recorded.
    fn results(policy: &Policy, decision: &Decision) -> Vec<String> {
        let letter = |result: RecordedMatch| match result {
            RecordedMatch::Matched => 'm',
            RecordedMatch::NotMatched => 'n',
            RecordedMatch::Unknown => 'u',
            RecordedMatch::NotRecorded => '?',
        };
        let line = |rule: RecordedRule| {
            let conditions: String = rule.conditions.iter().map(|condition| letter(condition.result)).collect();
            format!("{} {} {conditions}", rule.rule, letter(rule.result))
        };
        explain_recorded(policy, decision).into_iter().map(line).collect()
    }

    fn guardrail(id: &str, verdict: &str, context: &Value) -> Value {
        let request = json!({ "action": { "name": { "equals": "refund" } }, "context": context });
        json!({ "id": id, "verdict": verdict, "message": id, "match": request })
    }

    fn refunds() -> Policy {
        policy(&json!([
            guardrail("refunds", "allow", &json!({})),
            guardrail("small", "allow", &json!({ "amount": { "below": 100 } })),
            guardrail("large", "needs_approval", &json!({ "amount": { "above": 1000 } })),
            guardrail("foreign", "deny", &json!({ "currency": { "equals": "USD" }, "amount": { "above": 5000 } })),
        ]))
    }

    #[test]
    fn whole_request_is_explained_as_when_it_was_decided() {
        let (policy, posture) = (refunds(), healthy());
        let request = refund(json!({ "amount": 2000, "currency": "EUR" }));
        let decision = recorded(&policy, &request, &state(Some(&posture), &[]), true);
        assert_eq!(results(&policy, &decision), ["refunds m m", "small n mn", "large m mm", "foreign n mnn"]);
        let rules = explain_recorded(&policy, &decision);
        assert_eq!(rules[1].conditions[1].condition, "context.amount is below 100");
        assert_eq!(rules[1].conditions[1].detail.as_deref(), Some("context.amount is 2000"));
        assert_eq!((rules[2].verdict, rules[2].message.as_str()), (Verdict::NeedsApproval, "large"));
    }

    #[test]
    fn digest_alone_is_explained_by_the_recorded_reasons() {
        let (policy, posture) = (refunds(), healthy());
        let decide = |context| recorded(&policy, &refund(context), &state(Some(&posture), &[]), false);
        let approval = decide(json!({ "amount": 2000, "currency": "EUR" }));
        // Which of two conditions was not met is not known.
        assert_eq!(results(&policy, &approval), ["refunds m m", "small ? m?", "large m mm", "foreign n m??"]);
        let allowed = decide(json!({ "amount": 20, "currency": "EUR" }));
        assert_eq!(results(&policy, &allowed), ["refunds m m", "small m mm", "large n mn", "foreign n m??"]);
        let denied = decide(json!({ "amount": 6000 }));
        assert_eq!(results(&policy, &denied), ["refunds m m", "small ? m?", "large ? m?", "foreign u m??"]);
        let other = Policy { guardrails: policy.guardrails[1..].to_vec(), ..policy.clone() };
        let no_rule = recorded(&other, &refund(json!({ "amount": 500, "currency": "EUR" })), &state(None, &[]), false);
        assert_eq!(results(&other, &no_rule), ["small ? m?", "large n mn", "foreign n m??"]);
    }

    #[test]
    fn approval_does_not_hide_what_needed_it() {
        let (policy, posture) = (refunds(), healthy());
        let request = refund(json!({ "amount": 2000, "currency": "EUR" }));
        let pending = recorded(&policy, &request, &state(Some(&posture), &[]), false);
        let reason = |code| DecisionReason { rule: None, code, message: "a decision".to_owned() };
        let mut used = Decision { verdict: Verdict::Allow, approved_by_decision: Some(pending.id), ..pending.clone() };
        used.reasons.push(reason(ReasonCode::Approved));
        assert_eq!(results(&policy, &used), results(&policy, &pending));
        let reasons = vec![reason(ReasonCode::ApprovalUsed)];
        let refused = Decision { verdict: Verdict::Deny, reasons, ..pending };
        assert_eq!(results(&policy, &refused), ["refunds m m", "small ? m?", "large ? m?", "foreign n m??"]);
        let later = Decision { reasons: vec![reason(ReasonCode::stored("a_later_code"))], ..refused };
        assert_eq!(results(&policy, &later), ["refunds m m", "small ? m?", "large ? m?", "foreign ? m??"]);
    }

    #[test]
    fn state_is_explained_as_far_as_it_was_recorded() {
        let incident = |fields: Value| json!({ "state": { "open_incident": fields } });
        let state_of = |conditions: Value| json!({ "state": conditions });
        let conditions = [
            ("m", state_of(json!({ "at_level": { "category": "billing_risk", "level": "HIGH" } }))),
            ("n", state_of(json!({ "at_level": { "category": "security_risk", "level": "HIGH" } }))),
            ("m", incident(json!({ "severity": "HIGH" }))),
            ("n", incident(json!({ "severity": "CRITICAL" }))),
            ("?", incident(json!({ "severity": "HIGH", "unacknowledged": true }))),
            ("n", incident(json!({ "severity": "CRITICAL", "unacknowledged": true }))),
            ("?", incident(json!({ "severity": "HIGH", "engine": "qa" }))),
            ("?", state_of(json!({ "ineffective_within": { "seconds": 60 } }))),
            ("?", state_of(json!({ "held": { "engine": "qa" } }))),
        ];
        let rule = |(number, (_, conditions)): (usize, &(&str, Value))| {
            let mut rule = conditions.clone();
            rule["id"] = format!("rule_{number}").into();
            rule["verdict"] = "allow".into();
            rule["message"] = "allowed".into();
            rule
        };
        let rules: Value = conditions.iter().enumerate().map(rule).collect();
        let policy = policy(&rules);
        let mut posture = healthy();
        posture.levels.insert("billing_risk".to_owned(), RiskLevel::High);
        let open_incidents = crate::guardrails::test_data::counts(Severity::High);
        posture.engines.insert(engine("billing"), EnginePosture { open_incidents, ..EnginePosture::default() });
        // A hold denies before any guardrail, so no reason says more than the state.
        let holds = [hold("billing", None, 60)];
        let letters = |posture: Option<&Posture>| -> Vec<String> {
            let decision = recorded(&policy, &refund(json!({})), &state(posture, &holds), true);
            let results = results(&policy, &decision);
            results.iter().map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect()
        };
        let expected: Vec<_> = conditions.iter().map(|(letter, _)| (*letter).to_owned()).collect();
        assert_eq!(letters(Some(&posture)), expected);
        posture.as_of = posture.as_of.plus_seconds(-151);
        let unknown = ["u", "u", "u", "u", "u", "u", "u", "u", "?"];
        assert_eq!(
            (letters(Some(&posture)), letters(None)),
            (unknown.map(str::to_owned).to_vec(), unknown.map(str::to_owned).to_vec())
        );
    }
}
