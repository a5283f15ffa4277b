//! Simulations of a policy over recorded decisions.

use age_model::Engine;
use age_policy::Policy;
use age_scoring::simulation::{DecisionComparison, History, SimulatedVerdict, UnreproducedVerdictReason, simulate};
use serde_json::{Value, json};

use super::{ask, decide, hold_billing, id, operation, policy, refund, with_approval, world};
use crate::policies::{activate, push};
use crate::world::World;

/// Returns [`policy`], by which transfers are allowed and refunds over 100 need approval, with requests recorded whole if asked for.
fn draft(records_payload: bool) -> Policy {
    let mut document = serde_json::to_value(policy()).unwrap();
    document["decisions"]["record_payload"] = records_payload.into();
    for guardrail in document["guardrails"].as_array_mut().unwrap() {
        match guardrail["id"].as_str().unwrap() {
            "transfers" => guardrail["verdict"] = "allow".into(),
            "large_refunds" => guardrail["match"]["context"]["amount"] = json!({ "above": 100 }),
            _ => {}
        }
    }
    Policy::from_value(&document).unwrap()
}

fn recording() -> Policy {
    let mut document = serde_json::to_value(policy()).unwrap();
    document["decisions"]["record_payload"] = true.into();
    Policy::from_value(&document).unwrap()
}

/// Simulates `draft` over the hour before now.
async fn simulated(world: &World, draft: &Policy) -> DecisionComparison {
    simulate((&policy(), &policy().hash().to_string()), draft, &history(world).await).decisions
}

async fn history(world: &World) -> History {
    let engines = policy().engines.keys().copied().collect();
    let now = age_model::Clock::now(world.clock.as_ref());
    let period = (now.plus_seconds(-3600), now);
    world.policy_simulator().history(&[&policy()], &engines, period, world.clock.as_ref()).await.unwrap()
}

fn verdicts(comparison: &DecisionComparison) -> Vec<(String, &'static str, u64)> {
    comparison.verdicts.iter().map(|it| (it.before.to_string(), it.after.as_str(), it.count)).collect()
}

/// Activates [`recording`], and asks for refunds, charges and transfers, some of them approved or held.
async fn asked() -> (World, Vec<String>) {
    let world = world().await;
    let hash = push(&world, &serde_json::to_value(recording()).unwrap()).await;
    assert_eq!(activate(&world, &hash, &policy().hash().to_string()).await.status, 200);
    world.clock.advance(60);
    world.sweep().await;
    let mut ids = Vec::new();
    for request in [
        refund(50),
        refund(500),
        refund(5000),
        operation("charge", 1),
        operation("transfer", 1),
        json!({
            "subject": { "type": "user", "id": "a" }, "action": { "name": "refund" },
            "resource": { "type": "invoice", "id": "1" }, "context": {},
        }),
    ] {
        world.clock.advance(1);
        ids.push(id(&ask(&world, &request).await).to_owned());
    }
    assert_eq!(decide(&world, &ids[2], "approve").await.status, 200);
    for _ in 0..2 {
        world.clock.advance(1);
        ids.push(id(&ask(&world, &with_approval(refund(5000), &ids[2])).await).to_owned());
    }
    hold_billing(&world).await;
    ids.push(id(&ask(&world, &refund(1)).await).to_owned());
    world.clock.advance(1);
    (world, ids)
}

#[tokio::test]
async fn version_that_decided_gives_every_verdict_again_and_a_draft_changes_those_that_it_should() {
    let (world, ids) = asked().await;
    let again = simulated(&world, &recording()).await;
    assert_eq!((again.total, again.self_check.reproduced, again.self_check.not_reproduced), (9, 9, 0), "{again:#?}");
    assert_eq!((again.changed.total, again.unknown.total), (0, 0));
    let comparison = simulated(&world, &draft(true)).await;
    let expected = [
        ("allow".to_owned(), "allow", 2),
        ("allow".to_owned(), "needs_approval", 1),
        ("needs_approval".to_owned(), "allow", 1),
        ("needs_approval".to_owned(), "needs_approval", 3),
        ("deny".to_owned(), "deny", 2),
    ];
    assert_eq!(verdicts(&comparison), expected);
    let changed: Vec<_> = comparison.changed.items.iter().map(|it| (it.id.to_string(), it.after)).collect();
    assert_eq!(changed, [(ids[1].clone(), SimulatedVerdict::NeedsApproval), (ids[4].clone(), SimulatedVerdict::Allow)]);
}

#[tokio::test]
async fn export_is_simulated_elsewhere_with_the_same_result_and_digests_are_unknown() {
    let world = world().await;
    for amount in [50, 500, 5000] {
        ask(&world, &refund(amount)).await;
        world.clock.advance(1);
    }
    ask(&world, &operation("transfer", 1)).await;
    world.clock.advance(1);
    let comparison = simulated(&world, &draft(false)).await;
    let expected = [
        ("allow".to_owned(), "unknown", 2),
        ("needs_approval".to_owned(), "allow", 1),
        ("needs_approval".to_owned(), "unknown", 1),
    ];
    assert_eq!(verdicts(&comparison), expected);
    let [reason] = comparison.self_check.reasons.as_slice() else { panic!("{comparison:#?}") };
    assert_eq!((reason.reason, reason.count), (UnreproducedVerdictReason::RequestNotRecorded, 3));
    let exported = world.get("/api/governance/policies/history?from=2026-11-23T00:00:00Z").await;
    assert_eq!(exported.status, 200, "{exported:?}");
    let decision = &exported.list("/history/decisions")[0];
    assert_eq!((&decision["action"], decision.get("payload")), (&Value::from("refund"), None));
    let history: History = serde_json::from_value(exported.json["history"].clone()).unwrap();
    assert_eq!(history.policy_versions.len(), 1);
    assert_eq!(simulate((&policy(), "x"), &draft(false), &history).decisions, comparison);
}

#[tokio::test]
async fn decisions_of_all_engines_are_read_in_their_order_within_the_period() {
    let world = world().await;
    let (mut billing, admin) = (Vec::new(), world.as_caller("tests"));
    for number in 0..250 {
        world.clock.advance(1);
        if number % 50 == 0 {
            let mut request = operation("charge", 1);
            request["subject"] = json!({ "type": "user", "id": "a" });
            request["context"]["engine"] = "qa".into();
            assert_eq!(admin.post_json(super::EVALUATION, &request).await.status, 200);
        }
        billing.push(id(&ask(&world, &operation("charge", number)).await).to_owned());
    }
    world.clock.advance(1);
    let read = history(&world).await;
    let of = |engine: &'static str| -> Vec<String> {
        let of_engine = read.decisions.iter().filter(|it| it.engine == Engine::from_static(engine));
        of_engine.map(|decision| decision.id.to_string()).collect()
    };
    assert_eq!((of("billing"), of("qa").len()), (billing, 5));
    assert!(read.decisions.is_sorted_by_key(|it| (it.decided_at, it.id)));
    assert_eq!(read.left_out.decisions_complete_since, None);
    // The end is not part of the period.
    let engines = policy().engines.keys().copied().collect();
    let period = (read.decisions[10].decided_at.floor_hour(), read.decisions[10].decided_at);
    let cut = world.policy_simulator().history(&[&policy()], &engines, period, world.clock.as_ref()).await.unwrap();
    assert_eq!(cut.decisions, read.decisions[..10]);
}

#[tokio::test]
async fn export_has_the_latest_decisions_that_fit_and_says_since_when() {
    let world = World::with_policy(&recording()).await;
    let mut request = operation("charge", 1);
    request["context"]["note"] = "x".repeat(14_000).into();
    for _ in 0..160 {
        world.clock.advance(1);
        ask(&world, &request).await;
    }
    world.clock.advance(1);
    let read = history(&world).await;
    let (number, bytes) = (read.decisions.len(), serde_json::to_string(&read.decisions).unwrap().len());
    assert!(number < 160 && (1_950_000..2_001_000).contains(&bytes), "{number} {bytes}");
    let first = read.decisions[0].decided_at;
    assert_eq!(read.left_out.decisions_complete_since, Some(first.plus_millis(-999)));
    assert_eq!(read.decisions.last().unwrap().decided_at.plus_seconds(1), age_model::Clock::now(world.clock.as_ref()));
    let comparison = simulated(&world, &recording()).await;
    assert_eq!((comparison.total, comparison.self_check.reproduced), (number as u64, number as u64));
}
