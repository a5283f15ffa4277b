//! The capacity units that requests consume, as DynamoDB reports them. The figures are exact.
#![expect(clippy::float_cmp, reason = "units are whole or half")]

use age_model::Clock;
use serde_json::{Value, json};

use crate::decisions;
use crate::world::browser::Browser;
use crate::world::proxy::Units;
use crate::world::test_credentials::{BILLING, NIGHT_DESK, READER};
use crate::world::test_policies::{activate, largest_policy};
use crate::world::{Api, ApiResponse, World, event};

async fn measure_written(world: &World, work: impl Future<Output = ApiResponse>, status: u16) -> f64 {
    let (units, response) = world.dynamodb.measure_units(work).await;
    assert_eq!(response.status, status, "{response:?}");
    units.written
}

async fn measure_read(world: &World, api: &Api, path: &str) -> f64 {
    let (units, response) = world.dynamodb.measure_units(api.get(path)).await;
    assert_eq!((response.status, units.written), (200, 0.0), "{response:?}");
    units.read
}

#[tokio::test]
async fn single_event_consumes_exact_write_units() {
    let world = World::new().await;
    let mut low = event("billing", "ledger_checked", "LOW");
    low["details"] = json!({ "text": "x".repeat(700) });
    assert_eq!(measure_written(&world, world.post(&low), 201).await, 5.0);
    assert_eq!(measure_written(&world, world.post_keyed(&low, "k"), 201).await, 5.0);
    assert_eq!(measure_written(&world, world.post_keyed(&low, "k"), 200).await, 0.0, "a replay");
    let (refused, response) = world.dynamodb.measure_units(world.post(&event("billing", "", "LOW"))).await;
    assert_eq!((response.status, refused), (422, Units::default()));
    // The event's row 2, its index entry 1, the counters 2, the action 2, its two index entries 2, the incident state 2; recording the
    // dispatch 2.
    assert_eq!(measure_written(&world, world.post(&event("billing", "ledger_lost", "HIGH")), 201).await, 13.0);
    let sent = world.get("/api/governance/events?eventType=ledger_lost").await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/events/0/id"));
    let outcome = json!({ "outcome": "succeeded" });
    // The action 2, the counters 2.
    assert_eq!(measure_written(&world, world.as_caller(BILLING).post_json(&path, &outcome), 200).await, 4.0);
}

#[tokio::test]
async fn batch_consumes_exact_write_units() {
    for (number, units) in [(1, 5.0), (10, 32.0), (99, 299.0), (100, 304.0)] {
        let world = World::new().await;
        let mut low = event("billing", "ledger_checked", "LOW");
        low["details"] = json!({ "text": "x".repeat(600) });
        let batch = Value::from(vec![low; number]);
        assert_eq!(
            measure_written(&world, world.post_json("/api/governance/events", &batch), 200).await,
            units,
            "{number}"
        );
        assert_eq!(world.event_count(), number as u64);
    }
}

#[tokio::test]
async fn incident_and_its_changes_consume_exact_write_units() {
    let world = World::new().await;
    // The event with its rollup, its action and its incident; the lease and two permits for the e-mail in one transaction; its record.
    assert_eq!(measure_written(&world, world.post(&event("qa", "suite_failed", "CRITICAL")), 201).await, 28.0);
    let incidents = world.get("/api/governance/incidents").await;
    let path = format!("/api/governance/incidents/{}", incidents.text("/incidents/0/id"));
    for (change, units) in [("acknowledge", 9.0), ("comments", 6.0), ("resolve", 9.0), ("reopen", 9.0)] {
        let body = if change == "comments" { json!({ "note": "seen" }) } else { json!({}) };
        let path = format!("{path}/{change}");
        let responder = world.as_caller(NIGHT_DESK);
        let written = measure_written(&world, responder.post_json(&path, &body), 200).await;
        assert_eq!(written, units, "{change}");
    }
}

/// Reports a HIGH event of billing. Returns the path to which its worker reports the outcome of the remediation.
async fn report_high_event(world: &World) -> String {
    world.sweep().await;
    let id = world.post(&event("billing", "ledger_lost", "HIGH")).await.text("/id").to_owned();
    format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome")
}

/// Runs a sweep after each number of seconds, and asserts the write units that it consumes.
async fn assert_sweeps_write(world: &World, written: &[(i64, f64)]) {
    for (seconds, units) in written {
        world.clock.advance(*seconds);
        let (sweep, _) = world.dynamodb.measure_units(Box::pin(world.sweep())).await;
        assert_eq!(sweep.written, *units, "{}", world.clock.now());
    }
}

#[tokio::test]
async fn remediation_with_quick_outcome_consumes_exact_write_units() {
    let world = World::new().await;
    let path = report_high_event(&world).await;
    assert_eq!(
        measure_written(&world, world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })), 200)
            .await,
        4.0
    );
    // Each sweep writes the posture, 1, and the system's health, 1. It postpones the action to the end of the verification, 3, and verifies it: the
    // action 3, the counters 2, the incident state 2.
    assert_sweeps_write(&world, &[(60, 5.0), (60, 2.0), (3420, 2.0), (60, 9.0), (60, 2.0)]).await;
    let event = path.trim_end_matches("/actions/billing_sync_repair/outcome");
    assert_eq!(world.get(event).await.text("/actions/0/status"), "verified");
}

#[tokio::test]
async fn remediation_with_late_outcome_consumes_exact_write_units() {
    let world = World::new().await;
    let path = report_high_event(&world).await;
    // The sweep postpones the action to the deadline of the outcome, and then to the end of the verification.
    assert_sweeps_write(&world, &[(60, 5.0), (60, 2.0), (600, 2.0)]).await;
    assert_eq!(
        measure_written(&world, world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })), 200)
            .await,
        4.0
    );
    assert_sweeps_write(&world, &[(60, 2.0), (1080, 5.0), (2340, 2.0), (120, 9.0)]).await;
}

#[tokio::test]
async fn statistics_and_reports_of_full_rollups_consume_exact_read_units() {
    let world = World::new().await;
    world.fill_every_hour(32).await;
    let api = world.new_environment().await;
    assert_eq!(measure_read(&world, &api, "/api/governance/stats").await, 17.5);
    assert_eq!(measure_read(&world, &api, "/api/governance/stats").await, 5.5, "past days are cached");
    let mut reader = Browser::signed_in(&world, READER).await.in_new_environment().await;
    let (first_page, _) = world.dynamodb.measure_units(reader.get("/dashboard")).await;
    assert_eq!(first_page.read, 22.0);
    world.run_weekly_report().await.unwrap();
    world.clock.advance(7 * 86_400);
    world.fill_every_hour(8).await;
    let (weekly, made) = world.dynamodb.measure_units(Box::pin(world.run_weekly_report())).await;
    // The policy 1, the week's rollups 8 and AGE's own 1, the lists of incidents 1.5, the incident of the CRITICAL events 2, the two reports 2.
    assert_eq!(weekly.read, 15.5, "{made:?}");
}

#[tokio::test]
async fn list_of_a_busy_engine_consumes_exact_read_units() {
    let world = World::new().await;
    world.set_time("2026-11-20T12:00:00Z");
    for number in 0..400 {
        world.clock.advance(60);
        world.post(&event("billing", &format!("ledger_{number}"), "LOW")).await;
    }
    let api = world.new_environment().await;
    assert_eq!(measure_read(&world, &api, "/api/governance/events?limit=50").await, 6.0);
}

#[tokio::test]
async fn idle_sweep_consumes_exact_units() {
    let world = World::new().await;
    world.sweep().await;
    world.clock.advance(60);
    let (idle, _) = world.dynamodb.measure_units(Box::pin(world.sweep())).await;
    // The policy 1; the rollups of eight engines 4, and the unresolved incidents 0.5, for the posture; the actions that are due 2, and the
    // incidents 2. The credentials 0.5, once in 10 minutes, and the alerts about expired ones 0.5, because there is one. The system alerts of
    // which there is no event yet 0.5. The posture is written, 1, and AGE's health, 1.
    assert_eq!(idle, Units { read: 1.0 + 4.0 + 0.5 + 2.0 + 2.0 + 0.5 + 0.5 + 0.5, written: 2.0 });
}

/// Returns what a sweep of `world` consumes when nothing is due, in an environment that has swept before.
async fn measure_warm_sweep(world: &World) -> Units {
    let sweeper = world.sweeper();
    for _ in 0..3 {
        Box::pin(sweeper.run()).await.into_result().unwrap();
        world.clock.advance(60);
    }
    world.dynamodb.measure_units(Box::pin(sweeper.run())).await.0
}

#[tokio::test]
async fn idle_sweep_consumes_half_a_unit_for_each_further_engine() {
    let of_eight = Box::pin(measure_warm_sweep(&World::new().await)).await;
    let (world, policy) = (World::new().await, largest_policy());
    activate(&policy, &world.db(), world.clock.as_ref()).await;
    let of_64 = Box::pin(measure_warm_sweep(&world)).await;
    assert_eq!(policy.engines.len(), 64);
    assert_eq!(of_64.read - of_eight.read, 0.5 * 56.0, "the rollup of each engine");
}

#[tokio::test]
async fn idle_sweep_of_engines_that_ask_for_decisions_reads_the_partitions_of_due_decisions() {
    let world = World::with_policy(&decisions::policy()).await;
    let before = Box::pin(measure_warm_sweep(&world)).await;
    assert_eq!(decisions::ask(&world, &decisions::refund(1)).await.status, 200);
    let after = Box::pin(measure_warm_sweep(&world)).await;
    assert_eq!(after.read - before.read, 2.0);
}

#[tokio::test]
async fn refused_request_costs_nothing_and_a_refused_batch_one_unit() {
    let world = World::new().await;
    let other_engine = event("qa", "suite_failed", "LOW");
    let (billing, reader) = (world.as_caller(BILLING), world.as_caller(READER));
    for (api, sent, status) in [
        (world.api(), event("mail", "x", "LOW"), 422),
        (&billing, other_engine.clone(), 403),
        (&reader, event("billing", "x", "LOW"), 403),
    ] {
        let (refused, response) = world.dynamodb.measure_units(api.post(&sent, None)).await;
        assert_eq!((response.status, refused), (status, Units::default()));
    }
    let hundred = Value::from(vec![other_engine; 100]);
    let batch = billing.post_json("/api/governance/events", &hundred);
    let (refused, response) = world.dynamodb.measure_units(batch).await;
    // The sender takes 200 for a success, so operators are told.
    assert_eq!((response.status, refused), (200, Units { read: 0.0, written: 1.0 }));
}

#[tokio::test]
async fn decision_consumes_exact_units_in_two_calls() {
    let world = World::with_policy(&decisions::policy()).await;
    world.sweep().await;
    let billing = world.as_caller(BILLING);
    let refund = |amount: u64, context: &Value| {
        let mut context = context.clone();
        context["amount"] = amount.into();
        json!({
            "subject": { "type": "engine", "id": "billing" }, "action": { "name": "refund" },
            "resource": { "type": "invoice", "id": "4711" }, "context": context,
        })
    };
    let ask = async |request: Value| {
        world.clock.advance(1); // the state of the fleet is read once a second
        let (units, answer) = world.dynamodb.measure_units(billing.post_json("/access/v1/evaluation", &request)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let calls = ["GetItem", "BatchGetItem", "PutItem", "TransactWriteItems"].map(|it| world.dynamodb.calls(it));
        ((units.read, units.written), calls, answer)
    };
    // The posture with the holds 1; in the transaction the row 2, its index entry 1, the counters 2.
    let (units, calls, _) = ask(refund(1, &json!({}))).await;
    assert_eq!((units, calls), ((1.0, 5.0), [1, 0, 0, 1]));
    // The entry of a pending approval in the index of those that are due 1 more.
    let (units, _, asked) = ask(refund(2000, &json!({}))).await;
    assert_eq!(units, (1.0, 6.0));
    let id = asked.text("/context/id");
    let approval = json!({ "decision": "approve", "digest": asked.text("/context/approval/digest") });
    assert_eq!(world.post_json(&format!("/api/governance/decisions/{id}/approval"), &approval).await.status, 200);
    // The approved decision 1 more; in the transaction each row 2 and its index entry 1, the counters 2, the check of the policy 2.
    let (units, calls, used) = ask(refund(2000, &json!({ "decisionId": id }))).await;
    assert_eq!(used.text("/context/verdict"), "allow");
    assert_eq!((units, calls), ((2.0, 10.0), [1, 1, 0, 1]), "the two reads go together");
}
