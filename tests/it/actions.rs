//! The life of an action, from being owed to an end that is proven.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::test_credentials::TESTS;
use crate::world::{ApiResponse, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// A HIGH billing event and its one action, `billing_sync_repair`.
async fn trouble(world: &World) -> String {
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.text("/id").to_owned()
}

impl World {
    async fn action(&self, id: &str) -> Value {
        self.get(&format!("/api/governance/events/{id}")).await.json["actions"][0].clone()
    }

    async fn status(&self, id: &str) -> String {
        self.action(id).await["status"].as_str().unwrap().to_owned()
    }

    async fn outcome(&self, id: &str, outcome: &str) -> ApiResponse {
        self.post_json(
            &format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome"),
            &json!({ "outcome": outcome }),
        )
        .await
    }

    async fn decide(&self, id: &str, decision: &str, digest: &str) -> ApiResponse {
        let body = json!({ "decision": decision, "digest": digest });
        self.post_json(&format!("/api/governance/events/{id}/actions/permission_reset/approval"), &body).await
    }

    /// Lets time pass, and sweeps.
    async fn later(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.sweep().await;
    }
}

#[tokio::test]
async fn done_and_helped() {
    let world = World::new().await;
    let id = trouble(&world).await;
    let dispatched = world.action(&id).await;
    assert_eq!(
        (&dispatched["status"], &dispatched["dueAt"]),
        (&json!("dispatched"), &json!("2026-11-23T00:35:00.000Z"))
    );

    world.clock.advance(5 * MINUTE);
    let told = world.outcome(&id, "succeeded").await;
    assert_eq!(
        (told.status, told.text("/status"), told.text("/dueAt")),
        (200, "succeeded", "2026-11-23T01:10:00.000Z")
    );
    world.later(HOUR - 1).await;
    assert_eq!(world.status(&id).await, "succeeded");
    world.later(1).await;
    let verified = world.action(&id).await;
    assert_eq!((&verified["status"], verified.get("dueAt")), (&json!("verified"), None));
    assert_eq!(
        world.outcome(&id, "succeeded").await.text("/status"),
        "verified",
        "a repeat is heard, and changes nothing"
    );
}

#[tokio::test]
async fn done_and_of_no_use() {
    let world = World::new().await;
    let id = trouble(&world).await;
    world.outcome(&id, "succeeded").await;
    world.clock.advance(20 * MINUTE);
    let again = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(again.actions(), [("billing_sync_repair", "dispatched")], "the trouble is there: it is tried again");
    let ineffective = world.action(&id).await;
    assert_eq!((&ineffective["status"], ineffective.get("dueAt")), (&json!("ineffective"), None), "known at once");
    world.later(2 * HOUR).await;
    assert_eq!(world.status(&id).await, "ineffective");
}

#[tokio::test]
async fn the_same_event_sent_again_is_no_new_trouble() {
    let world = World::new().await;
    let sent = event("billing", "invoice_sync_failed", "HIGH");
    let id = world.post_keyed(&sent, "k").await.text("/id").to_owned();
    world.outcome(&id, "succeeded").await;
    world.clock.advance(MINUTE);
    let replay = world.post_keyed(&sent, "k").await;
    assert_eq!((replay.status, replay.actions()), (200, vec![("billing_sync_repair", "succeeded")]), "{replay:?}");
}

#[tokio::test]
async fn an_older_success_is_watched_beside_a_newer_remedy() {
    let world = World::new().await;
    let older = trouble(&world).await;
    world.clock.advance(10 * MINUTE);
    let newer = trouble(&world).await;
    world.outcome(&older, "succeeded").await;
    world.clock.advance(MINUTE);
    let third = trouble(&world).await;
    let statuses = (world.status(&older).await, world.status(&newer).await, world.status(&third).await);
    assert_eq!(statuses, ("ineffective".into(), "dispatched".into(), "suppressed".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_one_kind_is_taken_whole_and_acted_on_once() {
    let world = World::new().await;
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..24).map(|_| world.new_environment())).await;
    let storm = environments.iter().map(async |api| {
        let mut responses = Vec::new();
        for _ in 0..5 {
            responses.push(api.post(&event("billing", "invoice_sync_failed", "HIGH"), None).await);
        }
        responses
    });
    let responses: Vec<ApiResponse> = join_all(storm).await.into_iter().flatten().collect();
    assert!(
        responses.iter().all(|response| response.status == 201),
        "{:?}",
        responses.iter().find(|response| response.status != 201)
    );
    let acted = responses.iter().filter(|response| response.actions()[0].1 != "suppressed").count();
    assert_eq!((acted, world.sns.published("actions").len()), (1, 1));
}

#[tokio::test]
async fn trouble_of_another_kind_or_after_the_hour_is_no_doubt() {
    let world = World::new().await;
    let id = trouble(&world).await;
    world.outcome(&id, "succeeded").await;
    world.clock.advance(MINUTE);
    world.post(&event("billing", "ledger_lost", "CRITICAL")).await;
    world.post(&event("billing", "invoice_sync_failed", "MEDIUM")).await;
    // No sweep came for an hour; then the trouble does.
    world.clock.advance(HOUR);
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    world.sweep().await;
    assert_eq!(world.status(&id).await, "verified");
}

#[tokio::test]
async fn nobody_answers() {
    let world = World::new().await;
    let id = trouble(&world).await;
    world.later(30 * MINUTE - 1).await;
    assert_eq!(world.status(&id).await, "dispatched");
    world.later(1).await;
    assert_eq!(world.status(&id).await, "timed_out");
    let late = world.outcome(&id, "succeeded").await;
    assert_eq!((late.status, late.text("/detail")), (409, "an action cannot go from timed_out to succeeded"));
}

#[tokio::test]
async fn what_is_said_twice_is_heard_once_and_what_is_taken_back_is_refused() {
    let world = World::new().await;
    let id = trouble(&world).await;
    let first = world.outcome(&id, "failed").await;
    assert_eq!((first.status, first.text("/status")), (200, "failed"));
    world.clock.advance(MINUTE);
    assert_eq!(world.outcome(&id, "failed").await.json, first.json);
    let other = world.outcome(&id, "succeeded").await;
    assert_eq!((other.status, other.text("/detail")), (409, "an action cannot go from failed to succeeded"));
}

#[tokio::test]
async fn a_hand_over_is_tried_again_with_waits_and_then_given_up() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    let id = trouble(&world).await;
    let mut tried_at = vec![0];
    let mut elapsed = 0;
    while world.status(&id).await == "pending" {
        let before = world.action(&id).await["attempt"].as_u64();
        world.later(10).await;
        elapsed += 10;
        if world.action(&id).await["attempt"].as_u64() != before {
            tried_at.push(elapsed);
        }
    }
    assert_eq!(tried_at, [0, 10, 70, 370, 2170, 9370]);
    assert_eq!(world.status(&id).await, "undeliverable");
    world.sns.set_refusing(false);
    world.later(HOUR).await;
    assert!(world.sns.published("actions").is_empty());
}

#[tokio::test]
async fn a_crash_after_the_commit_loses_no_action() {
    let world = World::new().await;
    // The event is stored; before anything is handed over, the function ends.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        ("GetItem", 0) => Fault::None,
        _ => Fault::Refuse,
    });
    assert_eq!(world.post_keyed(&event("billing", "invoice_sync_failed", "CRITICAL"), "k").await.status, 503);
    world.dynamodb.reset();
    let replay = world.post_keyed(&event("billing", "invoice_sync_failed", "CRITICAL"), "k").await;
    assert_eq!(replay.actions(), [("billing_sync_repair", "pending"), ("notify_admin", "pending")]);
    world.later(29).await;
    assert!(world.sns.published("actions").is_empty(), "the maker's lease");
    world.later(1).await;
    assert_eq!((world.sns.published("actions").len(), world.sns.published("notifications").len()), (1, 1));
    let shown = world.get(&format!("/api/governance/events/{}", replay.text("/id"))).await;
    assert_eq!(shown.actions(), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sweeps_at_once_hand_over_once() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..10 {
        world.post(&event("billing", &format!("trouble_{number}"), "HIGH")).await;
    }
    world.sns.set_refusing(false);
    world.clock.advance(MINUTE);
    let sweepers: Vec<_> = (0..5).map(|_| world.sweeper()).collect();
    join_all(sweepers.iter().map(age_governance::Sweep::run))
        .await
        .into_iter()
        .for_each(|swept| drop(swept.into_result().unwrap()));
    assert_eq!(world.sns.published("actions").len(), 10);
}

#[tokio::test]
async fn the_same_remedy_is_not_started_beside_a_running_one() {
    let world = World::new().await;
    let first = trouble(&world).await;
    world.clock.advance(MINUTE);
    let second = trouble(&world).await;
    let suppressed = world.action(&second).await;
    assert_eq!((&suppressed["status"], &suppressed["suppressedBy"]), (&json!("suppressed"), &json!(first)));
    assert_eq!(world.sns.published("actions").len(), 1);
    world.outcome(&first, "failed").await;
    let third = trouble(&world).await;
    assert_eq!(world.status(&third).await, "dispatched");
}

#[tokio::test]
async fn after_three_of_no_use_no_more_are_started() {
    let world = World::new().await;
    let mut id = trouble(&world).await;
    for round in 0..3 {
        assert_eq!(world.status(&id).await, "dispatched", "round {round}");
        world.outcome(&id, "succeeded").await;
        world.clock.advance(11 * MINUTE);
        let next = trouble(&world).await;
        assert_eq!(world.status(&id).await, "ineffective", "round {round}");
        id = next;
    }
    let item = world.action(&id).await;
    assert_eq!((&item["status"], item.get("suppressedBy")), (&json!("suppressed"), None));
    assert_eq!(world.sns.published("actions").len(), 3);
    world.clock.advance(24 * HOUR);
    let next_day = trouble(&world).await;
    assert_eq!(world.status(&next_day).await, "dispatched");
}

#[tokio::test]
async fn what_cannot_be_read_does_not_keep_the_others_waiting() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    let (damaged, sound) = (trouble(&world).await, world.post(&event("maos", "task_lost", "HIGH")).await);
    world.sns.set_refusing(false);
    let damage = json!({
        "TableName": "Actions", "Key": {"event_id": {"S": damaged}, "action": {"S": "billing_sync_repair"}},
        "UpdateExpression": "SET #item = :odd", "ExpressionAttributeNames": {"#item": "item"},
        "ExpressionAttributeValues": {":odd": {"S": "odd"}},
    });
    world.dynamodb.call("UpdateItem", &damage).await;
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert_eq!((swept.failed, swept.transitions.values().sum::<u64>()), (1, 1));
    assert_eq!(world.status(sound.text("/id")).await, "dispatched");
}

#[tokio::test]
async fn an_approval_is_for_exactly_what_would_be_done() {
    let world = World::new().await;
    let waiting = async || {
        let created = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
        (created.text("/id").to_owned(), created.text("/actions/0/digest").to_owned())
    };
    let (id, digest) = waiting().await;
    let (other, other_digest) = {
        world.clock.advance(11 * MINUTE);
        waiting().await
    };
    assert_ne!(digest, other_digest);

    let stale = world.decide(&id, "approve", &other_digest).await;
    assert_eq!((stale.status, stale.text("/detail").contains("digest")), (409, true));
    world.later(MINUTE).await;
    assert!(world.sns.published("actions").is_empty());

    let approved = world.decide(&id, "approve", &digest).await;
    assert_eq!((approved.status, approved.text("/status"), approved.text("/decidedBy")), (200, "pending", TESTS));
    world.later(MINUTE).await;
    assert_eq!(world.status(&id).await, "dispatched");
    let second = world.decide(&id, "deny", &digest).await;
    assert_eq!((second.status, second.text("/detail").contains("already decided by tests")), (409, true));

    assert_eq!(world.decide(&other, "deny", &other_digest).await.text("/status"), "denied");
    assert_eq!(world.sns.published("actions").len(), 1);
}

#[tokio::test]
async fn an_approval_that_comes_too_late_is_refused() {
    let world = World::new().await;
    let created = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    let (id, digest) = (created.text("/id"), created.text("/actions/0/digest"));
    world.clock.advance(24 * HOUR);
    let late = world.decide(id, "approve", digest).await;
    assert_eq!((late.status, late.text("/detail")), (409, "the deadline for the approval has passed"));
    world.sweep().await;
    assert_eq!(world.status(id).await, "expired");
    let later = world.decide(id, "approve", digest).await;
    assert_eq!((later.status, later.text("/detail").contains("this one is expired")), (409, true));
}

#[tokio::test]
async fn bad_outcomes_and_decisions_are_refused_by_name() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
    let of =
        |action: &str, what: &str| format!("/api/governance/events/{}/actions/{action}/{what}", created.text("/id"));
    let weekly = world.run_weekly_report().await.unwrap().id;
    let weekly = format!("/api/governance/events/{weekly}/actions/automated_governance_summary/outcome");
    let nobody =
        "/api/governance/events/01936f2e-0000-7000-8000-00000000000a/actions/billing_sync_repair/outcome".to_owned();
    for (path, body, status, fields) in [
        (of("billing_sync_repair", "outcome"), json!({}), 422, vec!["/outcome"]),
        (
            of("billing_sync_repair", "outcome"),
            json!({"outcome": "maybe", "detail": 1, "why": 2}),
            422,
            vec!["/outcome", "/detail", "/why"],
        ),
        (
            of("billing_sync_repair", "outcome"),
            json!({"outcome": "failed", "detail": "x".repeat(1001)}),
            422,
            vec!["/detail"],
        ),
        (of("billing_sync_repair", "outcome"), json!([]), 422, vec![""]),
        (
            of("billing_sync_repair", "approval"),
            json!({"decision": "approve", "digest": "d", "by": "me"}),
            422,
            vec!["/by"],
        ),
        (of("billing_sync_repair", "approval"), json!({"decision": "yes"}), 422, vec!["/decision", "/digest"]),
        (of("billing_sync_repair", "approval"), json!({"decision": "approve", "digest": "d"}), 409, vec![]),
        (of("notify_admin", "outcome"), json!({"outcome": "succeeded"}), 409, vec![]),
        (of("permission_reset", "outcome"), json!({"outcome": "succeeded"}), 404, vec![]),
        (of("automated_governance_summary", "outcome"), json!({"outcome": "succeeded"}), 404, vec![]),
        (weekly.clone(), json!({"outcome": "succeeded"}), 404, vec![]),
        (of("make_tea", "outcome"), json!({"outcome": "succeeded"}), 404, vec![]),
        (nobody, json!({"outcome": "succeeded"}), 404, vec![]),
    ] {
        let response = world.post_json(&path, &body).await;
        assert_eq!(response.status, status, "{path} {body}: {response:?}");
        let named: Vec<_> = match response.json.get("errors") {
            Some(_) => response.list("/errors").iter().map(|error| error["pointer"].as_str().unwrap()).collect(),
            None => vec![],
        };
        assert_eq!(named, fields, "{path} {body}");
    }
    assert_eq!(world.get(&of("billing_sync_repair", "outcome")).await.status, 405);
    assert_eq!(world.status(created.text("/id")).await, "dispatched");
}

#[tokio::test]
async fn actions_are_listed_newest_first_and_by_status() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for number in 0..12 {
        world.clock.advance(MINUTE);
        world.post(&event("qa", "suite_passed", "LOW")).await;
        let (engine, severity) = if number % 3 == 0 { ("maos", "CRITICAL") } else { ("billing", "HIGH") };
        let created = world.post(&event(engine, &format!("trouble_{number}"), severity)).await;
        for item in created.list("/actions").iter().rev() {
            expected.push((created.text("/id").to_owned(), item["action"].as_str().unwrap().to_owned()));
        }
    }
    expected.reverse();
    world.outcome(&expected[0].0, "failed").await;
    let listed = async |query: &str| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("/api/governance/actions?{query}{cursor}")).await;
            assert_eq!(page.status, 200, "{page:?}");
            let name = |item: &Value| {
                (item["eventId"].as_str().unwrap().to_owned(), item["action"].as_str().unwrap().to_owned())
            };
            found.extend(page.list("/actions").iter().map(name));
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    assert_eq!(listed("limit=5").await, expected);
    assert_eq!(listed("limit=5&status=failed").await, &expected[..1]);
    let of_maos: Vec<_> = expected.iter().filter(|(_, action)| action != "billing_sync_repair").cloned().collect();
    assert_eq!(listed("engine=maos").await, of_maos);
    for (query, field) in
        [("status=done", "/status"), ("engine=mail", "/engine"), ("limit=201", "/limit"), ("severity=LOW", "/severity")]
    {
        let refused = world.get(&format!("/api/governance/actions?{query}")).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, field));
    }
}

/// An event reads the watch, and then what has become of the remedies that it has: one may have ended in between.
#[tokio::test]
async fn what_has_ended_in_that_moment_is_not_taken_for_running() {
    let world = World::new().await;
    let first = trouble(&world).await;
    world.clock.advance(MINUTE);
    let ended = json!({
        "TableName": "Actions",
        "Key": { "event_id": { "S": first }, "action": { "S": "billing_sync_repair" } },
        "UpdateExpression": "SET #item.#status = :failed REMOVE due_shard, due_at, #item.dueAt",
        "ExpressionAttributeNames": { "#item": "item", "#status": "status" },
        "ExpressionAttributeValues": { ":failed": { "S": "failed" } },
    });
    world.dynamodb.call("UpdateItem", &ended).await;
    let second = trouble(&world).await;
    assert_eq!(world.status(&second).await, "dispatched");
}
