//! Approvals are bound to the request and the policy version, and used once.

use age_policy::Policy;
use serde_json::json;

use super::{
    EVALUATION, EVALUATIONS, ask, ask_as, decide, hold_billing, id, operation, policy, refund, verdict, with_approval,
    world,
};
use crate::policies::{activate, default_hash, push};
use crate::world::World;
use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{BILLING, NIGHT_DESK};

/// Asks for a large refund, and has it approved. Returns the id of the decision.
async fn approved(world: &World, amount: i64) -> String {
    let asked = ask(world, &refund(amount)).await;
    let decided = decide(world, id(&asked), "approve").await;
    assert_eq!((decided.status, decided.text("/approval/decidedBy")), (200, NIGHT_DESK), "{decided:?}");
    id(&asked).to_owned()
}

#[tokio::test]
async fn approved_operation_is_allowed_once() {
    let world = world().await;
    let pending = ask(&world, &refund(2000)).await;
    let named = with_approval(refund(2000), id(&pending));
    let waiting = ask(&world, &named).await;
    assert_eq!((verdict(&waiting).0, id(&waiting)), ("needs_approval", id(&pending)), "the recorded decision");
    assert_eq!(decide(&world, id(&pending), "approve").await.status, 200);
    let mut later = named.clone();
    later["context"]["sentAt"] = "2026-11-23T00:05:01Z".into();
    let allowed = ask(&world, &later).await;
    assert_eq!(verdict(&allowed).0, "allow");
    assert_eq!(allowed.list("/context/reasons").last().unwrap()["code"], "approved");
    assert_eq!(verdict(&ask(&world, &named).await), ("deny", "approval_used"));
    let shown = world.get(&format!("/api/governance/decisions/{}", id(&pending))).await;
    assert_eq!((shown.text("/approval/status"), shown.text("/approval/usedBy")), ("used", id(&allowed)));
    let shown = world.get(&format!("/api/governance/decisions/{}", id(&allowed))).await;
    assert_eq!(shown.text("/approvedByDecision"), id(&pending));
}

#[tokio::test]
async fn of_two_uses_at_once_one_is_allowed_and_one_denied() {
    let world = world().await;
    let decision = approved(&world, 2000).await;
    let named = with_approval(refund(2000), &decision);
    // The first use has read the approval, and waits to be recorded.
    world.dynamodb.set_fault(|call: &Call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::Hold,
        _ => Fault::None,
    });
    let second = async {
        while world.dynamodb.calls("TransactWriteItems") == 0 {
            tokio::task::yield_now().await;
        }
        let answer = ask(&world, &named).await;
        world.dynamodb.release();
        answer
    };
    let (first, second) = tokio::join!(ask(&world, &named), second);
    let mut verdicts = [verdict(&first), verdict(&second)];
    verdicts.sort_unstable();
    assert_eq!(verdicts.map(|(verdict, _)| verdict), ["allow", "deny"]);
    assert_eq!(verdicts[1].1, "approval_used");
}

#[tokio::test]
async fn repeat_of_a_use_gets_the_recorded_permit() {
    let world = world().await;
    let named = with_approval(refund(2000), &approved(&world, 2000).await);
    let allowed = ask_as(&world, &named, "use-1").await;
    assert_eq!(verdict(&allowed).0, "allow");
    assert_eq!(ask_as(&world, &named, "use-1").await.json, allowed.json);
    assert_eq!(verdict(&ask_as(&world, &named, "use-2").await), ("deny", "approval_used"));
}

#[tokio::test]
async fn approval_permits_no_other_operation() {
    let world = world().await;
    let decision = approved(&world, 2000).await;
    for other in [2001, 200_000] {
        let answer = ask(&world, &with_approval(refund(other), &decision)).await;
        assert_eq!(verdict(&answer), ("deny", "approval_mismatch"), "{other}");
    }
    let unknown = with_approval(refund(2000), "01936f2e-0000-7000-8000-00000000000a");
    assert_eq!(verdict(&ask(&world, &unknown).await), ("deny", "approval_unknown"));
    let small = id(&ask(&world, &refund(1)).await).to_owned();
    assert_eq!(verdict(&ask(&world, &with_approval(refund(2000), &small)).await), ("deny", "approval_unknown"));
    let malformed = with_approval(refund(2000), "x");
    let refused = world.as_caller(BILLING).post_json(EVALUATION, &malformed).await;
    assert_eq!((refused.status, refused.text("/errors/0/pointer")), (400, "/context/decisionId"));
    assert_eq!(verdict(&ask(&world, &with_approval(refund(2000), &decision)).await).0, "allow", "it is still unused");
}

#[tokio::test]
async fn policy_that_is_activated_between_approval_and_use_denies() {
    let world = world().await;
    let decision = approved(&world, 2000).await;
    let mut document = serde_json::to_value(policy()).unwrap();
    document["critical_recommendation"] = "Look at {count} events".into();
    let hash = push(&world, &document).await;
    let before = policy().hash().to_string();
    assert_eq!(activate(&world, &hash, &before).await.status, 200);
    // This environment has not read the new version yet: the transaction finds out.
    let denied = ask(&world, &with_approval(refund(2000), &decision)).await;
    assert_eq!(verdict(&denied), ("deny", "policy_changed"));
    assert_eq!(denied.text("/context/policyHash"), hash);
}

#[tokio::test]
async fn rollback_to_the_default_policy_permits_nothing() {
    let world = world().await;
    let decision = approved(&world, 2000).await;
    push(&world, &serde_json::to_value(Policy::compiled().unwrap()).unwrap()).await;
    assert_eq!(activate(&world, &default_hash(), &policy().hash().to_string()).await.status, 200);
    assert_eq!(verdict(&ask(&world, &with_approval(refund(2000), &decision)).await), ("deny", "no_rule"));
}

#[tokio::test]
async fn hold_and_rules_are_evaluated_again_when_an_approval_is_used() {
    let world = world().await;
    let decision = approved(&world, 2000).await;
    hold_billing(&world).await;
    assert_eq!(verdict(&ask(&world, &with_approval(refund(2000), &decision)).await), ("deny", "held"));
}

#[tokio::test]
async fn approval_is_denied_decided_once_and_expires() {
    let world = world().await;
    let asked = ask(&world, &refund(2000)).await;
    let path = format!("/api/governance/decisions/{}/approval", id(&asked));
    let desk = world.as_caller(NIGHT_DESK);
    let other_digest = json!({ "decision": "approve", "digest": "0".repeat(64) });
    assert_eq!(desk.post_json(&path, &other_digest).await.status, 409);
    assert_eq!(world.as_caller(BILLING).post_json(&path, &other_digest).await.status, 403, "no engine approves");
    assert_eq!(decide(&world, id(&asked), "deny").await.text("/approval/status"), "denied");
    assert_eq!(decide(&world, id(&asked), "approve").await.status, 409);
    assert_eq!(verdict(&ask(&world, &with_approval(refund(2000), id(&asked))).await), ("deny", "approval_denied"));

    let decision = approved(&world, 3000).await;
    let undecided = ask(&world, &refund(4000)).await;
    world.clock.advance(86_400);
    world.sweep().await;
    assert_eq!(verdict(&ask(&world, &with_approval(refund(3000), &decision)).await), ("deny", "approval_expired"));
    assert_eq!(decide(&world, id(&undecided), "approve").await.status, 409);
    let small = ask(&world, &operation("charge", 1)).await;
    let body = json!({ "decision": "approve", "digest": "0".repeat(64) });
    let refused = desk.post_json(&format!("/api/governance/decisions/{}/approval", id(&small)), &body).await;
    assert_eq!(refused.status, 409, "no approval is needed");
}

#[tokio::test]
async fn approval_is_used_once_in_a_batch() {
    let world = world().await;
    let named = with_approval(refund(2000), &approved(&world, 2000).await);
    let batch = json!({ "evaluations": [named, named, refund(1)] });
    let answer = world.as_caller(BILLING).post_json(EVALUATIONS, &batch).await;
    let verdicts: Vec<_> = answer.list("/evaluations").iter().map(|it| it["context"]["verdict"].clone()).collect();
    assert_eq!(verdicts, ["allow", "deny", "allow"], "{answer:?}");
}
