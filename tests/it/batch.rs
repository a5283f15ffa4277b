//! Batches: many events in one request. Each event has its own result and is stored once.

use age_http::RequestRate;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::test_credentials::BILLING;
use crate::world::{Api, ApiResponse, ENGINES, World, event};

const EVENTS: &str = "/api/governance/events";
const CLOUD_EVENTS: &str = "/api/governance/intake/cloudevents";

impl Api {
    async fn post_batch(&self, events: &[Value]) -> ApiResponse {
        self.post_json(EVENTS, &Value::from(events)).await
    }
}

impl World {
    async fn post_batch(&self, events: &[Value]) -> ApiResponse {
        self.api().post_batch(events).await
    }

    pub(crate) async fn count_events(&self) -> u64 {
        self.get("/api/governance/stats").await.number("/totalEvents")
    }

    /// Returns the number of listed events. Asserts that the statistics count as many.
    async fn count_stored_events(&self) -> u64 {
        let listed = self.list_events("/api/governance/events?limit=500").await;
        let ids: std::collections::BTreeSet<_> = listed.iter().map(|event| event["id"].to_string()).collect();
        assert_eq!((ids.len(), self.count_events().await), (listed.len(), listed.len() as u64));
        listed.len() as u64
    }
}

fn keyed_event(engine: &str, event_type: &str, severity: &str, key: &str) -> Value {
    let mut keyed = event(engine, event_type, severity);
    keyed["idempotencyKey"] = json!(key);
    keyed
}

/// Returns `number` LOW events of an engine, each with an idempotency key.
fn low_events(engine: &str, number: usize) -> Vec<Value> {
    (0..number).map(|n| keyed_event(engine, "task_done", "LOW", &format!("{engine}-{n}"))).collect()
}

fn results(response: &ApiResponse) -> &[Value] {
    response.list("/results")
}

fn statuses(response: &ApiResponse) -> Vec<u64> {
    results(response).iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

/// Returns how many results have `status`.
fn count_status(response: &ApiResponse, status: u64) -> usize {
    statuses(response).into_iter().filter(|it| *it == status).count()
}

#[tokio::test]
async fn batch_returns_one_result_per_event_in_order() {
    let world = World::new().await;
    let mut slip = event("billing", "x", "LOW");
    slip["severty"] = json!("CRITICAL");
    let mut large = event("billing", "x", "LOW");
    large["details"] = json!({ "a": "x".repeat(17_000) });
    let sent = [
        event("billing", "invoice_sent", "LOW"),
        event("billing", "invoice_sync_failed", "HIGH"),
        slip,
        event("qa", "suite_passed", "LOW"),
        json!("words"),
        event("billing", "invoice_late", "MEDIUM"),
        large,
        event("billing", "ledger_lost", "CRITICAL"),
        keyed_event("billing", "x", "LOW", ""),
    ];
    let response = world.as_caller(BILLING).post_batch(&sent).await;
    assert_eq!(
        (response.status, statuses(&response)),
        (200, vec![201, 201, 422, 403, 422, 201, 413, 201, 422]),
        "{response:?}"
    );
    let pointers: Vec<_> = results(&response).iter().map(|result| result["errors"][0]["pointer"].as_str()).collect();
    let none = None;
    assert_eq!(
        pointers,
        [none, none, Some("/severty"), none, Some(""), none, Some("/details"), none, Some("/idempotencyKey")]
    );
    assert!(response.text("/results/3/detail").contains("may not act for engine qa"));
    for (place, event_type) in
        [(0, "invoice_sent"), (1, "invoice_sync_failed"), (5, "invoice_late"), (7, "ledger_lost")]
    {
        let result = &results(&response)[place];
        let shown = world.get(&format!("{EVENTS}/{}", result["id"].as_str().unwrap())).await;
        assert_eq!((shown.text("/eventType"), shown.text("/reportedBy")), (event_type, BILLING));
        assert_eq!(shown.json["occurredAt"], result["occurredAt"]);
        assert_eq!(shown.json["actions"], *result.get("actions").unwrap_or(&json!([])));
    }
    assert_eq!(response.text("/results/1/actions/0/status"), "dispatched");
    assert_eq!((world.sns.published("actions").len(), world.emails().len()), (2, 1));
    assert_eq!(world.count_stored_events().await, 4);
}

#[tokio::test]
async fn batch_is_accepted_as_array_lines_and_cloud_events() {
    let world = World::new().await;
    let send = async |media_type: &str, body: &str| {
        let path = if media_type.contains("cloudevents") { CLOUD_EVENTS } else { EVENTS };
        let response = world.send("POST", path, &[("Content-Type", media_type)], body.as_bytes()).await;
        assert_eq!(response.status, 200, "{response:?}");
        response
    };
    let (one, two) = (keyed_event("qa", "a", "LOW", "1"), keyed_event("maos", "b", "HIGH", "2"));
    let array = send("application/json; charset=utf-8", &format!("[{one}, {two}]")).await;
    let lines = send("application/x-ndjson", &format!("{one}\n\n{two}\nno event\n")).await;
    assert_eq!((statuses(&array), statuses(&lines)), (vec![201, 201], vec![200, 200, 400]));
    assert_eq!(results(&array)[1]["id"], results(&lines)[1]["id"]);
    assert_eq!(
        world.post_keyed(&event("qa", "a", "LOW"), "1").await.status,
        200,
        "the key is the same as in the header of a single event"
    );

    let cloud =
        |id: &str| json!({"specversion": "1.0", "id": id, "source": "/engines/qa", "type": "c", "data": {"a": 1}});
    let batch = json!([cloud("1"), cloud("2"), {"specversion": "1.0"}]).to_string();
    let accepted = send("application/cloudevents-batch+json", &batch).await;
    assert_eq!(statuses(&accepted), [201, 201, 422]);
    let headers = [("Content-Type", "application/cloudevents+json")];
    let alone = world.send("POST", CLOUD_EVENTS, &headers, cloud("2").to_string().as_bytes()).await;
    assert_eq!((alone.status, alone.text("/id")), (200, accepted.text("/results/1/id")));
    for (media_type, nothing) in
        [("application/json", "[]"), ("application/x-ndjson", ""), ("application/cloudevents-batch+json", " [ ] ")]
    {
        assert_eq!(send(media_type, nothing).await.json, json!({ "results": [] }));
    }
    assert_eq!(world.count_stored_events().await, 4);
}

#[tokio::test]
async fn idempotency_key_identifies_one_event_within_and_across_batches() {
    let world = World::new().await;
    let other = |severity: &str| keyed_event("qa", "suite_failed", severity, "k");
    let sent = [
        other("LOW"),
        event("qa", "unnamed", "LOW"),
        keyed_event("maos", "suite_failed", "LOW", "k"),
        other("LOW"),
        other("MEDIUM"),
        other("HIGH"),
        keyed_event("qa", "deploy_failed", "HIGH", "h"),
        keyed_event("qa", "deploy_failed", "LOW", "h"),
        keyed_event("qa", "deploy_failed", "HIGH", "h"),
    ];
    let first = world.post_batch(&sent).await;
    assert_eq!((first.status, statuses(&first)), (200, vec![201, 201, 201, 200, 422, 422, 201, 422, 200]), "{first:?}");
    assert_eq!(results(&first)[3]["id"], results(&first)[0]["id"]);
    assert_eq!(first.text("/results/4/errors/0/pointer"), "/idempotencyKey");
    assert_eq!(results(&first)[8]["actions"], results(&first)[6]["actions"], "a repeat has the event's actions");
    let again = world.post_batch(&sent).await;
    assert_eq!(statuses(&again), [200, 201, 200, 200, 422, 422, 200, 422, 200], "one event has no key");
    assert_eq!(world.sns.published("actions").len(), 1);
    assert_eq!(world.count_stored_events().await, 5);

    // Known events are recognized, and the others are stored.
    let mut more = low_events("qa", 60);
    more.splice(20..20, [other("LOW"), other("MEDIUM")]);
    let mixed = world.post_batch(&more).await;
    assert_eq!((count_status(&mixed, 201), statuses(&mixed)[20], statuses(&mixed)[21]), (60, 200, 422));
    assert_eq!(world.count_stored_events().await, 65);
}

#[tokio::test]
async fn batch_of_100_consumes_at_most_3_1_write_units_per_event() {
    let world = World::new().await;
    let mut low = event("qa", "suite_passed", "LOW");
    low["details"] = json!({ "text": "x".repeat(600) });
    let alone = async { assert_eq!(world.post(&low).await.status, 201) };
    let alone = world.dynamodb.measure_units(alone).await.0.written;
    assert!(alone <= 5.0, "{alone} WCU");

    world.dynamodb.reset();
    let hundred = vec![low; 100];
    let each = async { assert_eq!(count_status(&world.post_batch(&hundred).await, 201), 100) };
    let each = world.dynamodb.measure_units(each).await.0.written / 100.0;
    assert!(each <= 3.1, "{each} WCU");
    assert_eq!(world.dynamodb.calls("TransactWriteItems"), 2);
    assert_eq!(
        world.dynamodb.calls("GetItem") + world.dynamodb.calls("Query"),
        0,
        "a batch without conflicts reads nothing"
    );

    let refused = async {
        let wrong = world.post_batch(&[event("mail", "x", "LOW"), json!([])]).await;
        assert_eq!((wrong.status, count_status(&wrong, 422)), (200, 2));
        let not_theirs = world.as_caller(BILLING).post_batch(&hundred).await;
        assert_eq!((not_theirs.status, count_status(&not_theirs, 403)), (200, 100));
    };
    // Each of the two requests records one system alert for what was wrong with how many events.
    let refused = world.dynamodb.measure_units(refused).await.0;
    assert!(refused.written <= 6.0 && refused.read == 0.0, "{refused:?}");
}

#[tokio::test]
async fn batch_of_500_is_stored_in_6_transactions() {
    let world = World::new().await;
    let engines = ENGINES;
    let sent: Vec<Value> = (0..500)
        .map(|n| event(engines[n % 8].as_str(), "task_done", if n % 3 == 0 { "MEDIUM" } else { "LOW" }))
        .collect();
    let response = world.post_batch(&sent).await;
    assert_eq!((response.status, count_status(&response, 201)), (200, 500));
    assert_eq!(world.dynamodb.calls("TransactWriteItems"), 6);
    let stats = world.get("/api/governance/stats").await;
    assert_eq!((stats.number("/byEngine/compliance"), stats.number("/byEngine/maos")), (63, 62));
    assert_eq!((stats.number("/bySeverity/MEDIUM"), stats.number("/bySeverity/LOW")), (167, 333));
    for (place, result) in results(&response).iter().enumerate().step_by(71) {
        let shown = world.get(&format!("{EVENTS}/{}", result["id"].as_str().unwrap())).await;
        assert_eq!(
            (&shown.json["engine"], &shown.json["severity"]),
            (&sent[place]["engine"], &sent[place]["severity"])
        );
    }
    assert_eq!(world.count_stored_events().await, 500);
}

#[tokio::test]
async fn batch_of_one_megabyte_is_accepted() {
    let world = World::new().await;
    let mut large = event("qa", "suite_passed", "LOW");
    large["details"] = json!({ "text": "x".repeat(16_000) });
    let sent = vec![large; 65];
    assert!(Value::from(sent.as_slice()).to_string().len() > 1_000_000);
    let response = world.post_batch(&sent).await;
    assert_eq!((response.status, count_status(&response, 201)), (200, 65));
    assert!(response.body.len() < 20_000, "details are not repeated");
    assert_eq!(world.count_events().await, 65);
}

#[tokio::test]
async fn partly_stored_batch_is_a_503_with_all_results() {
    let world = World::new().await;
    let mut sent = low_events("qa", 150);
    sent.insert(0, keyed_event("qa", "deploy_failed", "HIGH", "high"));
    sent.push(event("mail", "x", "LOW"));
    sent.push(keyed_event("qa", "task_done", "LOW", "qa-0"));
    // The transaction of the HIGH event and one of LOW events succeed.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 2..) => Fault::Refuse,
        _ => Fault::None,
    });
    let failed = world.post_batch(&sent).await;
    assert_eq!((failed.status, failed.header("retry-after")), (503, Some("2")), "{failed:?}");
    assert_eq!(failed.header("content-type"), Some("application/problem+json"));
    let mut expected = vec![201; 100];
    expected.extend([503; 51]);
    expected.extend([422, 503]);
    assert_eq!(statuses(&failed), expected);
    assert!(failed.text("/results/100/detail").contains("nothing was stored"), "{failed:?}");
    world.dynamodb.reset();
    assert_eq!(world.count_stored_events().await, 100);
    let again = world.post_batch(&sent).await;
    assert_eq!(
        (again.status, count_status(&again, 200), count_status(&again, 201), count_status(&again, 422)),
        (200, 101, 51, 1)
    );
    assert_eq!(world.count_stored_events().await, 151);
    assert_eq!(world.sns.published("actions").len(), 1);

    world.dynamodb.set_fault(|_| Fault::Refuse);
    let none = world.post_batch(&low_events("maos", 200)).await;
    assert_eq!((none.status, count_status(&none, 503)), (503, 200));
    assert_eq!(
        world.dynamodb.calls("TransactWriteItems"),
        3,
        "one transaction with the SDK's retries, then no other is tried"
    );
    assert_eq!(world.dynamodb.calls("GetItem"), 3, "one read with the SDK's retries, then no other is tried");
    let body = none.json.to_string();
    assert!(!body.contains("Table") && !body.contains("127.0.0.1") && !body.contains("dispatch"), "{body}");
}

#[tokio::test]
async fn lost_responses_are_resolved_by_reading_the_table() {
    let world = World::new().await;
    let mut sent = low_events("qa", 40);
    sent.push(event("qa", "unnamed", "LOW"));
    world
        .dynamodb
        .set_fault(|call| if call.operation == "TransactWriteItems" { Fault::DropResponse } else { Fault::None });
    let accepted = world.post_batch(&sent).await;
    assert_eq!((accepted.status, count_status(&accepted, 201)), (200, 41), "{accepted:?}");
    world.dynamodb.reset();
    assert_eq!(world.count_stored_events().await, 41);

    // Reading the table fails as well.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        _ => Fault::Refuse,
    });
    let unknown = world.post_batch(&low_events("maos", 40)).await;
    assert_eq!((unknown.status, count_status(&unknown, 503)), (503, 40));
    assert!(unknown.text("/results/39/detail").contains("write outcome unknown"), "{unknown:?}");
    world.dynamodb.reset();
    assert_eq!(count_status(&world.post_batch(&low_events("maos", 40)).await, 200), 40);
    assert_eq!(world.count_stored_events().await, 81);
}

#[tokio::test]
async fn late_transaction_is_recognized_as_own() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0..3) => Fault::InProgress,
        _ => Fault::None,
    });
    let mut sent = low_events("qa", 20);
    sent.push(event("qa", "unnamed", "LOW"));
    let accepted = world.post_batch(&sent).await;
    assert_eq!(count_status(&accepted, 201), 21, "{accepted:?}");
    assert_eq!(world.count_stored_events().await, 21);
}

/// A fault at any call, then the same batch again: each event is stored and counted once.
#[tokio::test]
async fn retried_batch_stores_each_event_once_after_any_fault() {
    let sent = [
        keyed_event("billing", "invoice_sync_failed", "CRITICAL", "1"),
        keyed_event("qa", "suite_passed", "LOW", "2"),
        keyed_event("billing", "invoice_sent", "MEDIUM", "3"),
        keyed_event("qa", "suite_passed", "LOW", "2"),
        keyed_event("qa", "suite_failed", "HIGH", "5"),
        keyed_event("qa", "suite_passed", "LOW", "6"),
    ];
    let sent = sent.as_slice();
    for fault in [Fault::Refuse, Fault::DropResponse, Fault::Throttle, Fault::InProgress] {
        let attempts =
            [Fault::None, Fault::Refuse].into_iter().flat_map(|then| (0..12).map(move |passing| (passing, then)));
        join_all(attempts.map(async |(passing, then)| {
            let world = World::new().await;
            world.dynamodb.set_fault_at(passing, fault, then);
            let first = world.post_batch(sent).await;
            world.dynamodb.reset();
            assert!(matches!(first.status, 200 | 503), "{first:?}");
            let again = world.post_batch(sent).await;
            assert_eq!((again.status, count_status(&again, 200) + count_status(&again, 201)), (200, 6), "{again:?}");
            for (before, after) in statuses(&first).into_iter().zip(statuses(&again)) {
                assert!(before == 503 || after == 200, "{fault:?} at {passing}, then {then:?}: {before}, {after}");
            }
            assert_eq!(world.count_stored_events().await, 5, "{fault:?} at {passing}, then {then:?}");
        }))
        .await;
    }
}

#[tokio::test]
async fn throttled_counter_gets_more_shards() {
    for reason in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let world = World::new().await;
        world.dynamodb.set_fault(move |call| match (call.operation.as_str(), call.earlier) {
            ("TransactWriteItems", 0..3) => Fault::Cancel(reason),
            _ => Fault::None,
        });
        let sent = [low_events("billing", 20), low_events("qa", 20)].concat();
        assert_eq!(count_status(&world.post_batch(&sent).await, 201), 40, "{reason}");
        for engine in ["billing", "qa"] {
            assert_eq!(world.shard_count(engine, "2026-11-23"), 4, "{reason}");
        }
        assert_eq!(world.count_stored_events().await, 40, "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_identical_batches_store_each_event_once() {
    let world = World::new().await;
    world.dynamodb.conflict_on_overlap();
    let mut sent = [low_events("billing", 12), low_events("qa", 12)].concat();
    sent.push(keyed_event("billing", "invoice_sync_failed", "HIGH", "high"));
    let environments = join_all((0..50).map(|_| world.new_environment())).await;
    let responses = join_all(environments.iter().map(async |api| {
        let mut created = 0;
        loop {
            let response = api.post_batch(&sent).await;
            assert!(matches!(response.status, 200 | 503), "{response:?}");
            created += count_status(&response, 201);
            if response.status == 200 {
                return (created, results(&response).iter().map(|result| result["id"].to_string()).collect::<Vec<_>>());
            }
        }
    }));
    let responses = responses.await;
    assert!(world.dynamodb.conflicts() > 0, "no write conflicted, so the test has no effect");
    assert_eq!(responses.iter().map(|(created, _)| created).sum::<usize>(), 25);
    assert!(responses.iter().all(|(_, ids)| *ids == responses[0].1));
    assert_eq!(world.count_stored_events().await, 25);
    assert_eq!(world.sns.published("actions").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_batches_spread_over_shards_and_counts_stay_exact() {
    const WRITERS: usize = 12;
    let world = World::new().await;
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..WRITERS).map(|_| world.new_environment())).await;
    join_all(environments.iter().enumerate().map(async |(writer, api)| {
        let sent: Vec<Value> =
            (0..120).map(|n| keyed_event("billing", "invoice_sent", "LOW", &format!("{writer}-{n}"))).collect();
        while api.post_batch(&sent).await.status != 200 {}
    }))
    .await;
    assert!(
        world.dynamodb.conflicts() > 0 && world.shard_count("billing", "2026-11-23") > 1,
        "no write conflicted, so the test has no effect"
    );
    assert_eq!(world.count_stored_events().await, (WRITERS * 120) as u64);
}

#[tokio::test]
async fn batch_past_its_time_limit_leaves_events_for_the_retry() {
    let world = World::new().await;
    let sent = [low_events("qa", 99), low_events("maos", 99), low_events("billing", 99)].concat();
    let clock = std::sync::Arc::clone(&world.clock);
    world.dynamodb.set_fault(move |call| {
        clock.advance(if call.operation == "TransactWriteItems" { 3 } else { 0 });
        Fault::None
    });
    let response = world.post_batch(&sent).await;
    assert_eq!(
        (response.status, count_status(&response, 201), count_status(&response, 503)),
        (503, 198, 99),
        "{response:?}"
    );
    let left = results(&response).iter().find(|result| result["status"] == 503).unwrap();
    assert_eq!(left["detail"], "not begun, so nothing was stored; send the event again");
    world.dynamodb.reset();
    let again = world.post_batch(&sent).await;
    assert_eq!((again.status, count_status(&again, 200), count_status(&again, 201)), (200, 198, 99));
    assert_eq!(world.count_stored_events().await, 297);
}

#[tokio::test]
async fn damaged_row_fails_only_its_own_event() {
    let world = World::new().await;
    let sent = low_events("qa", 3);
    let id = results(&world.post_batch(&sent[1..2]).await)[0]["id"].as_str().unwrap().to_owned();
    let damage = json!({
        "TableName": "Events", "Key": { "id": { "S": id } }, "UpdateExpression": "SET severity = :s",
        "ExpressionAttributeValues": { ":s": { "N": "171717" } },
    });
    world.dynamodb.call("UpdateItem", &damage);
    let response = world.post_batch(&sent).await;
    assert_eq!((response.status, statuses(&response)), (200, vec![201, 500, 201]), "{response:?}");
    assert!(!response.body.contains("171717") && !response.body.contains("Events"), "{response:?}");
    assert_eq!(world.count_events().await, 3);
}

#[tokio::test]
async fn batch_counts_for_its_events_in_the_rate_of_its_credential() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(RequestRate::new(50, 100)).await;
    let events = vec![event("qa", "suite_run", "LOW"); 200];
    assert_eq!(api.post_batch(&events).await.status, 200, "never refused for its size");
    let one = event("qa", "suite_run", "LOW");
    let refused = api.post(&one, None).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("3")),
        "100 events beyond the burst, at 50 a second"
    );
    world.clock.advance(3);
    assert_eq!(api.post(&one, None).await.status, 201);
}
