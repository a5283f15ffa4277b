//! A policy document, as people read it.

use std::collections::BTreeMap;

use age_model::{Action, Engine, RiskLevel, Severity, format_duration};
use age_policy::{Category, EngineRules, Policy};

use crate::engine_title::{engine_title, engine_titles};
use crate::format::{capitalize, format_count, to_words};
use crate::policy::effects::{Effect, effects_of};
use crate::policy::guardrail_view::{GuardrailView, guardrails};
use crate::policy::rules::{RuleView, describe_rules, severities_from};
use crate::policy::settings::{Setting, action_settings, incident_settings, notification_settings};
use crate::safe_text::SafeText;

/// A policy document.
pub(super) struct DocumentView {
    pub(super) engines: Vec<EngineView>,
    pub(super) categories: Vec<CategoryView>,
    pub(super) score_cap: u32,
    pub(super) critical_recommendation: SafeText,
    /// The points of an event of each severity, the highest first.
    pub(super) weights: Vec<(Severity, String)>,
    /// The lowest score of each level, the highest first.
    pub(super) levels: Vec<(RiskLevel, u32)>,
    /// The severities of events that can lead to actions, in words.
    pub(super) acted_on: String,
    pub(super) first_match: Vec<RuleView>,
    pub(super) also: Vec<RuleView>,
    /// The remediations that wait for an approval.
    pub(super) approvals: Vec<Action>,
    /// The remediations that one engine carries out for all.
    pub(super) workers: Vec<(Action, SafeText)>,
    pub(super) guardrails: Vec<GuardrailView>,
    pub(super) action_settings: Vec<Setting>,
    pub(super) incident_settings: Vec<Setting>,
    pub(super) notification_settings: Vec<Setting>,
    /// The words of alerts for each severity, the highest severity first.
    pub(super) alert_words: Vec<(Severity, Vec<SafeText>)>,
    /// The severity of an alert with another word, or none.
    pub(super) other_alerts: Severity,
    /// Whether the author of a version needs another admin to activate it.
    pub(super) requires_another_admin: bool,
}

/// An engine, and what follows on its events.
pub(super) struct EngineView {
    pub(super) title: SafeText,
    pub(super) name: Engine,
    /// None if the engine may be silent.
    pub(super) expected_interval: Option<String>,
    pub(super) categories: String,
    pub(super) effects: Vec<Effect>,
}

/// A risk category.
pub(super) struct CategoryView {
    pub(super) title: String,
    pub(super) name: String,
    pub(super) engines: SafeText,
    pub(super) recommend_above: u32,
    pub(super) recommendation: SafeText,
}

impl DocumentView {
    /// Returns the document of `policy`. `decided` has how many decisions each guardrail has decided in the trailing week, if it is known.
    pub(super) fn of(policy: &Policy, decided: Option<&BTreeMap<String, u64>>) -> Self {
        let (actions, alerts) = (&policy.actions, &policy.alertmanager);
        let mut words: BTreeMap<Severity, Vec<SafeText>> = BTreeMap::new();
        for (word, severity) in &alerts.severities {
            words.entry(*severity).or_default().push(SafeText::new(word));
        }
        let points = |(severity, points): (&Severity, &u64)| (*severity, format_count(*points, "point"));
        Self {
            engines: policy.engines.iter().map(|(name, rules)| EngineView::of(policy, *name, rules)).collect(),
            categories: policy.categories.iter().map(|category| CategoryView::of(policy, category)).collect(),
            score_cap: policy.score_cap,
            critical_recommendation: SafeText::new(&policy.critical_recommendation),
            weights: policy.weights.iter().rev().map(points).collect(),
            levels: policy.levels.iter().rev().map(|(level, lowest)| (*level, *lowest)).collect(),
            acted_on: severities_from(actions.min_severity),
            first_match: describe_rules(policy, &actions.first_match),
            also: describe_rules(policy, &actions.also),
            approvals: actions.require_approval.iter().copied().collect(),
            workers: actions.carried_out_by.iter().map(|(it, engine)| (*it, engine_title(policy, *engine))).collect(),
            guardrails: guardrails(policy, decided),
            action_settings: action_settings(actions),
            incident_settings: incident_settings(&policy.incidents),
            notification_settings: notification_settings(&policy.incidents),
            alert_words: words.into_iter().rev().collect(),
            other_alerts: alerts.otherwise,
            requires_another_admin: policy.activation.requires_another_admin,
        }
    }

    /// How many action rules the policy has.
    pub(super) const fn rule_count(&self) -> usize {
        self.first_match.len() + self.also.len()
    }

    /// Whether it is known how often the guardrails decided.
    pub(super) fn has_decided(&self) -> bool {
        self.guardrails.iter().any(|guardrail| guardrail.decided.is_some())
    }

    /// How many words of alerts the policy has.
    pub(super) fn word_count(&self) -> usize {
        self.alert_words.iter().map(|(_, words)| words.len()).sum()
    }
}

impl EngineView {
    fn of(policy: &Policy, name: Engine, rules: &EngineRules) -> Self {
        let seconds = rules.expected_interval_seconds;
        Self {
            title: engine_title(policy, name),
            name,
            expected_interval: (seconds > 0).then(|| format_duration(seconds)),
            categories: category_titles(policy, name),
            effects: effects_of(policy, name),
        }
    }
}

impl CategoryView {
    fn of(policy: &Policy, category: &Category) -> Self {
        Self {
            title: category_title(&category.name),
            name: category.name.clone(),
            engines: engine_titles(policy, &category.engines),
            recommend_above: category.recommend_above,
            recommendation: SafeText::new(&category.recommendation),
        }
    }
}

/// Returns the category `name` as a title: `billing_risk` is `Billing risk`.
pub(crate) fn category_title(name: &str) -> String {
    capitalize(&to_words(name))
}

/// Returns the titles of the categories that score the events of `engine`.
pub(crate) fn category_titles(policy: &Policy, engine: Engine) -> String {
    let categories = policy.categories.iter().filter(|category| category.engines.contains(&engine));
    categories.map(|category| category_title(&category.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_has_engines_categories_and_words() {
        let view = DocumentView::of(&Policy::compiled().unwrap(), None);
        let maos = view.engines.iter().find(|engine| engine.name == Engine::from_static("maos")).unwrap();
        assert_eq!(
            (maos.title.to_string().as_str(), maos.categories.as_str()),
            ("MAOS", "Operational risk, Security risk")
        );
        assert_eq!(maos.expected_interval.as_deref(), Some("1 d"));
        let engines: Vec<_> = view.categories.iter().map(|category| category.engines.to_string()).collect();
        assert_eq!(engines[3], "Voice Engine, Image Engine");
        assert_eq!(view.levels.iter().map(|(_, lowest)| *lowest).collect::<Vec<_>>(), [75, 50, 25, 0]);
        assert_eq!(view.weights[3], (Severity::Low, "1 point".to_owned()));
        let words: Vec<_> = view.alert_words.iter().map(|(severity, _)| *severity).collect();
        assert_eq!(words, [Severity::Critical, Severity::High, Severity::Medium, Severity::Low]);
        assert_eq!((view.rule_count(), view.acted_on.as_str()), (7, "HIGH and CRITICAL"));
    }
}
