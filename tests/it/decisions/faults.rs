//! Failures at every call: never a permit without its record, never two answers to a repeat, never a record that is not counted once.

use serde_json::json;

use super::{
    EVALUATIONS, ask, ask_as, assert_counts_agree, decide, hold_billing, id, recorded, refund, verdict, with_approval,
    world,
};
use crate::world::proxy::Fault;
use crate::world::test_credentials::BILLING;

/// The most calls of DynamoDB that a decision makes.
const MAX_CALLS: usize = 8;

#[tokio::test]
async fn nothing_is_permitted_while_dynamodb_is_away() {
    let world = world().await;
    world.dynamodb.set_fault(|_| Fault::Refuse);
    let answer = ask_as(&world, &refund(1), "r-1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{answer:?}");
    assert_eq!(answer.header("x-request-id"), Some("r-1"));
    assert!(!answer.body.contains("127.0.0.1") && !answer.body.contains("Decisions"), "{answer:?}");
    world.dynamodb.reset();
    assert!(recorded(&world).await.is_empty());
    assert_eq!(verdict(&ask(&world, &refund(1)).await).0, "allow");
}

#[tokio::test]
async fn crash_at_every_call_leaves_a_record_of_every_permit_and_one_answer_to_a_repeat() {
    for fault in [Fault::Refuse, Fault::DropResponse] {
        for passing in 0..MAX_CALLS {
            let world = world().await;
            world.dynamodb.set_fault_at(passing, fault, Fault::Refuse);
            let first = ask_as(&world, &refund(1), "r-1").await;
            world.dynamodb.reset();
            let records = recorded(&world).await;
            assert_counts_agree(&world, &format!("{fault:?} {passing}")).await;
            if first.status == 200 {
                assert!(records.iter().any(|it| it["id"] == first.json["context"]["id"]), "{passing}: {first:?}");
            } else {
                assert_eq!(first.status, 503, "{passing}: {first:?}");
            }
            // Whatever was recorded is the answer, although the state has changed since.
            hold_billing(&world).await;
            let repeat = ask_as(&world, &refund(1), "r-1").await;
            let expected = if records.is_empty() { "deny" } else { "allow" };
            assert_eq!(verdict(&repeat).0, expected, "{fault:?} {passing}");
            assert_eq!(recorded(&world).await.len(), 1, "{fault:?} {passing}");
            let other = ask_as(&world, &refund(2), "r-1").await;
            assert_eq!(verdict(&other).0, "deny", "a recorded answer is for its own request");
            assert_counts_agree(&world, &format!("{fault:?} {passing}, repeated")).await;
        }
    }
}

#[tokio::test]
async fn crash_at_every_call_uses_an_approval_once() {
    for fault in [Fault::Refuse, Fault::DropResponse] {
        for passing in 0..MAX_CALLS {
            let world = world().await;
            let asked = ask(&world, &refund(2000)).await;
            assert_eq!(decide(&world, id(&asked), "approve").await.status, 200);
            let named = with_approval(refund(2000), id(&asked));
            world.dynamodb.set_fault_at(passing, fault, Fault::Refuse);
            let first = ask_as(&world, &named, "use-1").await;
            world.dynamodb.reset();
            let repeat = ask_as(&world, &named, "use-1").await;
            assert_eq!(verdict(&repeat).0, "allow", "{fault:?} {passing}: {first:?}");
            assert!(first.status == 503 || first.json == repeat.json, "{fault:?} {passing}: {first:?}");
            assert_eq!(verdict(&ask_as(&world, &named, "use-2").await).0, "deny", "{fault:?} {passing}");
            let allowed = recorded(&world).await;
            let allowed = allowed.iter().filter(|it| it["verdict"] == "allow").count();
            assert_eq!(allowed, 1, "{fault:?} {passing}");
            assert_counts_agree(&world, &format!("{fault:?} {passing}")).await;
        }
    }
}

#[tokio::test]
async fn batch_is_recorded_as_a_whole_or_not_at_all() {
    for fault in [Fault::Refuse, Fault::DropResponse] {
        for passing in 0..MAX_CALLS {
            let world = world().await;
            let batch = json!({ "evaluations": [refund(1), refund(2), refund(2000)] }).to_string();
            let headers = [("Content-Type", "application/json"), ("X-Request-ID", "b-1")];
            let send =
                || async { world.as_caller(BILLING).send("POST", EVALUATIONS, &headers, batch.as_bytes()).await };
            world.dynamodb.set_fault_at(passing, fault, Fault::Refuse);
            let first = send().await;
            world.dynamodb.reset();
            assert!([0, 3].contains(&recorded(&world).await.len()), "{fault:?} {passing}");
            assert_counts_agree(&world, &format!("{fault:?} {passing}, first")).await;
            let repeat = send().await;
            assert_eq!(repeat.status, 200);
            assert!(first.status == 503 || first.json == repeat.json, "{fault:?} {passing}: {first:?}");
            assert_eq!(recorded(&world).await.len(), 3, "{fault:?} {passing}");
            assert_counts_agree(&world, &format!("{fault:?} {passing}")).await;
        }
    }
}
