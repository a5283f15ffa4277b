//! The actions that follow on events of an engine, in words.

use std::collections::BTreeSet;

use age_model::{Action, Engine, Severity};
use age_policy::{ActionRules, Policy};

use crate::safe_text::SafeText;

/// How many prefixes of event types the page shows for an engine and severity. The list of rules has all of them.
const MAX_PREFIXES: usize = 6;

/// The actions that follow on events of an engine and a severity.
pub(super) struct Effect {
    pub(super) severity: Severity,
    /// The actions of events of most types.
    pub(super) actions: SafeText,
    /// Other actions, with the prefixes of the event types that lead to them.
    pub(super) exceptions: Vec<(Vec<SafeText>, SafeText)>,
    /// How many prefixes are not listed.
    pub(super) more_prefixes: usize,
}

/// Returns what events of `engine` lead to, the highest severity first. Severities that lead to nothing are left out.
pub(super) fn effects_of(policy: &Policy, engine: Engine) -> Vec<Effect> {
    let min_severity = policy.actions.min_severity;
    let severities = Severity::ALL.iter().copied().filter(|severity| *severity >= min_severity);
    severities.rev().map(|severity| effect(policy, engine, severity)).collect()
}

fn effect(policy: &Policy, engine: Engine, severity: Severity) -> Effect {
    let rules = &policy.actions;
    // No prefix is empty, so the empty text stands for an event type that begins with none of them.
    let actions = describe_actions(policy, engine, &rules.actions_of(engine, severity, ""));
    let differs = |prefix: &&str| rules.actions_of(engine, severity, prefix) != rules.actions_of(engine, severity, "");
    let prefixes: Vec<&str> = prefixes(rules, engine, severity).into_iter().filter(differs).collect();
    let mut exceptions: Vec<(Vec<SafeText>, SafeText)> = Vec::new();
    for prefix in prefixes.iter().take(MAX_PREFIXES) {
        let of_prefix = describe_actions(policy, engine, &rules.actions_of(engine, severity, prefix));
        match exceptions.iter_mut().find(|(_, others)| *others == of_prefix) {
            Some((alike, _)) => alike.push(SafeText::new(prefix)),
            None => exceptions.push((vec![SafeText::new(prefix)], of_prefix)),
        }
    }
    let more_prefixes = prefixes.len().saturating_sub(MAX_PREFIXES);
    Effect { severity, actions, exceptions, more_prefixes }
}

/// Returns the prefixes of event types in the rules for events of `engine` and `severity`.
fn prefixes(rules: &ActionRules, engine: Engine, severity: Severity) -> BTreeSet<&str> {
    let concerned = rules
        .first_match
        .iter()
        .chain(&rules.also)
        .filter(|rule| rule.engine.is_none_or(|it| it == engine) && rule.severity.is_none_or(|it| it == severity));
    concerned.filter_map(|rule| rule.event_type_prefix.as_deref()).collect()
}

fn describe_actions(policy: &Policy, engine: Engine, actions: &[Action]) -> SafeText {
    let described: Vec<_> = actions.iter().map(|action| describe_action(policy, engine, *action)).collect();
    SafeText::new(&if described.is_empty() { "no action".to_owned() } else { described.join(", ") })
}

/// Returns an action with the engine that carries it out, and whether it waits for an approval.
fn describe_action(policy: &Policy, engine: Engine, action: Action) -> String {
    let rules = &policy.actions;
    if !action.is_remediation() {
        return action.to_string();
    }
    let worker = rules.carried_out_by(action, engine);
    let approval = if rules.require_approval.contains(&action) { ", after approval" } else { "" };
    format!("{action} (by {}{approval})", policy.title(&worker))
}

#[cfg(test)]
mod tests {
    use age_policy::ActionRule;

    use super::*;

    fn joined(prefixes: &[SafeText]) -> String {
        prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    fn shown(policy: &Policy, engine: &'static str) -> Vec<String> {
        let line = |effect: Effect| {
            let exceptions =
                effect.exceptions.iter().map(|(prefixes, actions)| format!("; {}: {actions}", joined(prefixes)));
            format!("{} {}{}", effect.severity, effect.actions, exceptions.collect::<String>())
        };
        effects_of(policy, Engine::from_static(engine)).into_iter().map(line).collect()
    }

    #[test]
    fn effects_name_actions_workers_and_approvals() {
        let policy = Policy::compiled().unwrap();
        assert_eq!(
            shown(&policy, "billing"),
            ["CRITICAL billing_sync_repair (by Billing), notify_admin", "HIGH billing_sync_repair (by Billing)"]
        );
        assert_eq!(
            shown(&policy, "compliance"),
            [
                "CRITICAL notify_admin; permission: permission_reset (by Compliance, after approval), notify_admin",
                "HIGH MAOS_auto_fix (by MAOS); permission: permission_reset (by Compliance, after approval)"
            ]
        );
    }

    #[test]
    fn prefixes_are_grouped_by_effect_bounded_and_those_without_an_effect_left_out() {
        let mut policy = Policy::compiled().unwrap();
        let rule = |number: usize| ActionRule {
            engine: None,
            severity: Some(Severity::High),
            event_type_prefix: Some(format!("type_{number:02}")),
            action: if number < 8 { Action::BillingSyncRepair } else { Action::MaosAutoFix },
        };
        policy.actions.first_match.splice(0..0, (0..20).map(rule));
        let [critical, high] = effects_of(&policy, Engine::from_static("qa")).try_into().ok().unwrap();
        assert!(critical.exceptions.is_empty());
        let [(alike, actions)] = high.exceptions.as_slice() else { panic!("one effect") };
        assert_eq!((actions.to_string().as_str(), high.more_prefixes), ("billing_sync_repair (by QA)", 2));
        assert_eq!(joined(alike), "type_00 type_01 type_02 type_03 type_04 type_05");
    }
}
