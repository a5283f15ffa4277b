//! The lifecycle of an action: planned, dispatched, outcome, verification; suppression; approvals.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::test_credentials::TESTS;
use crate::world::{ApiResponse, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Reports a HIGH event of billing, whose only action is `billing_sync_repair`. Returns the event's id.
async fn report_sync_failure(world: &World) -> String {
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.text("/id").to_owned()
}

impl World {
    async fn get_action(&self, id: &str) -> Value {
        self.get(&format!("/api/governance/events/{id}")).await.json["actions"][0].clone()
    }

    async fn get_status(&self, id: &str) -> String {
        self.get_action(id).await["status"].as_str().unwrap().to_owned()
    }

    async fn report_outcome(&self, id: &str, outcome: &str) -> ApiResponse {
        self.post_json(
            &format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome"),
            &json!({ "outcome": outcome }),
        )
        .await
    }

    async fn decide_approval(&self, id: &str, decision: &str, digest: &str) -> ApiResponse {
        let body = json!({ "decision": decision, "digest": digest });
        self.post_json(&format!("/api/governance/events/{id}/actions/permission_reset/approval"), &body).await
    }

    /// Advances the clock, and runs a sweep.
    pub(crate) async fn sweep_after(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.sweep().await;
    }
}

#[tokio::test]
async fn successful_remediation_is_verified_after_an_hour() {
    let world = World::new().await;
    let id = report_sync_failure(&world).await;
    let dispatched = world.get_action(&id).await;
    assert_eq!(
        (&dispatched["status"], &dispatched["dueAt"]),
        (&json!("dispatched"), &json!("2026-11-23T00:35:00.000Z"))
    );

    world.clock.advance(5 * MINUTE);
    let reported = world.report_outcome(&id, "succeeded").await;
    assert_eq!(
        (reported.status, reported.text("/status"), reported.text("/dueAt")),
        (200, "succeeded", "2026-11-23T01:10:00.000Z")
    );
    world.sweep_after(HOUR - 1).await;
    assert_eq!(world.get_status(&id).await, "succeeded");
    world.sweep_after(1).await;
    let verified = world.get_action(&id).await;
    assert_eq!((&verified["status"], verified.get("dueAt")), (&json!("verified"), None));
    assert_eq!(
        world.report_outcome(&id, "succeeded").await.text("/status"),
        "verified",
        "the repeated outcome changes nothing"
    );
}

#[tokio::test]
async fn successful_remediation_is_ineffective_if_the_problem_recurs() {
    let world = World::new().await;
    let id = report_sync_failure(&world).await;
    world.report_outcome(&id, "succeeded").await;
    world.clock.advance(20 * MINUTE);
    let again = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(
        again.actions(),
        [("billing_sync_repair", "dispatched")],
        "the problem recurs: a new remediation starts"
    );
    let ineffective = world.get_action(&id).await;
    assert_eq!((&ineffective["status"], ineffective.get("dueAt")), (&json!("ineffective"), None), "without a sweep");
    world.sweep_after(2 * HOUR).await;
    assert_eq!(world.get_status(&id).await, "ineffective");
}

#[tokio::test]
async fn copy_of_a_request_within_a_minute_does_not_make_a_remediation_ineffective() {
    let world = World::new().await;
    let sent = event("billing", "invoice_sync_failed", "HIGH");
    let id = world.post_keyed(&sent, "k").await.text("/id").to_owned();
    world.report_outcome(&id, "succeeded").await;
    world.clock.advance(MINUTE - 1);
    let replay = world.post_keyed(&sent, "k").await;
    assert_eq!((replay.status, replay.actions()), (200, vec![("billing_sync_repair", "succeeded")]), "{replay:?}");
}

#[tokio::test]
async fn older_success_is_verified_beside_a_newer_remediation() {
    let world = World::new().await;
    let older = report_sync_failure(&world).await;
    world.clock.advance(10 * MINUTE);
    let newer = report_sync_failure(&world).await;
    world.report_outcome(&older, "succeeded").await;
    world.clock.advance(MINUTE);
    let third = report_sync_failure(&world).await;
    let statuses = (world.get_status(&older).await, world.get_status(&newer).await, world.get_status(&third).await);
    assert_eq!(statuses, ("ineffective".into(), "dispatched".into(), "suppressed".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_events_of_one_type_are_stored_and_start_one_action() {
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
async fn events_of_other_types_or_after_an_hour_do_not_affect_verification() {
    let world = World::new().await;
    let id = report_sync_failure(&world).await;
    world.report_outcome(&id, "succeeded").await;
    world.clock.advance(MINUTE);
    world.post(&event("billing", "ledger_lost", "CRITICAL")).await;
    world.post(&event("billing", "invoice_sync_failed", "MEDIUM")).await;
    // The problem recurs after an hour without a sweep.
    world.clock.advance(HOUR);
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    world.sweep().await;
    assert_eq!(world.get_status(&id).await, "verified");
}

#[tokio::test]
async fn action_without_outcome_times_out() {
    let world = World::new().await;
    let id = report_sync_failure(&world).await;
    world.sweep_after(30 * MINUTE - 1).await;
    assert_eq!(world.get_status(&id).await, "dispatched");
    world.sweep_after(1).await;
    assert_eq!(world.get_status(&id).await, "timed_out");
    let late = world.report_outcome(&id, "succeeded").await;
    assert_eq!((late.status, late.text("/detail")), (409, "an action cannot go from timed_out to succeeded"));
}

#[tokio::test]
async fn outcome_reported_twice_is_idempotent_and_a_different_one_is_refused() {
    let world = World::new().await;
    let id = report_sync_failure(&world).await;
    let first = world.report_outcome(&id, "failed").await;
    assert_eq!((first.status, first.text("/status")), (200, "failed"));
    world.clock.advance(MINUTE);
    assert_eq!(world.report_outcome(&id, "failed").await.json, first.json);
    let other = world.report_outcome(&id, "succeeded").await;
    assert_eq!((other.status, other.text("/detail")), (409, "an action cannot go from failed to succeeded"));
}

#[tokio::test]
async fn failed_dispatch_is_retried_with_backoff_until_undeliverable() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    let id = report_sync_failure(&world).await;
    let mut action = world.get_action(&id).await;
    for pause in [10, 60, 300, 1800, 7200] {
        // A sweep in each tenth of the pause, and one a second before its end.
        for seconds in std::iter::repeat_n(pause / 10, 9).chain([pause / 10 - 1]).filter(|seconds| *seconds > 0) {
            world.sweep_after(seconds).await;
            assert_eq!(world.get_action(&id).await["attempt"], action["attempt"], "too early, in a pause of {pause}");
        }
        world.sweep_after(1).await;
        let before = std::mem::replace(&mut action, world.get_action(&id).await);
        assert_ne!(action["attempt"], before["attempt"], "too late, after a pause of {pause}");
    }
    assert_eq!(world.get_status(&id).await, "undeliverable");
    world.sns.set_refusing(false);
    world.sweep_after(HOUR).await;
    assert!(world.sns.published("actions").is_empty());
}

#[tokio::test]
async fn action_is_dispatched_by_the_sweep_after_a_crash() {
    let world = World::new().await;
    // The function ends after it has stored the event, before it dispatches an action.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        ("GetItem", 0) | ("Query", 0..2) => Fault::None,
        _ => Fault::Refuse,
    });
    assert_eq!(world.post_keyed(&event("billing", "invoice_sync_failed", "CRITICAL"), "k").await.status, 503);
    world.dynamodb.reset();
    let replay = world.post_keyed(&event("billing", "invoice_sync_failed", "CRITICAL"), "k").await;
    assert_eq!(replay.actions(), [("billing_sync_repair", "pending"), ("notify_admin", "pending")]);
    world.sweep_after(29).await;
    assert!(
        world.sns.published("actions").is_empty(),
        "the lease of the function that stored the event has not expired"
    );
    world.sweep_after(1).await;
    assert_eq!((world.sns.published("actions").len(), world.sns.published("notifications").len()), (1, 1));
    let shown = world.get(&format!("/api/governance/events/{}", replay.text("/id"))).await;
    assert_eq!(shown.actions(), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_sweeps_dispatch_each_action_once() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..10 {
        world.post(&event("billing", &format!("problem_{number}"), "HIGH")).await;
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
async fn remediation_is_suppressed_while_the_same_is_running() {
    let world = World::new().await;
    let first = report_sync_failure(&world).await;
    world.clock.advance(MINUTE);
    let second = report_sync_failure(&world).await;
    let suppressed = world.get_action(&second).await;
    assert_eq!((&suppressed["status"], &suppressed["suppressedBy"]), (&json!("suppressed"), &json!(first)));
    assert_eq!(world.sns.published("actions").len(), 1);
    world.report_outcome(&first, "failed").await;
    let third = report_sync_failure(&world).await;
    assert_eq!(world.get_status(&third).await, "dispatched");
}

#[tokio::test]
async fn remediation_is_suppressed_after_three_ineffective_ones() {
    let world = World::new().await;
    let mut id = report_sync_failure(&world).await;
    for round in 0..3 {
        assert_eq!(world.get_status(&id).await, "dispatched", "round {round}");
        world.report_outcome(&id, "succeeded").await;
        world.clock.advance(11 * MINUTE);
        let next = report_sync_failure(&world).await;
        assert_eq!(world.get_status(&id).await, "ineffective", "round {round}");
        id = next;
    }
    let item = world.get_action(&id).await;
    assert_eq!((&item["status"], item.get("suppressedBy")), (&json!("suppressed"), None));
    assert_eq!(world.sns.published("actions").len(), 3);
    world.clock.advance(24 * HOUR);
    let next_day = report_sync_failure(&world).await;
    assert_eq!(world.get_status(&next_day).await, "dispatched");
}

#[tokio::test]
async fn unreadable_action_does_not_block_the_sweep() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    let (damaged, sound) = (report_sync_failure(&world).await, world.post(&event("maos", "task_lost", "HIGH")).await);
    world.sns.set_refusing(false);
    let damage = json!({
        "TableName": "Actions", "Key": {"event_id": {"S": damaged}, "action": {"S": "billing_sync_repair"}},
        "UpdateExpression": "SET #item = :odd", "ExpressionAttributeNames": {"#item": "item"},
        "ExpressionAttributeValues": {":odd": {"S": "odd"}},
    });
    world.dynamodb.call("UpdateItem", &damage);
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert_eq!((swept.failed, swept.transitions.values().sum::<u64>()), (1, 1));
    assert_eq!(world.get_status(sound.text("/id")).await, "dispatched");
}

#[tokio::test]
async fn approval_requires_the_digest_of_the_action() {
    let world = World::new().await;
    let post_pending = async || {
        let created = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
        (created.text("/id").to_owned(), created.text("/actions/0/digest").to_owned())
    };
    let (id, digest) = post_pending().await;
    let (other, other_digest) = {
        world.clock.advance(11 * MINUTE);
        post_pending().await
    };
    assert_ne!(digest, other_digest);

    let stale = world.decide_approval(&id, "approve", &other_digest).await;
    assert_eq!((stale.status, stale.text("/detail").contains("digest")), (409, true));
    world.sweep_after(MINUTE).await;
    assert!(world.sns.published("actions").is_empty());

    let approved = world.decide_approval(&id, "approve", &digest).await;
    assert_eq!((approved.status, approved.text("/status"), approved.text("/decidedBy")), (200, "pending", TESTS));
    world.sweep_after(MINUTE).await;
    assert_eq!(world.get_status(&id).await, "dispatched");
    let second = world.decide_approval(&id, "deny", &digest).await;
    assert_eq!((second.status, second.text("/detail").contains("already decided by tests")), (409, true));

    assert_eq!(world.decide_approval(&other, "deny", &other_digest).await.text("/status"), "denied");
    assert_eq!(world.sns.published("actions").len(), 1);
}

#[tokio::test]
async fn approval_after_the_deadline_is_refused() {
    let world = World::new().await;
    let created = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    let (id, digest) = (created.text("/id"), created.text("/actions/0/digest"));
    world.clock.advance(24 * HOUR);
    let late = world.decide_approval(id, "approve", digest).await;
    assert_eq!((late.status, late.text("/detail")), (409, "the deadline for the approval has passed"));
    world.sweep().await;
    assert_eq!(world.get_status(id).await, "expired");
    let expired = world.decide_approval(id, "approve", digest).await;
    assert_eq!((expired.status, expired.text("/detail").contains("this one is expired")), (409, true));
}

#[tokio::test]
async fn invalid_outcomes_and_decisions_are_refused_with_their_fields() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
    let of = |action: &str, command: &str| {
        format!("/api/governance/events/{}/actions/{action}/{command}", created.text("/id"))
    };
    let weekly = world.run_weekly_report().await.unwrap().id;
    let weekly = format!("/api/governance/events/{weekly}/actions/automated_governance_summary/outcome");
    let unknown_event =
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
        (unknown_event, json!({"outcome": "succeeded"}), 404, vec![]),
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
    assert_eq!(world.get_status(created.text("/id")).await, "dispatched");
}

#[tokio::test]
async fn action_list_is_newest_first_and_filtered_by_status() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for number in 0..12 {
        world.clock.advance(MINUTE);
        world.post(&event("qa", "suite_passed", "LOW")).await;
        let (engine, severity) = if number % 3 == 0 { ("maos", "CRITICAL") } else { ("billing", "HIGH") };
        let created = world.post(&event(engine, &format!("problem_{number}"), severity)).await;
        for item in created.list("/actions").iter().rev() {
            expected.push((created.text("/id").to_owned(), item["action"].as_str().unwrap().to_owned()));
        }
    }
    expected.reverse();
    world.report_outcome(&expected[0].0, "failed").await;
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

/// Storing an event reads the incident state first, and then the actions that the state lists. An action may complete in between.
#[tokio::test]
async fn action_that_completed_meanwhile_does_not_suppress_another() {
    let world = World::new().await;
    let first = report_sync_failure(&world).await;
    world.clock.advance(MINUTE);
    let completion = json!({
        "TableName": "Actions",
        "Key": { "event_id": { "S": first }, "action": { "S": "billing_sync_repair" } },
        "UpdateExpression": "SET #item.#status = :failed REMOVE due_shard, due_key, #item.dueAt",
        "ExpressionAttributeNames": { "#item": "item", "#status": "status" },
        "ExpressionAttributeValues": { ":failed": { "S": "failed" } },
    });
    world.dynamodb.call("UpdateItem", &completion);
    let second = report_sync_failure(&world).await;
    assert_eq!(world.get_status(&second).await, "dispatched");
}

#[tokio::test]
async fn outcome_is_reported_only_by_the_engine_that_carries_the_action_out() {
    let world = World::new().await;
    let token = async |engine: &str| {
        let body = json!({ "kid": format!("{engine}-alone"), "role": "engine", "engines": [engine] });
        world.post_json("/api/governance/credentials", &body).await.text("/token").to_owned()
    };
    let (qa, maos, billing) = (token("qa").await, token("maos").await, token("billing").await);
    let report = async |event: &ApiResponse, action: &str, token: &str| {
        let path = format!("/api/governance/events/{}/actions/{action}/outcome", event.text("/id"));
        world
            .new_environment()
            .await
            .with_token(token)
            .post_json(&path, &json!({ "outcome": "succeeded" }))
            .await
            .status
    };
    let of_qa = world.post(&event("qa", "suite_failed", "HIGH")).await;
    // Else an engine could say of its own problem that it is solved.
    assert_eq!(report(&of_qa, "MAOS_auto_fix", &qa).await, 403);
    assert_eq!(report(&of_qa, "MAOS_auto_fix", &maos).await, 200);
    let of_billing = world.post(&event("billing", "sync_failed", "CRITICAL")).await;
    assert_eq!(report(&of_billing, "billing_sync_repair", &maos).await, 403);
    assert_eq!(report(&of_billing, "billing_sync_repair", &billing).await, 200);
    let [incident] = world.list_incidents("").await.try_into().unwrap();
    let incident = world.get(&format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap())).await;
    let outcome = incident.list("/timeline").iter().find(|entry| entry["type"] == "outcome").unwrap();
    assert_eq!(outcome["by"], "billing-alone", "the timeline says who has vouched");
}
