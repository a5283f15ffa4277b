//! The default policy, which is compiled into each function.

use age_model::PolicyHash;
use thiserror::Error;

use crate::document::Policy;

/// The compiled-in policy cannot be parsed.
#[derive(Debug, Error)]
#[error("the compiled-in policy cannot be parsed: {0}")]
pub struct CompiledPolicyError(#[from] serde_json::Error);

impl Policy {
    /// The hash of the default policy, as a text.
    pub const HASH: &'static str = env!("POLICY_HASH");

    /// The hash of the default policy, which is version 0.
    pub const COMPILED_HASH: PolicyHash =
        PolicyHash::from_bytes(*include_bytes!(concat!(env!("OUT_DIR"), "/policy_hash")));

    /// The default policy as canonical JSON.
    pub const COMPILED_JSON: &'static str = include_str!(concat!(env!("OUT_DIR"), "/policy.json"));

    /// Returns the policy that was validated when this crate was built. Call it once per execution environment.
    ///
    /// # Errors
    /// [`CompiledPolicyError`] if the binary is damaged.
    pub fn compiled() -> Result<Self, CompiledPolicyError> {
        Ok(serde_json::from_str(Self::COMPILED_JSON)?)
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Action, Engine, RiskLevel, Severity};
    use serde_json::Value;

    use super::*;
    use crate::policy_path::PolicyError;

    #[test]
    fn compiled_policy_is_valid_and_named_by_its_hash() {
        let policy = Policy::compiled().unwrap();
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!(policy.hash(), Policy::COMPILED_HASH);
        assert_eq!(Policy::COMPILED_HASH.to_string(), Policy::HASH);
        assert_eq!(policy.canonical_json(), Policy::COMPILED_JSON);
        assert_eq!(policy.title(&Engine::from_static("deep_agent")), "Deep Agent");
    }

    /// Replaces one after another every name and text of `document` that is a word of a set by an unknown one. Engines are no set.
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
        assert!(changed.len() > 40, "{}", changed.len());
        for document in changed {
            let error = serde_json::from_value::<Policy>(document.clone()).map(drop).unwrap_err().to_string();
            assert!(error.contains("got \"a_later_word\""), "{error}: {document}");
            let errors = Policy::from_value(&document).unwrap_err();
            let names_the_word = |error: &PolicyError| {
                error.path.pointer().ends_with("/a_later_word") || error.detail.contains("got \"a_later_word\"")
            };
            assert!(errors.iter().any(names_the_word), "{errors:?}");
        }
    }
}
