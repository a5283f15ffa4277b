//! The policy that this build was made with.

mod rules;

pub use rules::{ActionRule, ActionRules, AlertRules, Category, EngineRules, IncidentRules, Policy, PolicyError};
use thiserror::Error;

/// The policy that was compiled in could not be read back.
#[derive(Debug, Error)]
#[error("the compiled-in policy is unreadable: {0}")]
pub struct Unreadable(#[from] serde_json::Error);

impl Policy {
    /// SHA-256 of the policy file, hexadecimal: which rules scored and acted.
    pub const HASH: &'static str = env!("POLICY_HASH");

    /// The policy that was validated when this crate was built. Read it once per execution environment.
    ///
    /// # Errors
    /// [`Unreadable`] if the binary is damaged.
    pub fn compiled() -> Result<Self, Unreadable> {
        Ok(serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/policy.json")))?)
    }

    /// How people call `engine`.
    #[must_use]
    pub fn title(&self, engine: age_model::Engine) -> &str {
        self.engines.get(&engine).map_or(engine.as_str(), |rules| &rules.title)
    }
}

impl AlertRules {
    /// How bad an alert with this label `severity` is.
    #[must_use]
    pub fn severity(&self, label: Option<&String>) -> age_model::Severity {
        label.and_then(|label| self.severities.get(label)).copied().unwrap_or(self.otherwise)
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Action, Engine, RiskLevel, Severity};

    use super::*;

    fn refused(break_it: impl FnOnce(&mut Policy)) -> PolicyError {
        let mut policy = Policy::compiled().unwrap();
        break_it(&mut policy);
        policy.validate().unwrap_err()
    }

    #[test]
    fn compiled_policy_is_valid() {
        let policy = Policy::compiled().unwrap();
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!(Policy::HASH.len(), 64);
        assert_eq!(policy.title(Engine::DeepAgent), "Deep Agent");
    }

    #[test]
    fn each_rule_of_validity_refuses() {
        let incomplete = |error: PolicyError| match error {
            PolicyError::Incomplete { table, .. } => table,
            other => panic!("{other}"),
        };
        assert_eq!(incomplete(refused(|policy| policy.engines.retain(|engine, _| *engine != Engine::Maos))), "engines");
        assert_eq!(
            incomplete(refused(|policy| policy.weights.retain(|severity, _| *severity != Severity::Low))),
            "weights"
        );
        assert_eq!(incomplete(refused(|policy| policy.levels.clear())), "levels");
        assert_eq!(refused(|policy| policy.weights.extend([(Severity::Low, 99)])), PolicyError::NotRising("weights"));
        assert_eq!(refused(|policy| policy.levels.extend([(RiskLevel::Low, 1)])), PolicyError::NoLowestLevel);
        assert_eq!(refused(|policy| policy.score_cap = 101), PolicyError::BadCap);
        assert_eq!(refused(|policy| policy.critical_recommendation.clear()), PolicyError::NoCount);
        let uncounted = refused(|policy| policy.categories.retain(|category| category.name != "billing_risk"));
        assert_eq!(uncounted, PolicyError::Uncounted(Engine::Billing));
        let twice = refused(|policy| policy.categories.extend(policy.categories.clone()));
        assert_eq!(twice, PolicyError::BadCategory("operational_risk".into()));
        assert_eq!(refused(|policy| policy.actions.first_match.truncate(1)), PolicyError::NoCatchAll);
        assert_eq!(refused(|policy| policy.actions.retry_after_seconds.clear()), PolicyError::BadTime);
        assert_eq!(refused(|policy| policy.actions.verify_after_seconds = 0), PolicyError::BadTime);
        assert_eq!(refused(|policy| policy.actions.give_up_after = 0), PolicyError::NeverActs);
        assert_eq!(refused(|policy| policy.incidents.email_burst = 0), PolicyError::BadIncidents);
        assert_eq!(refused(|policy| policy.incidents.digest_after_seconds = 0), PolicyError::BadIncidents);
        let never =
            |policy: &mut Policy| policy.engines.values_mut().for_each(|engine| engine.expected_interval_seconds = -1);
        assert_eq!(refused(never), PolicyError::BadIncidents);
        assert_eq!(refused(|policy| policy.incidents.min_severity = Severity::Low), PolicyError::UnseenIncidents);
        let people = Action::NotifyAdmin;
        assert_eq!(
            refused(|policy| policy.actions.require_approval.extend([people])),
            PolicyError::NotForApproval(people)
        );
        let summary = Action::AutomatedGovernanceSummary;
        let summarise = |policy: &mut Policy| policy.actions.also.iter_mut().for_each(|rule| rule.action = summary);
        assert_eq!(refused(summarise), PolicyError::NotForEvents(summary));
    }
}
