//! Decisions: guardrails and holds are asked over AuthZEN's API, answers are recorded once, and approvals are used once.

mod approvals;
mod batches;
mod counts;
mod faults;
mod lists;
mod notifications;
mod permits;
mod protocol;
mod rules;
mod shadow;
mod simulation;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use age_governance::{NewHold, end_hold, set_hold};
use age_model::{Clock, DecisionCounts, Engine, Period, Posture};
use age_policy::Policy;
use age_store::{FleetStateStore, Freshness, RollupSet, Rollups};
use serde_json::{Value, json};

use crate::policies::default_document;
use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{BILLING, NIGHT_DESK};
use crate::world::{ApiResponse, World};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

/// Returns the default policy with guardrails: refunds are allowed, those over 1,000 need approval, and none runs while
/// `billing_risk` is HIGH. Charges are allowed and transfers need approval in any state
/// of the fleet.
pub(crate) fn policy() -> Policy {
    let mut document = default_document();
    document["decisions"] = json!({ "valid_for_seconds": 300, "unbound_context": ["sentAt"] });
    let refund = json!({ "action": { "name": { "equals": "refund" } } });
    let mut large = refund.clone();
    large["context"] = json!({ "amount": { "above": 1000 } });
    document["guardrails"] = json!([
        { "id": "refunds", "verdict": "allow", "message": "refunds are allowed", "match": refund },
        { "id": "large_refunds", "verdict": "needs_approval", "message": "refunds over 1,000 need approval", "match": large },
        { "id": "no_refunds_at_risk", "verdict": "deny", "message": "no refunds while billing is at risk", "match": refund,
          "state": { "at_level": { "category": "billing_risk", "level": "HIGH" } } },
        { "id": "charges", "verdict": "allow", "message": "charges are allowed",
          "match": { "action": { "name": { "equals": "charge" } } } },
        { "id": "transfers", "verdict": "needs_approval", "message": "transfers need approval",
          "match": { "action": { "name": { "equals": "transfer" } } } },
    ]);
    Policy::from_value(&document).unwrap()
}

/// Returns a world with [`policy`] and a posture of now.
pub(crate) async fn world() -> World {
    let world = World::with_policy(&policy()).await;
    world.sweep().await;
    world
}

pub(crate) fn refund(amount: i64) -> Value {
    operation("refund", amount)
}

pub(crate) fn operation(action: &str, amount: i64) -> Value {
    json!({
        "subject": { "type": "engine", "id": "billing" }, "action": { "name": action },
        "resource": { "type": "invoice", "id": "4711" }, "context": { "amount": amount },
    })
}

/// Returns `request` with the id of an approved decision.
pub(crate) fn with_approval(mut request: Value, decision: &str) -> Value {
    request["context"]["decisionId"] = decision.into();
    request
}

/// At which call a sweep has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// The sweep made fewer calls.
    None,
    /// At a call that changes nothing.
    AtARead,
    /// At a call that changes something.
    AtAWrite,
}

/// Runs a sweep that dies after its call number `passing`: the call fails as `fault` says, and no later one returns.
pub(crate) async fn sweep_that_dies(world: &World, passing: usize, fault: Fault) -> Death {
    let calls = Arc::new(AtomicUsize::new(0));
    let is_write = Arc::new(AtomicBool::new(false));
    let (seen, writes) = (Arc::clone(&calls), Arc::clone(&is_write));
    world.dynamodb.set_fault(move |call: &Call| match seen.fetch_add(1, Ordering::SeqCst) {
        number if number < passing => Fault::None,
        number if number == passing => {
            let reads = ["BatchGetItem", "GetItem", "GetTopicAttributes", "Query"];
            writes.store(!reads.contains(&call.operation.as_str()), Ordering::SeqCst);
            fault
        }
        _ if call.operation == "Publish" || call.operation == "GetTopicAttributes" => Fault::Refuse,
        _ => Fault::Hold,
    });
    let sweeper = world.sweeper();
    let death = async {
        while calls.load(Ordering::SeqCst) <= passing {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The calls arrive, although nobody waits for their answers.
        while world.dynamodb.calls_in_progress() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let has_died = tokio::select! {
        biased;
        () = death => true,
        _ = Box::pin(sweeper.run()) => false,
    };
    world.dynamodb.reset();
    match (has_died, is_write.load(Ordering::SeqCst)) {
        (false, _) => Death::None,
        (true, false) => Death::AtARead,
        (true, true) => Death::AtAWrite,
    }
}

/// Asks as the engine billing.
pub(crate) async fn ask(world: &World, request: &Value) -> ApiResponse {
    let answer = world.as_caller(BILLING).post_json(EVALUATION, request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Asks as the engine billing, with an `X-Request-ID`.
async fn ask_as(world: &World, request: &Value, id: &str) -> ApiResponse {
    let headers = [("Content-Type", "application/json"), ("X-Request-ID", id)];
    world.as_caller(BILLING).send("POST", EVALUATION, &headers, request.to_string().as_bytes()).await
}

/// Returns the verdict of an answer and the code of its first reason.
fn verdict(answer: &ApiResponse) -> (&str, &str) {
    assert_eq!(answer.json["decision"], answer.text("/context/verdict") == "allow", "{answer:?}");
    (answer.text("/context/verdict"), answer.text("/context/reasons/0/code"))
}

pub(crate) fn id(answer: &ApiResponse) -> &str {
    answer.text("/context/id")
}

/// Approves or denies the operation of a decision. Returns the response.
pub(crate) async fn decide(world: &World, id: &str, decision: &str) -> ApiResponse {
    let path = format!("/api/governance/decisions/{id}");
    let shown = world.get(&path).await;
    let body = json!({ "decision": decision, "digest": shown.text("/approval/digest") });
    world.as_caller(NIGHT_DESK).post_json(&format!("{path}/approval"), &body).await
}

/// Returns the rollups of billing, qa and maos in the trailing week.
async fn rollups(world: &World) -> RollupSet {
    let engines = ["billing", "qa", "maos"].map(Engine::from_static);
    let week = Period::trailing_week(world.clock.now());
    Rollups::new(&world.db(), "Rollups").of(&engines.into(), week, Freshness::Strong).await.unwrap()
}

/// Returns the counts of the decisions of billing, qa and maos in the trailing week.
async fn counted(world: &World) -> DecisionCounts {
    rollups(world).await.decisions(Period::trailing_week(world.clock.now())).unwrap()
}

/// Returns all decisions that are recorded, as the list shows them.
async fn recorded(world: &World) -> Vec<Value> {
    let (mut decisions, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/api/governance/decisions?limit=200{cursor}")).await;
        decisions.extend(page.list("/decisions").to_vec());
        match page.json["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return decisions,
        }
    }
}

/// Asserts that what is counted is what is recorded.
async fn assert_counts_agree(world: &World, case: &str) {
    let (recorded, counted) = (recorded(world).await, counted(world).await);
    let with = |verdict: &str| recorded.iter().filter(|it| it["verdict"] == verdict).count() as u64;
    let expected = (with("allow"), with("deny"), with("needs_approval"));
    assert_eq!((counted.allowed, counted.denied, counted.needs_approval), expected, "{case}: {recorded:?}");
    let decided_by = |rule: &String| {
        let names = |it: &&Value| it["reasons"].as_array().unwrap().iter().any(|reason| reason["rule"] == **rule);
        recorded.iter().filter(names).count() as u64
    };
    for (rule, number) in &counted.by_rule {
        assert_eq!(*number, decided_by(rule), "{case}: {rule}");
    }
    let differing = recorded.iter().filter(|it| it.get("shadow").is_some()).count() as u64;
    assert_eq!(counted.shadow_differences, differing, "{case}");
    let with_rule = recorded.iter().filter(|it| it["reasons"][0]["rule"].is_string()).count();
    assert_eq!(counted.by_rule.is_empty(), with_rule == 0, "{case}");
}

fn fleet(world: &World) -> FleetStateStore {
    FleetStateStore::new(&world.db(), "Incidents")
}

async fn posture(world: &World) -> Posture {
    fleet(world).get().await.unwrap().posture.unwrap()
}

/// Holds the engine billing for an hour.
pub(crate) async fn hold_billing(world: &World) {
    let hold = NewHold {
        engine: Engine::from_static("billing"),
        operation: None,
        reason: "the ledger is being audited".to_owned(),
        until: world.clock.now().plus_seconds(3600),
    };
    set_hold(&fleet(world), hold, NIGHT_DESK.parse().unwrap(), world.clock.as_ref()).await.unwrap();
}

async fn end_holds(world: &World) {
    for hold in fleet(world).get().await.unwrap().holds {
        let by = NIGHT_DESK.parse().unwrap();
        end_hold(&fleet(world), hold.id, None, by, world.clock.as_ref()).await.unwrap();
    }
}
