//! Policies of tests, and their activation.

use age_governance::{ActivationRequest, OwnEvents, PolicyActivator, create_policy};
use age_model::{Action, Clock, Engine};
use age_policy::{ActionRule, Category, EngineRules, Policy};
use age_store::{DynamoDb, Events, Policies, Rollups};
use serde_json::json;

use super::RETENTION_DAYS;
use super::test_credentials::TESTS;

/// How many engines a policy may have.
const MAX_ENGINES: usize = 64;

/// How many rules that select actions it has.
const RULES: usize = 200;

/// Returns the default policy with 64 engines, 61 categories and 200 rules in front of its own.
pub(crate) fn largest_policy() -> Policy {
    let mut policy = Policy::compiled().unwrap();
    for number in 0..MAX_ENGINES - policy.engines.len() {
        let engine: Engine = format!("engine_{number:02}_of_the_largest_policy").parse().unwrap();
        let title = format!("Engine {number:02} of the largest policy");
        policy.engines.insert(engine, EngineRules { title, expected_interval_seconds: 86_400 });
        policy.categories.push(Category {
            name: format!("risk_of_engine_{number:02}"),
            engines: vec![engine, Engine::from_static("qa")],
            recommend_above: 40,
            recommendation: format!("Review what engine {number:02} has reported, and what came of its remediations"),
        });
    }
    // Without a category, an engine would not be scored.
    if let Some(first) = policy.categories.first_mut() {
        first.engines = policy.engines.keys().copied().collect();
    }
    let engines: Vec<Engine> = policy.engines.keys().copied().collect();
    let rule = |number: usize| ActionRule {
        engine: Some(engines[number % engines.len()]),
        severity: None,
        event_type_prefix: Some(format!("problem_{number:03}")),
        action: [Action::MaosAutoFix, Action::BillingSyncRepair, Action::PermissionReset][number % 3],
    };
    policy.actions.first_match.splice(0..0, (0..RULES).map(rule));
    policy.validate().unwrap();
    policy
}

/// Returns the default policy with a guardrail: operations `transfer` need approval.
pub(crate) fn with_transfers_that_need_approval() -> Policy {
    let mut policy = Policy::compiled().unwrap();
    let rule = json!({
        "id": "transfers", "verdict": "needs_approval", "message": "transfers need approval",
        "match": { "action": { "name": { "equals": "transfer" } } },
    });
    policy.guardrails = vec![serde_json::from_value(rule).unwrap()];
    policy
}

/// Stores `policy` in the tables at `db`, and activates it, unless it is the default policy, which is active.
pub(crate) async fn activate(policy: &Policy, db: &DynamoDb, clock: &dyn Clock) {
    if policy.hash() == Policy::COMPILED_HASH {
        return;
    }
    let (policies, admin) = (Policies::new(db, "Policies"), TESTS.parse().unwrap());
    create_policy(&policies, policy, &admin, clock).await.unwrap();
    let own_events = OwnEvents::new(Events::new(db, "Events", RETENTION_DAYS), Rollups::new(db, "Rollups"));
    let reason = "a test".parse().unwrap();
    let request = ActivationRequest { hash: policy.hash(), expected_active: Policy::COMPILED_HASH, reason };
    PolicyActivator::new(policies, own_events).activate(&request, &admin, clock).await.unwrap();
}
