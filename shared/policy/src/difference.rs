//! The difference of two versions of a policy: what changes, and for whom.

use crate::action_difference::{action_changes, effect_changes};
use crate::document::Policy;
use crate::engine_difference::{category_changes, engine_changes, word_changes};
use crate::guardrail_difference::{decision_changes, guardrail_changes};
use crate::policy_change::PolicyDifference;
use crate::setting_difference::setting_changes;

/// Returns what changes from `old` to `new`. Nothing changes only if both have the same canonical JSON.
#[must_use]
pub fn difference(old: &Policy, new: &Policy) -> PolicyDifference {
    // INVARIANT: see `canonical_json`.
    let document = |policy: &Policy| {
        let mut document = serde_json::to_value(policy).unwrap_or_default();
        // Default rules of decisions are left out of the document. They are compared by their values.
        if let Some(sections) = document.as_object_mut() {
            sections.insert("decisions".to_owned(), serde_json::to_value(&policy.decisions).unwrap_or_default());
        }
        document
    };
    let (before, after) = (document(old), document(new));
    let settings = |subjects| setting_changes(subjects, &before, &after);
    let mut changes = engine_changes(old, new);
    changes.extend(settings(&["scores", "weights", "levels"]));
    changes.extend(category_changes(&old.categories, &new.categories));
    changes.extend(effect_changes(old, new));
    changes.extend(settings(&["actions"]));
    changes.extend(action_changes(&old.actions, &new.actions));
    changes.extend(settings(&["incidents", "alerts"]));
    changes.extend(word_changes(&old.alertmanager, &new.alertmanager));
    changes.extend(settings(&["activation"]));
    changes.extend(guardrail_changes(old, new));
    changes.extend(settings(&["decisions"]));
    changes.extend(decision_changes(&old.decisions, &new.decisions));
    PolicyDifference { changes }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use age_model::{Action, Engine, RiskLevel, Severity, Verdict};
    use proptest::prelude::*;

    use super::*;
    use crate::decision_document::{HoldRule, OnUnavailable};
    use crate::document::{ActionRule, Category, EngineRules, OnResolved};
    use crate::guardrail_document::{Guardrail, RequestConditions, StateConditions};

    fn engine(name: &str) -> Engine {
        name.parse().unwrap()
    }

    fn rule(engine_name: Option<&str>, severity: Option<Severity>, prefix: Option<&str>, action: Action) -> ActionRule {
        ActionRule { engine: engine_name.map(engine), severity, event_type_prefix: prefix.map(str::to_owned), action }
    }

    fn sentences(change: impl FnOnce(&mut Policy)) -> Vec<String> {
        let old = Policy::compiled().unwrap();
        let mut new = old.clone();
        change(&mut new);
        difference(&old, &new).changes.into_iter().map(|change| change.sentence).collect()
    }

    fn add_search(policy: &mut Policy) {
        let rules = EngineRules { title: "Search".to_owned(), expected_interval_seconds: 43_200 };
        policy.engines.insert(engine("search"), rules);
        policy.categories[3].engines.push(engine("search"));
    }

    #[test]
    fn added_engine_is_described_with_its_actions() {
        assert_eq!(
            sentences(add_search),
            [
                "Engine search (Search) is added: its events are accepted. It is silent if it reports nothing for 12 h.",
                "Category client_risk scores the events of search as well.",
                "HIGH events of search lead to MAOS_auto_fix.",
                "CRITICAL events of search lead to notify_admin.",
            ]
        );
        let old = Policy::compiled().unwrap();
        let mut new = old.clone();
        add_search(&mut new);
        let retired: Vec<_> = difference(&new, &old).changes.into_iter().map(|change| change.sentence).collect();
        assert_eq!(
            retired,
            [
                "Engine search (Search) is retired: its events are refused. Its past events, incidents and reports stay.",
                "Category client_risk does not score the events of search any more.",
                "HIGH events of search are refused; they led to MAOS_auto_fix.",
                "CRITICAL events of search are refused; they led to notify_admin.",
            ]
        );
    }

    #[test]
    fn changed_rules_are_described_by_their_effects() {
        let catch_all = |policy: &mut Policy| policy.actions.first_match[5].action = Action::BillingSyncRepair;
        assert_eq!(
            sentences(catch_all),
            [
                "HIGH events of documentation, image_engine, qa and voice_engine lead to billing_sync_repair; they led to \
                 MAOS_auto_fix.",
                "HIGH events of compliance of other types lead to billing_sync_repair; they led to MAOS_auto_fix.",
            ]
        );
        let slow = rule(Some("qa"), None, Some("slow"), Action::PermissionReset);
        assert_eq!(
            sentences(|policy| policy.actions.first_match.insert(0, slow)),
            [
                "HIGH events of qa whose type begins with \"slow\" lead to permission_reset after approval; they led to \
                 MAOS_auto_fix.",
                "CRITICAL events of qa whose type begins with \"slow\" lead to permission_reset after approval and \
                 notify_admin; they led to notify_admin.",
            ]
        );
        assert_eq!(
            sentences(|policy| _ = policy.actions.require_approval.insert(Action::BillingSyncRepair)),
            ["Action billing_sync_repair waits for the approval of a responder."]
        );
        let no_message = |policy: &mut Policy| policy.actions.also.clear();
        assert_eq!(
            sentences(no_message),
            [
                "CRITICAL events of maos lead to MAOS_auto_fix; they led to MAOS_auto_fix and notify_admin.",
                "CRITICAL events of deep_agent lead to DeepAgent_policy_update; they led to DeepAgent_policy_update and \
                 notify_admin.",
                "CRITICAL events of billing lead to billing_sync_repair; they led to billing_sync_repair and notify_admin.",
                "CRITICAL events of compliance whose type begins with \"permission\" lead to permission_reset after \
                 approval; they led to permission_reset after approval and notify_admin.",
            ]
        );
        let mut old = Policy::compiled().unwrap();
        old.actions.first_match = vec![rule(None, None, None, Action::NotifyAdmin)];
        let mut new = old.clone();
        new.actions.first_match[0].action = Action::BillingSyncRepair;
        let subjects: Vec<_> = difference(&old, &new).changes.into_iter().map(|change| change.subject).collect();
        assert_eq!(subjects, ["HIGH events of every engine", "CRITICAL events of every engine"]);
        let same = rule(Some("maos"), Some(Severity::High), None, Action::MaosAutoFix);
        assert_eq!(
            sentences(|policy| policy.actions.first_match.insert(2, same)),
            ["The rules are written differently and have the same effects."]
        );
    }

    #[test]
    fn changed_value_is_shown_for_people_and_as_it_is_written() {
        let old = Policy::compiled().unwrap();
        let mut new = old.clone();
        new.incidents.remind_after_seconds = 7200;
        let changes = difference(&old, &new).changes;
        assert_eq!(
            serde_json::to_value(changes).unwrap(),
            serde_json::json!([{
                "subject": "incidents",
                "sentence": "The time between two reminders becomes 2 h; it was 4 h.",
                "path": "incidents.remind_after_seconds",
                "before": "14400",
                "after": "7200",
            }])
        );
        assert_eq!(
            sentences(|policy| {
                policy.actions.retry_after_seconds = vec![60, 90];
                policy.actions.carried_out_by.clear();
                policy.incidents.on_resolved = Some(OnResolved::Note);
                policy.categories.swap(0, 1);
                policy.alertmanager.severities.insert("boom".to_owned(), Severity::High);
                policy.alertmanager.severities.insert("bang".to_owned(), Severity::High);
                policy.alertmanager.severities.remove("p5");
            }),
            [
                "Reports list categories in the order billing_risk, operational_risk, security_risk, client_risk, \
                 performance_risk; it was operational_risk, billing_risk, security_risk, client_risk, performance_risk.",
                "The wait before each further attempt to dispatch an action becomes 1 min, 1 min 30 s; it was 10 s, 1 min, \
                 5 min, 30 min, 2 h.",
                "Action MAOS_auto_fix is carried out by the engine of the event; it was maos. Only its credentials may \
                 report the outcome.",
                "What follows when all alerts of an incident are resolved becomes note; it was the default.",
                "Alerts with \"bang\" and \"boom\" have HIGH; they had no severity of their own.",
                "Alerts with \"p5\" have no severity of their own; they had LOW.",
            ]
        );
    }

    /// Returns a guardrail. Ids are unique, as in a valid policy.
    fn guardrail(number: u32) -> Guardrail {
        let verdict = Verdict::ALL[number as usize % 3];
        let engines = [engine("qa")].into_iter().filter(|_| number.is_multiple_of(2)).collect();
        let message = "guarded".to_owned();
        let (request, state) = (RequestConditions::default(), StateConditions::default());
        Guardrail { id: format!("rule_{number}"), engines, verdict, message, request, state }
    }

    fn hold_rule(number: u32, unacknowledged: Severity) -> HoldRule {
        let (message, operations) = ("critical".to_owned(), BTreeSet::new());
        HoldRule { id: format!("rule_{number}"), message, unacknowledged, operations, for_seconds: 60 }
    }

    /// Changes a policy at random; the result need not be valid.
    fn changed(policy: &mut Policy, kind: usize, number: u32) {
        let severity = Severity::ALL[number as usize % 4];
        let action = Action::ALL[number as usize % 5];
        let name = ["search", "qa", "billing", "maos", "deep_agent"][number as usize % 5];
        let seconds = i64::from(number % 7) * 3600;
        let category = number as usize % policy.categories.len();
        let first_match = number as usize % policy.actions.first_match.len();
        match kind {
            0 => add_search(policy),
            1 => _ = policy.engines.remove(&engine(name)),
            2 => policy.engines.values_mut().for_each(|rules| rules.expected_interval_seconds = seconds),
            3 => policy.engines.values_mut().for_each(|rules| rules.title.push('!')),
            4 => _ = policy.weights.insert(severity, u64::from(number % 9)),
            5 => _ = policy.levels.insert(RiskLevel::ALL[number as usize % 4], number % 9),
            6 => policy.categories.rotate_left(category),
            7 => policy.categories[category].engines.reverse(),
            8 => policy.categories[category].recommend_above = number,
            9 => policy.categories[category].recommendation.push('!'),
            10 => policy.categories.push(Category { name: format!("c{number}"), ..policy.categories[0].clone() }),
            11 => _ = policy.categories.remove(category),
            12 => policy.actions.first_match.insert(first_match, rule(Some(name), None, Some("slow"), action)),
            13 => policy.actions.first_match.insert(first_match, rule(None, Some(severity), Some("slower"), action)),
            14 => policy.actions.first_match[first_match].action = action,
            15 => policy.actions.also.push(rule(None, Some(severity), None, action)),
            16 => policy.actions.min_severity = severity,
            17 => _ = policy.actions.require_approval.insert(action),
            18 => policy.actions.require_approval.clear(),
            19 => _ = policy.actions.carried_out_by.insert(action, engine(name)),
            20 => policy.actions.retry_after_seconds.push(seconds),
            21 => policy.incidents.min_severity = severity,
            22 => policy.incidents.on_resolved = Some(OnResolved::Resolve),
            23 => policy.incidents.email_burst = number,
            24 => policy.alertmanager.otherwise = severity,
            25 => _ = policy.alertmanager.severities.insert(format!("w{}", number % 3), severity),
            27 => policy.activation.requires_another_admin = number.is_multiple_of(2),
            26 => policy.actions.also.push(rule(Some("age"), Some(severity), None, action)),
            28 => policy.guardrails.push(guardrail(number)),
            29 => policy.guardrails.reverse(),
            30 => policy.guardrails.iter_mut().for_each(|guardrail| guardrail.message.push('!')),
            31 => policy.decisions.valid_for_seconds = i64::from(number % 9),
            32 => policy.decisions.record_payload = number.is_multiple_of(2),
            33 => policy.decisions.unbound_context.insert(0, format!("field_{number}")),
            34 => policy.decisions.unbound_context.reverse(),
            35 => _ = policy.decisions.on_unavailable.insert(name.to_owned(), OnUnavailable::ALL[number as usize % 2]),
            36 => policy.decisions.holds.insert(0, hold_rule(number, severity)),
            37 => policy.decisions.holds.reverse(),
            38 => policy.decisions.expect_event_within_seconds = Some(seconds),
            39 => _ = policy.decisions.event_types.insert(format!("{name}_done"), format!("operation_{}", number % 2)),
            _ => policy.score_cap = number,
        }
    }

    fn policy() -> impl Strategy<Value = Policy> {
        prop::collection::vec((0usize..41, any::<u32>()), 0..5).prop_map(|changes| {
            let mut policy = Policy::compiled().unwrap();
            for (kind, number) in changes {
                changed(&mut policy, kind, number);
            }
            policy
        })
    }

    proptest! {
        #[test]
        fn difference_is_empty_only_if_the_policies_are_equal(old in policy(), new in policy()) {
            prop_assert_eq!(difference(&old, &old).changes, vec![]);
            let there = difference(&old, &new).changes;
            prop_assert_eq!(there.is_empty(), old.canonical_json() == new.canonical_json());
            let subjects = |changes: Vec<crate::policy_change::PolicyChange>| {
                changes.into_iter().map(|change| change.subject).collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(subjects(there), subjects(difference(&new, &old).changes));
        }
    }
}
