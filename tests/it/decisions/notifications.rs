//! People are notified of operations that wait for an approval, reminded of them, and told when nobody has decided in time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use age_governance::Sweep;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Death, EVALUATIONS, ask, decide, id, operation, policy, refund, sweep_that_dies, world};
use crate::policies::{activate, push};
use crate::world::proxy::{Call, Fault};
use crate::world::sns::Published;
use crate::world::test_credentials::{ANOTHER_ENGINE, BILLING};
use crate::world::{World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Asks for a refund that needs an approval. Returns the id of the decision.
async fn pending(world: &World) -> String {
    id(&ask(world, &refund(2000)).await).to_owned()
}

/// Asks for `number` transfers of billing, all of which need approvals.
async fn many_pending(world: &World, number: usize) {
    let mut left = number;
    while left > 0 {
        let batch = left.min(50);
        let body = json!({ "evaluations": vec![operation("transfer", 1); batch] });
        let answer = world.as_caller(BILLING).post_json(EVALUATIONS, &body).await;
        assert_eq!(answer.list("/evaluations").len(), batch, "{answer:?}");
        left -= batch;
    }
}

impl World {
    /// Returns the decisions that an e-mail to the first line is about, each with the kind of notification.
    fn notified_decisions(&self) -> Vec<(String, String)> {
        self.emails().iter().flat_map(decisions_of).collect()
    }

    /// Returns the row of a decision, attribute by attribute.
    fn decision_row(&self, id: &str) -> Value {
        self.row("Decisions", &[("id", id)])["Item"].clone()
    }

    async fn approval_status(&self, id: &str) -> String {
        let shown = self.get(&format!("/api/governance/decisions/{id}")).await;
        shown.text("/approval/status").to_owned()
    }
}

fn decisions_of(email: &Published) -> Vec<(String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let decisions = email.json.get("decisions").and_then(Value::as_array);
    decisions.into_iter().flatten().map(|one| (text(one, "id"), text(one, "kind"))).collect()
}

/// Whether nothing is due for the approval of a decision, by its row.
fn is_settled(row: &Value) -> bool {
    assert_eq!(row.get("due_key").is_some(), row.get("due_shard").is_some(), "{row}");
    row.get("due_key").is_none()
}

#[tokio::test]
async fn operation_for_which_nobody_looks_is_notified_reminded_and_told_when_its_approval_expires() {
    let world = world().await;
    let decision = pending(&world).await;
    world.sweep_every_minute(1).await;
    assert_eq!(world.notified_decisions().len(), 1);
    let email = world.emails().pop().unwrap();
    assert_eq!(email.subject, "[AGE] HIGH, approval needed: Billing: refund");
    let digest = world.get(&format!("/api/governance/decisions/{decision}")).await.text("/approval/digest").to_owned();
    for said in [
        "HIGH: Billing: an operation waits for your approval",
        &format!("To approve or deny: /dashboard/decisions/{decision}"),
        "Engine      Billing (billing)",
        "Requested   Mon 23 Nov 2026, 00:05:00 UTC",
        "Decide by   Tue 24 Nov 2026, 00:05:00 UTC, 23 h 59 min left",
        "If approved it may run once, if the engine asks again in time and nothing denies it then",
        &format!("Digest      {digest}"),
        &format!("To approve  agectl decision approve {decision} --digest {digest}"),
        &format!("API         POST /api/governance/decisions/{decision}/approval"),
        "The engine asked, in its own words:\n  > Action: refund\n  > Resource: invoice 4711\n  > Subject: engine billing",
        "  > large_refunds: refunds over 1,000 need approval",
    ] {
        assert!(email.message.contains(said), "{said} in {}", email.message);
    }
    assert_eq!(
        (email.json["severity"].as_str(), email.attributes["engine"].as_str()),
        (Some("HIGH"), r#"["billing"]"#)
    );

    for _ in 0..(25 * 2) {
        world.clock.advance(30 * MINUTE);
        world.sweep().await;
    }
    let about = |email: &Published| Some((email.at.to_string(), decisions_of(email).into_iter().next()?.1));
    let sent: Vec<_> = world.emails().iter().filter_map(about).collect();
    let expected = [
        ("2026-11-23T00:06:00.000Z", "request"),
        ("2026-11-23T12:06:00.000Z", "reminder"),
        ("2026-11-23T23:06:00.000Z", "reminder"),
        ("2026-11-24T00:06:00.000Z", "expiry"),
    ];
    assert_eq!(sent, expected.map(|(at, kind)| (at.to_owned(), kind.to_owned())));
    let row = world.decision_row(&decision);
    assert!(is_settled(&row), "{row}");
    assert_eq!(row["notification_count"]["N"], "4");
    let found = world.get("/api/governance/decisions?approval=expired").await;
    assert_eq!(found.list("/decisions").len(), 1, "{found:?}");
    assert_eq!(decide(&world, &decision, "approve").await.status, 409);
}

#[tokio::test]
async fn operation_that_is_decided_before_the_next_sweep_is_not_notified() {
    let world = world().await;
    let decision = pending(&world).await;
    assert_eq!(decide(&world, &decision, "approve").await.status, 200);
    assert!(is_settled(&world.decision_row(&decision)));
    world.sweep_every_minute(3).await;
    assert!(world.notified_decisions().is_empty());
}

#[tokio::test]
async fn decided_operation_is_not_reminded() {
    for decision in ["approve", "deny"] {
        let world = world().await;
        let asked = pending(&world).await;
        world.sweep_every_minute(1).await;
        assert_eq!(decide(&world, &asked, decision).await.status, 200);
        for _ in 0..25 {
            world.clock.advance(HOUR);
            world.sweep().await;
        }
        assert_eq!(world.notified_decisions(), [(asked.clone(), "request".to_owned())], "{decision}");
        assert!(is_settled(&world.decision_row(&asked)));
    }
}

#[tokio::test]
async fn thousand_operations_of_one_engine_do_not_delay_another_engines_approvals() {
    let world = world().await;
    many_pending(&world, 1000).await;
    let mut asked = operation("transfer", 1);
    asked["subject"]["id"] = "qa".into();
    asked["context"]["engine"] = "qa".into();
    let other = world.as_caller(ANOTHER_ENGINE).post_json(super::EVALUATION, &asked).await;
    world.sns.set_refusing(true);
    let action = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    world.sns.set_refusing(false);
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    let first = world.emails().into_iter().find(|email| !decisions_of(email).is_empty()).unwrap();
    assert!(decisions_of(&first).contains(&(id(&other).to_owned(), "request".to_owned())), "{swept:?}");
    assert_eq!(first.json["approvals"][0]["eventId"], action.json["id"], "{swept:?}");
    assert!(swept.oldest_unnotified_seconds >= MINUTE, "{swept:?}");
    world.sweep_every_minute(5).await;
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for (decision, kind) in world.notified_decisions() {
        assert_eq!(kind, "request");
        *times.entry(decision).or_default() += 1;
    }
    assert_eq!((times.len(), times.values().max()), (1001, Some(&1)), "each is notified once");
    let swept = world.sweep().await;
    assert_eq!((swept.oldest_unnotified_seconds, swept.emails_held, swept.failed), (0, 0, 0));
}

#[tokio::test]
async fn operations_beyond_the_email_budget_wait_and_are_counted() {
    let world = world().await;
    // The e-mail about the activation of the policy is a minute old, and the budget full again.
    world.clock.advance(MINUTE);
    let earlier = world.emails().len();
    for number in 0..3 {
        world.post(&event("qa", &format!("type_{number}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len() - earlier, 3, "the burst but the part that is reserved for the sweep");
    many_pending(&world, 240).await;
    let swept = world.sweep().await;
    assert_eq!((swept.emails_sent, swept.emails_held), (2, 40), "{swept:?}");
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert_eq!((swept.emails_sent, swept.emails_held), (1, 0), "{swept:?}");
    let last = world.emails().pop().unwrap();
    assert_eq!(last.subject, "[AGE] HIGH, 40 operations: 40 approval needed");
    assert!(last.message.contains("\nAGE did: it notified you; it permits no operation without its approval\n"));
    assert!(last.message.contains("\nTo approve or deny an operation: open its link\n"));
    world.sweep_every_minute(5).await;
    assert_eq!(world.notified_decisions().len(), 240);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_sweeps_notify_of_an_operation_once() {
    let world = world().await;
    many_pending(&world, 8).await;
    let overlapping = async || {
        let sweepers: Vec<_> = (0..5).map(|_| world.sweeper()).collect();
        let swept = join_all(sweepers.iter().map(Sweep::run)).await;
        for swept in swept {
            drop(swept.into_result().unwrap());
        }
    };
    overlapping().await;
    assert_eq!(world.notified_decisions().len(), 8);
    world.clock.advance(24 * HOUR);
    overlapping().await;
    let expired = world.notified_decisions().into_iter().filter(|(_, kind)| kind == "expiry").count();
    assert_eq!(expired, 8);
    for (decision, _) in world.notified_decisions() {
        assert_eq!(world.decision_row(&decision)["notification_count"]["N"], "2");
    }
}

#[tokio::test]
async fn operation_that_is_approved_while_the_email_is_sent_keeps_its_approval() {
    let world = world().await;
    let decision = pending(&world).await;
    let writes = AtomicUsize::new(0);
    // The sweep has claimed the notification and sent it; its record waits.
    world.dynamodb.set_fault(move |call: &Call| {
        let is_write = call.operation == "UpdateItem" && call.body["TableName"] == "Decisions";
        if is_write && writes.fetch_add(1, Ordering::SeqCst) == 1 { Fault::Hold } else { Fault::None }
    });
    let approved = async {
        while world.notified_decisions().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let approved = decide(&world, &decision, "approve").await;
        world.dynamodb.release();
        approved
    };
    let (swept, approved) = tokio::join!(world.sweep(), approved);
    assert_eq!((swept.emails_sent, approved.status), (1, 200));
    let row = world.decision_row(&decision);
    assert!(is_settled(&row), "{row}");
    assert_eq!(world.approval_status(&decision).await, "approved");
    world.dynamodb.reset();
    for _ in 0..25 {
        world.clock.advance(HOUR);
        world.sweep().await;
    }
    assert_eq!(world.notified_decisions().len(), 1);
}

/// Lets sweeps die at each call, of a new world each time, which `prepare` makes. Each has one decision, for which `kind` of a
/// notification is due.
async fn crash_everywhere(kind: &str, hours: i64) {
    let mut deaths = 0;
    for fault in [Fault::Refuse, Fault::DropResponse] {
        for passing in 0.. {
            let world = world().await;
            let decision = pending(&world).await;
            if hours > 0 {
                world.sweep_every_minute(1).await;
            }
            world.clock.advance(hours * HOUR);
            let of_kind = || world.notified_decisions().into_iter().filter(|(_, sent)| sent == kind).count();
            let death = sweep_that_dies(&world, passing, fault).await;
            if death == Death::AtARead && fault == Fault::DropResponse {
                // As if it was refused.
                deaths += 1;
                continue;
            }
            let row = world.decision_row(&decision);
            let before = of_kind();
            let expected_count = if hours > 0 { "2" } else { "1" };
            let is_recorded = row["notification_count"]["N"] == expected_count;
            world.sweep_every_minute(3).await;
            let context = format!("{fault:?} {passing}: {row}");
            let again = usize::from(!is_recorded);
            assert_eq!(of_kind(), before + again, "what was not recorded is sent again, and nothing else: {context}");
            assert!((1..=2).contains(&of_kind()), "{context}");
            let row = world.decision_row(&decision);
            if kind == "expiry" {
                assert_eq!(row["approval_status"]["S"], "expired", "{context}");
                assert!(is_settled(&row), "{context}");
            } else {
                assert_eq!(
                    (is_settled(&row), row["notification_count"]["N"].as_str()),
                    (false, Some("1")),
                    "{context}"
                );
            }
            if death == Death::None {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths > 20, "{deaths}");
}

#[tokio::test]
async fn sweep_that_dies_at_any_call_leaves_the_request_to_the_next() {
    crash_everywhere("request", 0).await;
}

#[tokio::test]
async fn sweep_that_dies_at_any_call_leaves_the_expiry_to_the_next() {
    crash_everywhere("expiry", 24).await;
}

#[tokio::test]
async fn operation_waits_until_the_topic_has_a_subscriber() {
    let world = world().await;
    world.sns.set_subscribed("notifications", false);
    world.sweep().await;
    pending(&world).await;
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert_eq!((swept.emails_held, swept.oldest_unnotified_seconds), (1, MINUTE), "{swept:?}");
    world.sns.set_subscribed("notifications", true);
    world.sweep_every_minute(1).await;
    assert_eq!(world.notified_decisions().len(), 1);
}

#[tokio::test]
async fn operation_whose_message_is_refused_is_set_aside_and_can_still_be_decided() {
    let world = world().await;
    world.sns.refuse_messages_with(Some("refund"));
    let decision = pending(&world).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await.notifications_undeliverable, 1);
    let row = world.decision_row(&decision);
    assert!(row["notification_failure"]["M"]["reason"]["S"].as_str().unwrap().contains("Invalid parameter"), "{row}");
    world.sweep_every_minute(20).await;
    assert_eq!(world.sweep().await.notifications_undeliverable, 0, "it is tried again after the interval of reminders");
    world.sns.refuse_messages_with(None);
    world.clock.advance(4 * HOUR);
    world.sweep().await;
    assert_eq!(world.notified_decisions().len(), 1);
    assert!(world.decision_row(&decision).get("notification_failure").is_none());
    assert_eq!(decide(&world, &decision, "approve").await.text("/approval/status"), "approved");
}

#[tokio::test]
async fn notification_says_that_an_approval_under_another_policy_version_permits_nothing() {
    let world = world().await;
    pending(&world).await;
    let mut document = serde_json::to_value(policy()).unwrap();
    document["critical_recommendation"] = "Look at {count} events".into();
    let hash = push(&world, &document).await;
    assert_eq!(activate(&world, &hash, &policy().hash().to_string()).await.status, 200);
    world.sweep_every_minute(2).await;
    let emails = world.emails();
    let email = emails.iter().find(|email| !decisions_of(email).is_empty()).unwrap();
    let said = "If approved it may not run: another policy version is active, and the engine has to ask anew";
    assert!(email.message.contains(said), "{}", email.message);
    assert_eq!(email.json["decisions"][0]["isPolicyActive"], false);
}

#[tokio::test]
async fn words_and_attributes_of_a_later_version_survive_the_sweep() {
    let world = world().await;
    let decision = pending(&world).await;
    let set = async |expression: &str, values: Value| {
        let update = json!({
            "TableName": "Decisions", "Key": { "id": { "S": decision } }, "UpdateExpression": expression,
            "ExpressionAttributeNames": { "#approval": "approval" }, "ExpressionAttributeValues": values,
        });
        world.dynamodb.call("UpdateItem", &update);
    };
    set("SET later = :one, #approval.later = :one", json!({ ":one": { "S": "kept" } })).await;
    world.sweep_every_minute(1).await;
    world.clock.advance(24 * HOUR);
    world.sweep().await;
    let row = world.decision_row(&decision);
    assert_eq!((&row["later"]["S"], &row["approval"]["M"]["later"]["S"]), (&json!("kept"), &json!("kept")), "{row}");
    assert_eq!(row["approval_status"]["S"], "expired");

    // Nothing is done with an approval whose status this version does not know.
    let mut approval = row["approval"].clone();
    approval["M"]["status"]["S"] = "delegated".into();
    let due = json!({ ":approval": approval, ":shard": { "S": "0" }, ":key": { "S": "billing#approval#2026-11-24T00:00:00.000Z" } });
    set("SET #approval = :approval, due_shard = :shard, due_key = :key", due).await;
    let before = world.decision_row(&decision);
    world.sweep_every_minute(2).await;
    assert_eq!(world.decision_row(&decision), before);
}

#[tokio::test]
async fn unreadable_decision_hides_no_other() {
    let world = world().await;
    let (broken, whole) = (pending(&world).await, pending(&world).await);
    let update = json!({
        "TableName": "Decisions", "Key": { "id": { "S": broken } }, "UpdateExpression": "REMOVE reasons",
    });
    world.dynamodb.call("UpdateItem", &update);
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert_eq!((swept.failed, swept.emails_sent), (1, 1), "{swept:?}");
    assert_eq!(world.notified_decisions(), [(whole, "request".to_owned())]);
}
