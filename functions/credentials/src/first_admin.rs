//! The input of the function `first-admin`.

use std::collections::BTreeSet;

use age_model::KeyId;
use serde::Deserialize;

/// The input of the operator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstAdmin {
    /// The name of the new credential.
    pub kid: KeyId,
    /// The live admins, whose tokens are lost. They are revoked.
    #[serde(default)]
    pub revoke: BTreeSet<KeyId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_must_be_valid_names() {
        for good in [r#"{"kid":"first"}"#, r#"{"kid":"second","revoke":["first"]}"#] {
            assert!(serde_json::from_str::<FirstAdmin>(good).is_ok(), "{good}");
        }
        for bad in ["{}", r#"{"kid":"A"}"#, r#"{"kid":"aa","revoke":"first"}"#, r#"{"kid":"aa","role":"reader"}"#] {
            assert!(serde_json::from_str::<FirstAdmin>(bad).is_err(), "{bad}");
        }
    }
}
