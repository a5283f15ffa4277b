//! The shadow: a policy version whose guardrails are evaluated beside those of the active one, without an effect on answers.

use serde_json::{Value, json};

use super::{
    EVALUATIONS, ask, assert_counts_agree, decide, hold_billing, id, operation, policy, refund, verdict, with_approval,
    world,
};
use crate::policies::{POLICIES, activate, push};
use crate::world::browser::Browser;
use crate::world::test_credentials::{BILLING, NIGHT_DESK, READER};
use crate::world::{ApiResponse, World};

const SHADOW: &str = "/api/governance/policies/shadow";

/// How long an environment works by the credentials and the policy that it has read, in seconds.
const CACHED_SECONDS: i64 = 60;

/// The operations of DynamoDB that a decision may need.
const OPERATIONS: [&str; 6] = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems"];

/// Returns the policy of [`policy`], by which all refunds need approval and nobody transfers.
fn draft() -> Value {
    let mut document = serde_json::to_value(policy()).unwrap();
    let guardrails = document["guardrails"].as_array_mut().unwrap();
    guardrails.retain(|guardrail| guardrail["id"] != "transfers");
    let refunds = guardrails.iter_mut().find(|guardrail| guardrail["id"] == "refunds").unwrap();
    refunds["verdict"] = "needs_approval".into();
    document
}

async fn start(world: &World, hash: &str, body: &Value) -> ApiResponse {
    world.post_json(&format!("{POLICIES}/{hash}/shadow"), body).await
}

/// Runs [`draft`] as the shadow, in every environment. Returns its hash.
async fn with_draft(world: &World) -> String {
    let hash = push(world, &draft()).await;
    let started = start(world, &hash, &json!({ "reason": "a test" })).await;
    assert_eq!(started.status, 200, "{started:?}");
    world.clock.advance(CACHED_SECONDS);
    world.sweep().await;
    hash
}

/// Returns the recorded decision.
async fn shown(world: &World, answer: &ApiResponse) -> Value {
    world.get(&format!("/api/governance/decisions/{}", id(answer))).await.json
}

async fn listed(world: &World, query: &str) -> Vec<Value> {
    let page = world.as_caller(READER).get(&format!("/api/governance/decisions?limit=200{query}")).await;
    page.list("/decisions").iter().map(|decision| decision["id"].clone()).collect()
}

#[tokio::test]
async fn decision_records_the_shadow_only_if_its_verdict_differs() {
    let world = world().await;
    let hash = with_draft(&world).await;
    let small = ask(&world, &refund(1)).await;
    assert_eq!(verdict(&small), ("allow", "rule_matched"), "the active policy answers");
    assert!(small.json["context"].get("shadow").is_none(), "callers do not see it: {small:?}");
    let reason = json!({ "rule": "refunds", "code": "rule_matched", "message": "refunds are allowed" });
    let expected = json!({ "policyHash": hash, "verdict": "needs_approval", "reasons": [reason] });
    assert_eq!(shown(&world, &small).await["shadow"], expected);
    world.clock.advance(1);
    let transfer = ask(&world, &operation("transfer", 1)).await;
    assert_eq!(shown(&world, &transfer).await["shadow"]["verdict"], "deny");
    world.clock.advance(1);
    let same = [ask(&world, &refund(2000)).await, ask(&world, &operation("charge", 1)).await];
    for answer in &same {
        assert_eq!(shown(&world, answer).await.get("shadow"), None, "{answer:?}");
    }
    let differing = vec![transfer.json["context"]["id"].clone(), small.json["context"]["id"].clone()];
    assert_eq!(listed(&world, "&shadow=differs").await, differing);
    assert_eq!(listed(&world, "&shadow=differs&verdict=allow").await, differing[1..]);
    assert_eq!(listed(&world, "").await.len(), 4);
    assert_counts_agree(&world, "one by one").await;
    let status = world.get(SHADOW).await;
    assert_eq!((status.number("/decisions"), status.number("/differing")), (4, 2));
    let refused = world.get("/api/governance/decisions?shadow=same").await;
    assert_eq!((refused.status, refused.text("/errors/0/detail")), (422, "must be one of differs; got \"same\""));
}

#[tokio::test]
async fn verdicts_are_compared_before_an_approval_is_used_and_after_holds() {
    let world = world().await;
    with_draft(&world).await;
    let pending = ask(&world, &refund(2000)).await;
    assert_eq!(decide(&world, id(&pending), "approve").await.status, 200);
    let used = ask(&world, &with_approval(refund(2000), id(&pending))).await;
    assert_eq!(verdict(&used).0, "allow");
    assert_eq!(shown(&world, &used).await.get("shadow"), None, "both need approval");
    let transfer = ask(&world, &operation("transfer", 1)).await;
    assert_eq!(decide(&world, id(&transfer), "approve").await.status, 200);
    let used = ask(&world, &with_approval(operation("transfer", 1), id(&transfer))).await;
    assert_eq!((verdict(&used).0, &shown(&world, &used).await["shadow"]["verdict"]), ("allow", &json!("deny")));
    hold_billing(&world).await;
    let held = ask(&world, &refund(1)).await;
    assert_eq!((verdict(&held).1, shown(&world, &held).await.get("shadow")), ("held", None));
}

#[tokio::test]
async fn batch_records_the_shadow_of_each_decision() {
    let world = world().await;
    with_draft(&world).await;
    let batch = json!({ "evaluations": [refund(1), operation("charge", 1), operation("transfer", 1)] });
    assert_eq!(world.as_caller(BILLING).post_json(EVALUATIONS, &batch).await.status, 200);
    assert_eq!((listed(&world, "").await.len(), listed(&world, "&shadow=differs").await.len()), (3, 2));
    assert_counts_agree(&world, "a batch").await;
}

#[tokio::test]
async fn shadow_is_shown_extended_replaced_and_ended() {
    let world = world().await;
    assert_eq!(world.get(SHADOW).await.status, 404);
    let hash = push(&world, &draft()).await;
    let started = start(&world, &hash, &json!({})).await;
    let expected = json!({
        "hash": hash, "startedAt": "2026-11-23T00:05:00.000Z", "startedBy": "tests", "until": "2026-12-07T00:05:00.000Z",
    });
    assert_eq!((started.status, &started.json), (200, &expected));
    let mut shown = expected.clone();
    shown["decisions"] = 0.into();
    shown["differing"] = 0.into();
    assert_eq!(world.as_caller(READER).get(SHADOW).await.json, shown);
    assert_eq!(world.get(&format!("{POLICIES}/{hash}")).await.json["shadow"], expected);
    let of_list = |list: &ApiResponse| -> Vec<Value> {
        list.list("/policies").iter().filter_map(|version| version.get("shadow").cloned()).collect()
    };
    assert_eq!(of_list(&world.get(POLICIES).await), [expected]);
    assert_eq!(world.get(&format!("{POLICIES}/active")).await.json.get("shadow"), None);

    let page = Browser::signed_in(&world, READER).await.get(&format!("/dashboard/policy/{hash}")).await;
    assert!(
        page.body.contains("<dt>Shadow</dt><dd>From <time datetime=\"2026-11-23T00:05:00.000Z\">"),
        "{}",
        page.body
    );

    world.clock.advance(3600);
    let longer = json!({ "until": "2026-12-23T01:05:00Z", "reason": "more of them" });
    let extended = start(&world, &hash, &longer).await;
    assert_eq!(
        (extended.text("/startedAt"), extended.text("/until"), extended.text("/reason")),
        ("2026-11-23T00:05:00.000Z", "2026-12-23T01:05:00.000Z", "more of them")
    );
    let mut other = draft();
    other["guardrails"] = json!([]);
    let other = push(&world, &other).await;
    assert_eq!(start(&world, &other, &json!({})).await.text("/startedAt"), "2026-11-23T01:05:00.000Z");
    assert_eq!(world.get(SHADOW).await.text("/hash"), other);
    assert_eq!(world.as_caller(NIGHT_DESK).send("DELETE", SHADOW, &[], b"").await.status, 403);
    let ended = world.send("DELETE", SHADOW, &[], b"").await;
    assert_eq!((ended.status, ended.text("/hash")), (200, other.as_str()));
    assert_eq!(world.send("DELETE", SHADOW, &[], b"").await.status, 404);
    assert_eq!(world.get(SHADOW).await.status, 404);
}

#[tokio::test]
async fn shadow_is_another_stored_version_and_ends_within_30_days() {
    let world = world().await;
    let refused = start(&world, &policy().hash().to_string(), &json!({})).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text("/detail").ends_with("is active; the shadow is another version than the active one"));
    assert_eq!(start(&world, &"0".repeat(64), &json!({})).await.status, 404);
    let hash = push(&world, &draft()).await;
    for until in ["2026-11-23T00:05:00Z", "2026-12-23T00:05:00.001Z"] {
        let refused = start(&world, &hash, &json!({ "until": until })).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/until"), "{until}");
    }
    assert_eq!(start(&world, &hash, &json!({ "until": "2026-12-23T00:05:00Z" })).await.status, 200);
    assert_eq!(world.get(SHADOW).await.text("/until"), "2026-12-23T00:05:00.000Z");
}

#[tokio::test]
async fn shadow_ends_by_itself_and_by_its_activation() {
    let world = world().await;
    let hash = push(&world, &draft()).await;
    start(&world, &hash, &json!({ "until": "2026-11-23T00:10:00Z" })).await;
    world.clock.advance(CACHED_SECONDS);
    assert!(shown(&world, &ask(&world, &refund(1)).await).await.get("shadow").is_some());
    world.set_time("2026-11-23T00:10:00Z");
    world.sweep().await;
    assert_eq!(shown(&world, &ask(&world, &refund(1)).await).await.get("shadow"), None, "before it is read again");
    assert_eq!(world.get(SHADOW).await.status, 404);

    start(&world, &hash, &json!({})).await;
    assert_eq!(activate(&world, &hash, &policy().hash().to_string()).await.status, 200);
    assert_eq!(world.get(SHADOW).await.status, 404);
    assert_eq!(activate(&world, &policy().hash().to_string(), &hash).await.status, 200);
    assert_eq!(world.get(SHADOW).await.status, 404, "a rollback does not start it again");
    // Another activation leaves the shadow as it is.
    start(&world, &hash, &json!({})).await;
    let mut other = draft();
    other["guardrails"] = json!([]);
    let other = push(&world, &other).await;
    assert_eq!(activate(&world, &other, &policy().hash().to_string()).await.status, 200);
    assert_eq!(world.get(SHADOW).await.text("/hash"), hash);
    world.clock.advance(CACHED_SECONDS);
    let denied = ask(&world, &refund(1)).await;
    assert_eq!(
        (verdict(&denied).1, &shown(&world, &denied).await["shadow"]["verdict"]),
        ("no_rule", &json!("needs_approval"))
    );
}

#[tokio::test]
async fn shadow_runs_before_the_first_activation() {
    let world = World::new().await;
    let hash = push(&world, &draft()).await;
    let started = start(&world, &hash, &json!({})).await;
    assert_eq!(started.status, 200, "{started:?}");
    world.clock.advance(CACHED_SECONDS);
    world.sweep().await;
    let denied = ask(&world, &refund(1)).await;
    assert_eq!(verdict(&denied), ("deny", "no_rule"));
    assert_eq!(shown(&world, &denied).await["shadow"]["verdict"], "needs_approval");
    assert_eq!(world.get(&format!("{POLICIES}/active")).await.json["version"], 0);
    let default = crate::policies::default_hash();
    assert_eq!(activate(&world, &hash, &default).await.status, 200);
    assert_eq!(world.get(SHADOW).await.status, 404);
    world.clock.advance(CACHED_SECONDS);
    world.sweep().await;
    let pending = ask(&world, &refund(1)).await;
    assert_eq!((verdict(&pending).0, shown(&world, &pending).await.get("shadow")), ("needs_approval", None));
}

#[tokio::test]
async fn shadow_that_cannot_be_read_has_no_effect_on_decisions() {
    let world = world().await;
    let hash = with_draft(&world).await;
    let pointer = [("kind", "active"), ("id", "*")];
    let document = [("kind", "document"), ("id", hash.as_str())];
    for (key, damage) in [(pointer, "shadow"), (document, "document")] {
        let row = world.row("Policies", &key)["Item"].clone();
        let mut damaged = row.clone();
        damaged[damage] = json!({ "S": "{" });
        world.dynamodb.call("PutItem", &json!({ "TableName": "Policies", "Item": damaged }));
        let environment = world.new_environment().await;
        let answer = environment.with_token(world.token(BILLING)).post_json(super::EVALUATION, &refund(1)).await;
        assert_eq!(verdict(&answer).0, "allow", "{damage}");
        assert_eq!(shown(&world, &answer).await.get("shadow"), None, "{damage}");
        world.dynamodb.call("PutItem", &json!({ "TableName": "Policies", "Item": row }));
    }
    // The shadow can be ended although it cannot be read.
    let mut damaged = world.row("Policies", &pointer)["Item"].clone();
    damaged["shadow"] = json!({ "S": "{" });
    world.dynamodb.call("PutItem", &json!({ "TableName": "Policies", "Item": damaged }));
    assert_eq!(world.send("DELETE", SHADOW, &[], b"").await.status, 404);
    assert_eq!(world.row("Policies", &pointer)["Item"].get("shadow"), None);
}

#[tokio::test]
async fn decision_makes_no_more_calls_without_a_shadow_and_with_one() {
    let world = world().await;
    ask(&world, &refund(1)).await;
    let mut calls = Vec::new();
    for starts in [false, true] {
        if starts {
            with_draft(&world).await;
            ask(&world, &refund(1)).await;
        }
        let made = || OPERATIONS.map(|operation| world.dynamodb.calls(operation));
        let before = made();
        ask(&world, &refund(1)).await;
        calls.push(made().iter().zip(before).map(|(after, before)| after - before).collect::<Vec<_>>());
    }
    assert_eq!(calls[0], calls[1]);
}
