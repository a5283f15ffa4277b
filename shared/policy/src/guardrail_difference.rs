//! Changes of guardrails and of the rules of decisions, by whom they affect.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Verdict, format_duration};

use crate::decision_document::{DecisionRules, HoldRule, OnUnavailable};
use crate::document::Policy;
use crate::guardrail_document::Guardrail;
use crate::guardrails::{Condition, conditions};
use crate::policy_change::{PolicyChange, listed};

/// Returns the changes of guardrails.
pub(crate) fn guardrail_changes(old: &Policy, new: &Policy) -> Vec<PolicyChange> {
    let by_id = |policy: &Policy| -> BTreeMap<String, Guardrail> {
        policy.guardrails.iter().map(|guardrail| (guardrail.id.clone(), guardrail.clone())).collect()
    };
    let change = |id: &str, sentence| vec![PolicyChange::new(format!("guardrail {id}"), sentence)];
    let mut changes = changes_by_key(&by_id(old), &by_id(new), |id, before, after| match (before, after) {
        (None, Some(added)) => change(id, format!("Guardrail {id} is added: {}.", guardrail_effect(added))),
        (Some(removed), None) => {
            change(id, format!("Guardrail {id} is removed. By it, {}.", guardrail_effect(removed)))
        }
        (Some(before), Some(after)) => changes_of_guardrail(before, after),
        (None, None) => Vec::new(),
    });
    let ids =
        |policy: &Policy, other: &Policy| common_ids(&policy.guardrails, &other.guardrails, |guardrail| &guardrail.id);
    if ids(old, new) != ids(new, old) {
        changes.push(PolicyChange::new(
            "guardrails",
            "Guardrails are listed in another order, which changes no decision.",
        ));
    }
    changes
}

fn changes_of_guardrail(before: &Guardrail, after: &Guardrail) -> Vec<PolicyChange> {
    let id = &after.id;
    let change = |sentence: String| PolicyChange::new(format!("guardrail {id}"), sentence);
    let mut changes = Vec::new();
    if before.message != after.message {
        let (old, new) = (&before.message, &after.message);
        let sentence = format!("The reason that guardrail {id} gives becomes {new:?}; it was {old:?}.");
        changes.push(PolicyChange { before: Some(old.clone()), after: Some(new.clone()), ..change(sentence) });
    }
    if *before != (Guardrail { message: before.message.clone(), ..after.clone() }) {
        let (old, new) = (guardrail_effect(before), guardrail_effect(after));
        let sentence = format!("Guardrail {id} changes: {new}. Before, {old}.");
        changes.push(PolicyChange { before: Some(old), after: Some(new), ..change(sentence) });
    }
    changes
}

/// Returns what a guardrail does, as a sentence without its end, such as `requests of billing are denied if context.amount is above 5`.
#[must_use]
pub fn guardrail_effect(guardrail: &Guardrail) -> String {
    let of = if guardrail.engines.is_empty() { "every engine".to_owned() } else { listed(&guardrail.engines) };
    let verdict = match guardrail.verdict {
        Verdict::Allow => "are allowed",
        Verdict::NeedsApproval => "need approval",
        Verdict::Deny | Verdict::Unknown(_) => "are denied",
    };
    let conditions: Vec<_> =
        conditions(guardrail).filter(|condition| !matches!(condition, Condition::Engines(_))).collect();
    let when = if conditions.is_empty() { String::new() } else { format!(" if {}", listed(conditions)) };
    format!("requests of {of} {verdict}{when}")
}

/// Returns the changes of the rules of decisions that are no single values.
pub(crate) fn decision_changes(old: &DecisionRules, new: &DecisionRules) -> Vec<PolicyChange> {
    let mut changes = unbound_changes(&old.unbound_context, &new.unbound_context);
    changes.extend(changes_by_key(&old.on_unavailable, &new.on_unavailable, |operation, before, after| {
        let shown =
            |answer: Option<&OnUnavailable>| answer.map_or("deny it".to_owned(), |answer| format!("{answer} it"));
        let sentence = format!(
            "While AGE cannot be asked about {operation:?}, engines {}; before, they {}.",
            shown(after),
            shown(before)
        );
        let raw = |answer: Option<&OnUnavailable>| answer.map(OnUnavailable::to_string);
        let change = PolicyChange::new(format!("operation {operation:?}"), sentence);
        vec![PolicyChange { before: raw(before), after: raw(after), ..change }]
    }));
    changes.extend(changes_by_key(&old.event_types, &new.event_types, |event_type, before, after| {
        let sentence = match (before, after) {
            (None, Some(after)) => format!("Events of type {event_type:?} report {after:?}, and need a permit."),
            (Some(before), None) => {
                format!("Events of type {event_type:?} need no permit any more; they reported {before:?}.")
            }
            (before, after) => format!(
                "Events of type {event_type:?} report {:?}; they reported {:?}.",
                after.map_or("", String::as_str),
                before.map_or("", String::as_str)
            ),
        };
        let change = PolicyChange::new(format!("event type {event_type:?}"), sentence);
        vec![PolicyChange { before: before.cloned(), after: after.cloned(), ..change }]
    }));
    let by_id = |rules: &DecisionRules| -> BTreeMap<String, HoldRule> {
        rules.holds.iter().map(|rule| (rule.id.clone(), rule.clone())).collect()
    };
    changes.extend(changes_by_key(&by_id(old), &by_id(new), |id, before, after| {
        let sentence = match (before.map(hold_effect), after.map(hold_effect)) {
            (None, Some(after)) => format!("Hold rule {id} is added: {after}."),
            (Some(before), None) => format!("Hold rule {id} is removed. By it, {before}."),
            (before, after) => {
                format!(
                    "Hold rule {id} changes: {}. Before, {}.",
                    after.unwrap_or_default(),
                    before.unwrap_or_default()
                )
            }
        };
        vec![PolicyChange::new(format!("hold rule {id}"), sentence)]
    }));
    let ids = |these: &DecisionRules, others: &DecisionRules| common_ids(&these.holds, &others.holds, |rule| &rule.id);
    if ids(old, new) != ids(new, old) {
        changes.push(PolicyChange::new("hold rules", "Hold rules are listed in another order, which changes nothing."));
    }
    changes
}

fn unbound_changes(old: &[String], new: &[String]) -> Vec<PolicyChange> {
    let change = |sentence: String| PolicyChange::new("approvals of decisions", sentence);
    let only_in = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|name| !others.contains(name)).map(|name| format!("context.{name}")).collect()
    };
    let (added, removed) = (only_in(new, old), only_in(old, new));
    let mut changes = Vec::new();
    if !added.is_empty() {
        changes.push(change(format!("Approvals are not bound to {} any more.", listed(&added))));
    }
    if !removed.is_empty() {
        changes.push(change(format!("Approvals are bound to {}.", listed(&removed))));
    }
    if added.is_empty() && removed.is_empty() && old != new {
        changes.push(change("The fields without effect on approvals are listed in another order.".to_owned()));
    }
    changes
}

/// Returns when a rule sets a hold, as a sentence without its end.
fn hold_effect(rule: &HoldRule) -> String {
    let HoldRule { id: _, message, unacknowledged, operations, for_seconds } = rule;
    let operations = if operations.is_empty() { "all operations".to_owned() } else { listed(operations) };
    let longest = format_duration(*for_seconds);
    format!(
        "{operations} of an engine are on hold while it has an unacknowledged incident of {unacknowledged} or above, for up to \
         {longest}, because {message:?}"
    )
}

/// Returns the ids of `these` that `others` have as well, in the order of `these`.
fn common_ids<T>(these: &[T], others: &[T], id: impl Fn(&T) -> &String) -> Vec<String> {
    let others: BTreeSet<_> = others.iter().map(&id).collect();
    these.iter().map(&id).filter(|id| others.contains(id)).cloned().collect()
}

/// Returns the changes of each key whose value changes.
fn changes_by_key<T: PartialEq>(
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    change: impl Fn(&str, Option<&T>, Option<&T>) -> Vec<PolicyChange>,
) -> Vec<PolicyChange> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let of_key = |key: &String| {
        let (before, after) = (old.get(key), new.get(key));
        if before == after { Vec::new() } else { change(key, before, after) }
    };
    keys.into_iter().flat_map(of_key).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::difference::difference;

    fn policy(changes: &Value) -> Policy {
        let mut document = serde_json::to_value(Policy::compiled().unwrap()).unwrap();
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Policy::from_value(&document).unwrap()
    }

    fn sentences(old: &Value, new: &Value) -> Vec<String> {
        difference(&policy(old), &policy(new)).changes.into_iter().map(|change| change.sentence).collect()
    }

    #[test]
    fn changed_guardrails_are_described_by_whom_they_affect() {
        let large = json!({
            "id": "large", "engines": ["billing"], "verdict": "needs_approval", "message": "large refund",
            "match": {"action": {"name": {"equals": "refund"}}, "context": {"amount": {"above": 1000}}},
        });
        let risky = json!({
            "id": "risky", "verdict": "deny", "message": "risky",
            "state": {"at_level": {"category": "billing_risk", "level": "HIGH"}},
        });
        let everything = json!({"id": "everything", "verdict": "allow", "message": "allowed"});
        let rules = |rules: &[&Value]| json!({"guardrails": rules});
        assert_eq!(
            sentences(&rules(&[]), &rules(&[&large, &everything])),
            [
                "Guardrail everything is added: requests of every engine are allowed.",
                "Guardrail large is added: requests of billing need approval if action.name is \"refund\" and \
                 context.amount is above 1000.",
            ]
        );
        let mut changed = large.clone();
        changed["engines"] = json!(["billing", "maos"]);
        changed["message"] = "refund".into();
        changed["match"]["context"]["amount"]["above"] = json!(99.5);
        assert_eq!(
            sentences(&rules(&[&large, &risky]), &rules(&[&changed])),
            [
                "The reason that guardrail large gives becomes \"refund\"; it was \"large refund\".",
                "Guardrail large changes: requests of billing and maos need approval if action.name is \"refund\" and \
                 context.amount is above 99.5. Before, requests of billing need approval if action.name is \"refund\" and \
                 context.amount is above 1000.",
                "Guardrail risky is removed. By it, requests of every engine are denied if billing_risk is HIGH or above.",
            ]
        );
        assert_eq!(
            sentences(&rules(&[&large, &risky, &everything]), &rules(&[&everything, &large])),
            [
                "Guardrail risky is removed. By it, requests of every engine are denied if billing_risk is HIGH or above.",
                "Guardrails are listed in another order, which changes no decision.",
            ]
        );
    }

    #[test]
    fn changed_rules_of_decisions_are_described() {
        let audit = json!({"id": "audit", "message": "critical", "unacknowledged": "CRITICAL", "for_seconds": 86400});
        assert_eq!(
            sentences(
                &json!({}),
                &json!({"decisions": {
                    "valid_for_seconds": 60, "record_payload": true, "unbound_context": ["sent_at"],
                    "on_unavailable": {"read": "allow", "refund": "deny"}, "event_types": {"refund_paid": "refund"}, "holds": [audit],
                }})
            ),
            [
                "The time for which a decision holds becomes 1 min; it was 5 min.",
                "Whether a decision is recorded with its request becomes true; it was false.",
                "Approvals are not bound to context.sent_at any more.",
                "While AGE cannot be asked about \"read\", engines allow it; before, they deny it.",
                "While AGE cannot be asked about \"refund\", engines deny it; before, they deny it.",
                "Events of type \"refund_paid\" report \"refund\", and need a permit.",
                "Hold rule audit is added: all operations of an engine are on hold while it has an unacknowledged incident of \
                 CRITICAL or above, for up to 1 d, because \"critical\".",
            ]
        );
        assert_eq!(
            sentences(&json!({"decisions": {"unbound_context": ["a", "b"]}}), &json!({})),
            ["Approvals are bound to context.a and context.b."]
        );
        let event_types = |operations: &[(&str, &str)]| {
            let operations: BTreeMap<_, _> = operations.iter().copied().collect();
            json!({"decisions": {"event_types": operations}})
        };
        assert_eq!(
            sentences(&event_types(&[("a", "read"), ("b", "read")]), &event_types(&[("a", "write")])),
            [
                "Events of type \"a\" report \"write\"; they reported \"read\".",
                "Events of type \"b\" need no permit any more; they reported \"read\".",
            ]
        );
    }
}
