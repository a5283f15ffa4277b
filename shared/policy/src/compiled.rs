//! The default policy, which is compiled into each function.

use thiserror::Error;

use crate::document::Policy;

/// The compiled-in policy cannot be parsed.
#[derive(Debug, Error)]
#[error("the compiled-in policy cannot be parsed: {0}")]
pub struct CompiledPolicyError(#[from] serde_json::Error);

impl Policy {
    /// SHA-256 of the policy file, hexadecimal. Actions and reports name by it the rules that made them.
    pub const HASH: &'static str = env!("POLICY_HASH");

    /// Returns the policy that was validated when this crate was built. Call it once per execution environment.
    ///
    /// # Errors
    /// [`CompiledPolicyError`] if the binary is damaged.
    pub fn compiled() -> Result<Self, CompiledPolicyError> {
        Ok(serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/policy.json")))?)
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Action, Engine, RiskLevel, Severity};
    use serde_json::Value;

    use super::*;
    use crate::validation::PolicyError;

    fn error_of(change: impl FnOnce(&mut Policy)) -> PolicyError {
        let mut policy = Policy::compiled().unwrap();
        change(&mut policy);
        policy.validate().unwrap_err()
    }

    #[test]
    fn compiled_policy_is_valid() {
        let policy = Policy::compiled().unwrap();
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!(Policy::HASH.len(), 64);
        assert_eq!(policy.title(&Engine::from_static("deep_agent")), "Deep Agent");
    }

    /// Replaces one after another every name and text of `document` that is a word of a set by an unknown one.
    fn with_an_unknown_word(document: &Value) -> Vec<Value> {
        let is_word = |text: &str| {
            text.parse::<Severity>().is_ok() || text.parse::<Action>().is_ok() || text.parse::<RiskLevel>().is_ok()
        };
        match document {
            Value::String(text) if is_word(text) => vec!["a_later_word".into()],
            Value::Array(items) => {
                let changed = |(index, item)| {
                    with_an_unknown_word(item).into_iter().map(move |item| {
                        let mut items = items.clone();
                        items[index] = item;
                        items.into()
                    })
                };
                items.iter().enumerate().flat_map(changed).collect()
            }
            Value::Object(fields) => {
                let renamed = fields.keys().filter(|name| is_word(name)).map(|name| {
                    let mut fields = fields.clone();
                    let value = fields.remove(name).unwrap();
                    fields.insert("a_later_word".to_owned(), value);
                    fields.into()
                });
                let changed = fields.iter().flat_map(|(name, value)| {
                    with_an_unknown_word(value).into_iter().map(move |value| {
                        let mut fields = fields.clone();
                        fields.insert(name.clone(), value);
                        fields.into()
                    })
                });
                renamed.chain(changed).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn policy_with_an_unknown_word_anywhere_is_refused() {
        let document = serde_json::to_value(Policy::compiled().unwrap()).unwrap();
        let changed = with_an_unknown_word(&document);
        assert!(changed.len() > 20, "{}", changed.len());
        for document in changed {
            let error = serde_json::from_value::<Policy>(document.clone()).map(drop).unwrap_err().to_string();
            assert!(error.contains("got \"a_later_word\""), "{error}: {document}");
        }
    }

    #[test]
    fn invalid_policy_is_refused_with_the_error_of_each_rule() {
        let incomplete = |error: PolicyError| match error {
            PolicyError::Incomplete { table, .. } => table,
            other => panic!("{other}"),
        };
        assert_eq!(
            incomplete(error_of(|policy| policy.weights.retain(|severity, _| *severity != Severity::Low))),
            "weights"
        );
        assert_eq!(incomplete(error_of(|policy| policy.levels.clear())), "levels");
        assert_eq!(
            error_of(|policy| policy.weights.extend([(Severity::Low, 99)])),
            PolicyError::NotAscending("weights")
        );
        assert_eq!(error_of(|policy| policy.levels.extend([(RiskLevel::Low, 1)])), PolicyError::LowestLevelNotZero);
        assert_eq!(error_of(|policy| policy.score_cap = 101), PolicyError::InvalidScoreCap);
        assert_eq!(error_of(|policy| policy.critical_recommendation.clear()), PolicyError::MissingCount);
        let unscored = error_of(|policy| policy.categories.retain(|category| category.name != "billing_risk"));
        assert_eq!(unscored, PolicyError::UnscoredEngine(Engine::from_static("billing")));
        let twice = error_of(|policy| policy.categories.extend(policy.categories.clone()));
        assert_eq!(twice, PolicyError::InvalidCategory("operational_risk".into()));
        assert_eq!(error_of(|policy| policy.actions.first_match.truncate(1)), PolicyError::MissingCatchAll);
        assert_eq!(error_of(|policy| policy.actions.retry_after_seconds.clear()), PolicyError::InvalidActionTime);
        assert_eq!(error_of(|policy| policy.actions.verify_after_seconds = 0), PolicyError::InvalidActionTime);
        assert_eq!(error_of(|policy| policy.actions.give_up_after = 0), PolicyError::InvalidGiveUpAfter);
        assert_eq!(error_of(|policy| policy.incidents.email_burst = 2), PolicyError::InvalidEmailBurst);
        assert_eq!(error_of(|policy| policy.incidents.digest_after_seconds = 0), PolicyError::InvalidIncidentTime);
        for number in [0, 10_001] {
            assert_eq!(error_of(|policy| policy.incidents.max_open_per_engine = number), PolicyError::InvalidMaxOpen);
        }
        let negative_interval =
            |policy: &mut Policy| policy.engines.values_mut().for_each(|engine| engine.expected_interval_seconds = -1);
        assert_eq!(error_of(negative_interval), PolicyError::InvalidExpectedInterval(Engine::from_static("billing")));
        assert_eq!(
            error_of(|policy| policy.incidents.min_severity = Severity::Low),
            PolicyError::IncidentsBelowActions
        );
        let message = Action::NotifyAdmin;
        assert_eq!(
            error_of(|policy| policy.actions.require_approval.extend([message])),
            PolicyError::CannotRequireApproval(message)
        );
        assert_eq!(
            error_of(|policy| _ = policy.actions.carried_out_by.insert(message, Engine::from_static("maos"))),
            PolicyError::CarriedOutByAge(message)
        );
        let summary = Action::AutomatedGovernanceSummary;
        let send_summary = |policy: &mut Policy| policy.actions.also.iter_mut().for_each(|rule| rule.action = summary);
        assert_eq!(error_of(send_summary), PolicyError::NotAnEventAction(summary));
    }
}
