//! Operations that engines ask about on the Monday after the sample week: some wait for an approval, one engine is paused.

use serde_json::{Value, json};

use crate::decisions::{ask, decide, id, with_approval};
use crate::policies::{default_document, default_hash, push};
use crate::policy_page::activate;
use crate::world::World;
use crate::world::test_credentials::NIGHT_DESK;

/// Returns the default policy with guardrails that a company would begin with.
fn document() -> Value {
    let named = |names: &[&str]| json!({ "action": { "name": { "in": names } } });
    let mut large = named(&["refund"]);
    large["context"] = json!({ "amount": { "above": 1000 } });
    let mut document = default_document();
    document["decisions"] = json!({ "record_payload": true, "unbound_context": ["sent_at"] });
    document["guardrails"] = json!([
        { "id": "deep_agent_tools_paused", "engines": ["deep_agent"], "verdict": "deny",
          "message": "Deep Agent calls no tools while performance_risk is CRITICAL",
          "match": { "resource": { "type": { "equals": "tool" } } },
          "state": { "at_level": { "category": "performance_risk", "level": "CRITICAL" } } },
        { "id": "large_refund", "verdict": "needs_approval", "message": "refunds over 1,000 need approval", "match": large },
        { "id": "deployment", "verdict": "needs_approval", "message": "deployments need approval", "match": named(&["deploy"]) },
        { "id": "remediation_ineffective", "verdict": "deny", "message": "the last remediation of the engine was ineffective",
          "state": { "ineffective_within": { "seconds": 3600 } } },
        { "id": "known_operations", "verdict": "allow", "message": "a known operation",
          "match": named(&["call_tool", "charge", "deploy", "generate", "refund"]) },
    ]);
    document
}

fn refund(invoice: &str, amount: f64) -> Value {
    json!({
        "subject": { "type": "engine", "id": "billing" },
        "action": { "name": "refund" },
        "resource": { "type": "invoice", "id": invoice, "properties": { "customer": "c-118" } },
        "context": { "amount": amount, "currency": "EUR", "reason": "charged twice" },
    })
}

/// Activates a policy with guardrails and sets a hold. Engines then ask about operations: two wait for an approval.
pub(crate) async fn ask_on_monday(world: &World) {
    let hash = push(world, &document()).await;
    activate(world, &hash, &default_hash(), "Engines ask before they act").await;
    world.sweep().await;
    let minute = || world.clock.advance(60);
    let approved = ask(world, &refund("2026-4698", 1840.0)).await;
    minute();
    assert_eq!(decide(world, id(&approved), "approve").await.status, 200);
    minute();
    ask(world, &with_approval(refund("2026-4698", 1840.0), id(&approved))).await;
    for request in [refund("2026-4702", 20.5), refund("2026-4711", 2500.0)] {
        minute();
        world.sweep().await;
        ask(world, &request).await;
    }
    minute();
    let mut unknown = refund("2026-4711", 0.0);
    unknown["action"] = json!({ "name": "delete" });
    ask(world, &unknown).await;
    minute();
    let mut deployment = refund("ledger", 0.0);
    deployment["action"] = json!({ "name": "deploy" });
    deployment["resource"] = json!({ "type": "service", "id": "ledger-sync" });
    deployment["context"] = json!({ "version": "4.2.1" });
    ask(world, &deployment).await;
    let hold = json!({
        "engine": "voice_engine", "operation": "generate", "until": "2026-11-23T12:00:00Z",
        "reason": "Greetings are generated in the wrong language",
    });
    assert_eq!(world.as_caller(NIGHT_DESK).post_json("/api/governance/holds", &hold).await.status, 201);
    minute();
    world.sweep().await;
}
