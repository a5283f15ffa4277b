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
    use super::*;

    #[test]
    fn compiled_policy_is_valid_and_named_by_its_hash() {
        let policy = Policy::compiled().unwrap();
        assert_eq!(policy.validate(), Ok(()));
        assert_eq!(policy.hash(), Policy::COMPILED_HASH);
        assert_eq!(Policy::COMPILED_HASH.to_string(), Policy::HASH);
        assert_eq!(policy.title("deep_agent".parse().unwrap()), "Deep Agent");
    }
}
