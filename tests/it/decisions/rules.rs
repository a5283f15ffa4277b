//! Engines read the rules of decisions: what they do while AGE cannot be asked, and which events report operations.

use age_policy::Policy;
use serde_json::json;

use super::permits::{EXPECTED_WITHIN, policy};
use crate::policies::default_document;
use crate::world::World;
use crate::world::test_credentials::BILLING;

const RULES: &str = "/api/governance/decisions/rules";

#[tokio::test]
async fn engines_read_what_they_do_while_age_is_unavailable() {
    let world = World::with_policy(&policy()).await;
    let rules = world.as_caller(BILLING).get(RULES).await;
    assert_eq!(
        rules.json,
        json!({
            "policyHash": policy().hash().to_string(), "validForSeconds": 300, "expectEventWithinSeconds": EXPECTED_WITHIN,
            "onUnavailable": { "transfer": "allow" }, "eventTypes": { "charged": "charge", "moved": "transfer" },
        })
    );
    let default = World::with_policy(&Policy::from_value(&default_document()).unwrap()).await;
    let rules = default.as_caller(BILLING).get(RULES).await;
    assert_eq!((rules.json.get("expectEventWithinSeconds"), &rules.json["onUnavailable"]), (None, &json!({})));
}
