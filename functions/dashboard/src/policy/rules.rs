//! Action rules, as people read them.

use age_model::{Action, Severity};
use age_policy::{ActionRule, Policy};

use crate::safe_text::SafeText;

/// An action rule in words: `HIGH and CRITICAL events of Billing` lead to `billing_sync_repair`.
pub(super) struct RuleView {
    pub(super) events: SafeText,
    pub(super) action: Action,
}

/// Returns `rules` of `policy`, in order.
pub(super) fn describe_rules(policy: &Policy, rules: &[ActionRule]) -> Vec<RuleView> {
    rules.iter().map(|rule| RuleView { events: describe_events(policy, rule), action: rule.action }).collect()
}

fn describe_events(policy: &Policy, rule: &ActionRule) -> SafeText {
    let severities = rule.severity.map_or_else(|| severities_from(policy.actions.min_severity), |it| it.to_string());
    let engine = rule.engine.as_ref().map_or("any engine", |engine| policy.title(engine));
    let prefix = rule.event_type_prefix.as_ref();
    let event_types =
        prefix.map(|prefix| format!(" whose type begins with \u{201c}{prefix}\u{201d}")).unwrap_or_default();
    SafeText::new(&format!("{severities} events of {engine}{event_types}"))
}

/// Returns the severities from `lowest` up, in words.
pub(crate) fn severities_from(lowest: Severity) -> String {
    let severities = Severity::ALL.iter().filter(|severity| **severity >= lowest).map(|severity| severity.as_str());
    let severities: Vec<_> = severities.collect();
    match severities.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => lowest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shown_in_words_and_in_order() {
        let policy = Policy::compiled().unwrap();
        let shown = |rules: &[ActionRule]| {
            let line = |rule: RuleView| format!("{} → {}", rule.events, rule.action);
            describe_rules(&policy, rules).into_iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(&policy.actions.first_match),
            [
                "HIGH and CRITICAL events of Compliance whose type begins with “permission” → permission_reset",
                "HIGH and CRITICAL events of Billing → billing_sync_repair",
                "HIGH and CRITICAL events of MAOS → MAOS_auto_fix",
                "HIGH and CRITICAL events of Deep Agent → DeepAgent_policy_update",
                "CRITICAL events of any engine → notify_admin",
                "HIGH and CRITICAL events of any engine → MAOS_auto_fix",
            ]
        );
        assert_eq!(severities_from(Severity::Critical), "CRITICAL");
        assert_eq!(severities_from(Severity::Low), "LOW, MEDIUM, HIGH and CRITICAL");
    }

    #[test]
    fn prefix_that_reorders_text_is_shown_by_numbers() {
        let mut policy = Policy::compiled().unwrap();
        policy.actions.first_match[0].event_type_prefix = Some("a\u{202e}b".to_owned());
        let shown = describe_rules(&policy, &policy.actions.first_match)[0].events.to_string();
        assert!(shown.ends_with("“a[U+202E]b”"), "{shown}");
    }
}
