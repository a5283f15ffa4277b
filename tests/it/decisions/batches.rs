//! Batches: AuthZEN's three semantics, default values, errors of single evaluations, and one transaction.

use serde_json::{Value, json};

use super::{
    EVALUATIONS, ask, assert_counts_agree, decide, end_holds, hold_billing, id, operation, refund, with_approval, world,
};
use crate::world::test_credentials::BILLING;
use crate::world::{ApiResponse, World};

async fn ask_all(world: &World, batch: &Value, id: &str) -> ApiResponse {
    let headers = [("Content-Type", "application/json"), ("X-Request-ID", id)];
    world.as_caller(BILLING).send("POST", EVALUATIONS, &headers, batch.to_string().as_bytes()).await
}

fn verdicts(answer: &ApiResponse) -> Vec<&str> {
    let verdict = |item: &'_ Value| item["context"]["verdict"].as_str().map(str::to_owned);
    let texts = answer.list("/evaluations").iter().map(verdict);
    texts
        .map(|text| match text.as_deref() {
            Some("allow") => "allow",
            Some("deny") => "deny",
            Some(_) => "needs_approval",
            None => "invalid",
        })
        .collect()
}

fn batch(semantic: &str, evaluations: &[Value]) -> Value {
    json!({ "options": { "evaluations_semantic": semantic, "later": 1 }, "evaluations": evaluations })
}

#[tokio::test]
async fn semantics_end_the_batch_as_authzen_says() {
    let world = world().await;
    let requests = || vec![refund(1), operation("drop", 1), refund(2000), refund(2)];
    for (semantic, expected) in [
        ("execute_all", &["allow", "deny", "needs_approval", "allow"][..]),
        ("deny_on_first_deny", &["allow", "deny"]),
        ("permit_on_first_permit", &["allow"]),
    ] {
        let answer = ask_all(&world, &batch(semantic, &requests()), semantic).await;
        assert_eq!(verdicts(&answer), expected, "{semantic}: {answer:?}");
    }
    let needs = ask_all(&world, &batch("deny_on_first_deny", &[refund(2000), refund(1)]), "needs").await;
    assert_eq!(verdicts(&needs), ["needs_approval"], "what needs approval is not permitted");
    let unknown = ask_all(&world, &batch("any", &requests()), "unknown").await;
    assert_eq!((unknown.status, unknown.text("/errors/0/pointer")), (400, "/options/evaluations_semantic"));
}

#[tokio::test]
async fn evaluation_has_the_defaults_that_it_does_not_replace() {
    let world = world().await;
    let mut defaults = refund(1);
    defaults["evaluations"] = json!([{}, { "context": { "amount": 2000 } }, { "action": { "name": "drop" } }]);
    assert_eq!(verdicts(&ask_all(&world, &defaults, "d").await), ["allow", "needs_approval", "deny"]);
    let mut single = refund(1);
    single["evaluations"] = json!([]);
    for single in [single, refund(1)] {
        let answer = ask_all(&world, &single, "s").await;
        assert_eq!((answer.status, &answer.json["decision"]), (200, &json!(true)), "{answer:?}");
    }
}

#[tokio::test]
async fn evaluation_that_is_not_valid_is_denied_with_its_errors_and_the_others_are_decided() {
    let world = world().await;
    let invalid = json!({ "subject": { "type": "user", "id": "a" }, "action": { "name": "refund" } });
    let twice = batch("execute_all", &[invalid, refund(1), json!("x")]);
    let answer = ask_all(&world, &twice, "i").await;
    assert_eq!(verdicts(&answer), ["invalid", "allow", "invalid"], "{answer:?}");
    assert_eq!(answer.json["evaluations"][0]["decision"], false);
    assert_eq!(answer.text("/evaluations/0/context/error/errors/0/pointer"), "/resource");
    assert_eq!(answer.number("/evaluations/0/context/error/status"), 400);
    let listed = world.get("/api/governance/decisions").await;
    assert_eq!(listed.list("/decisions").len(), 1, "an invalid request is no decision");
}

#[tokio::test]
async fn batch_of_50_is_recorded_in_one_transaction_and_51_are_refused() {
    let world = world().await;
    world.dynamodb.reset();
    let answer = ask_all(&world, &batch("execute_all", &vec![refund(1); 50]), "b").await;
    assert_eq!((answer.status, answer.list("/evaluations").len()), (200, 50));
    assert_eq!((world.dynamodb.calls("TransactWriteItems"), world.dynamodb.calls("PutItem")), (1, 0));
    let refused = ask_all(&world, &batch("execute_all", &vec![refund(1); 51]), "b").await;
    assert_eq!((refused.status, refused.text("/errors/0/pointer")), (400, "/evaluations"));
}

#[tokio::test]
async fn batch_uses_as_many_approvals_as_its_transaction_has_room_for() {
    let world = world().await;
    let mut named = Vec::new();
    for amount in 2000..2050 {
        let asked = ask(&world, &refund(amount)).await;
        assert_eq!(decide(&world, id(&asked), "approve").await.status, 200);
        named.push(with_approval(refund(amount), id(&asked)));
    }
    // Besides the decisions and approvals, the transaction counts for one engine and checks the policy: 50 + 48 + 2, and 49 + 49 + 2.
    let mut most = named[..48].to_vec();
    most.extend([refund(1), refund(2)]);
    let mut too_many = most.clone();
    too_many[48] = named[48].clone();
    for (evaluations, max) in [(named.clone(), 48), (too_many, 48)] {
        let refused = ask_all(&world, &batch("execute_all", &evaluations), "refused").await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (400, "/evaluations"), "{refused:?}");
        let detail = refused.text("/errors/0/detail");
        assert!(
            detail.starts_with(&format!("must have at most {max} evaluations with context.decisionId")),
            "{detail}"
        );
    }
    let answer = ask_all(&world, &batch("execute_all", &most), "48").await;
    assert_eq!(verdicts(&answer), ["allow"; 50]);
    let again = ask_all(&world, &batch("execute_all", &named[..49]), "49").await;
    assert_eq!(verdicts(&again).iter().filter(|verdict| **verdict == "allow").count(), 1, "48 are used: {again:?}");
    assert_counts_agree(&world, "both batches").await;
}

#[tokio::test]
async fn batch_of_49_evaluations_uses_49_approvals() {
    let world = world().await;
    let mut named = Vec::new();
    for amount in 2000..2049 {
        let asked = ask(&world, &refund(amount)).await;
        assert_eq!(decide(&world, id(&asked), "approve").await.status, 200);
        named.push(with_approval(refund(amount), id(&asked)));
    }
    let answer = ask_all(&world, &batch("execute_all", &named), "49").await;
    assert_eq!(verdicts(&answer), ["allow"; 49]);
}

#[tokio::test]
async fn repeat_of_a_batch_gets_the_recorded_answers() {
    let world = world().await;
    for semantic in ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] {
        let requests = batch(semantic, &[refund(2000), refund(1), operation("drop", 1), refund(2)]);
        let first = ask_all(&world, &requests, semantic).await;
        hold_billing(&world).await;
        assert_eq!(ask_all(&world, &requests, semantic).await.json, first.json, "{semantic}");
        end_holds(&world).await;
        assert_eq!(ask_all(&world, &requests, semantic).await.json, first.json, "{semantic}");
    }
    // What was denied while the engine was held stays denied for a repeat.
    let requests = batch("deny_on_first_deny", &[refund(1), refund(2)]);
    hold_billing(&world).await;
    let held = ask_all(&world, &requests, "held").await;
    end_holds(&world).await;
    assert_eq!(verdicts(&held), ["deny"]);
    assert_eq!(ask_all(&world, &requests, "held").await.json, held.json);
}
