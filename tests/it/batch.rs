//! Many events in one request: each has its verdict, each is stored once, and a hundred cost little more than their writes.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::{Fault, Units};
use crate::world::test_credentials::BILLING;
use crate::world::{Api, ApiResponse, World, event};

const EVENTS: &str = "/api/governance/events";

impl Api {
    async fn batch(&self, events: &[Value]) -> ApiResponse {
        self.post_json(EVENTS, &Value::from(events)).await
    }
}

impl World {
    async fn batch(&self, events: &[Value]) -> ApiResponse {
        self.api().batch(events).await
    }

    async fn counted(&self) -> u64 {
        self.get("/api/governance/stats").await.number("/totalEvents")
    }

    /// How many events there are, which is as many as are counted.
    async fn stored(&self) -> u64 {
        let listed = self.list_events("/api/governance/events?limit=500").await;
        let ids: std::collections::BTreeSet<_> = listed.iter().map(|event| event["id"].to_string()).collect();
        assert_eq!((ids.len(), self.counted().await), (listed.len(), listed.len() as u64));
        listed.len() as u64
    }
}

fn keyed(engine: &str, event_type: &str, severity: &str, key: &str) -> Value {
    let mut keyed = event(engine, event_type, severity);
    keyed["idempotencyKey"] = json!(key);
    keyed
}

/// So many LOW events of an engine, each with a key.
fn many(engine: &str, number: usize) -> Vec<Value> {
    (0..number).map(|n| keyed(engine, "task_done", "LOW", &format!("{engine}-{n}"))).collect()
}

fn verdicts(response: &ApiResponse) -> &[Value] {
    response.list("/results")
}

fn statuses(response: &ApiResponse) -> Vec<u64> {
    verdicts(response).iter().map(|verdict| verdict["status"].as_u64().unwrap()).collect()
}

/// How many verdicts have this status.
fn number(response: &ApiResponse, status: u64) -> usize {
    statuses(response).into_iter().filter(|it| *it == status).count()
}

#[tokio::test]
async fn each_event_has_its_verdict_in_its_place() {
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
        keyed("billing", "x", "LOW", ""),
    ];
    let response = world.as_caller(BILLING).batch(&sent).await;
    assert_eq!(
        (response.status, statuses(&response)),
        (200, vec![201, 201, 422, 403, 422, 201, 413, 201, 422]),
        "{response:?}"
    );
    let pointers: Vec<_> = verdicts(&response).iter().map(|verdict| verdict["errors"][0]["pointer"].as_str()).collect();
    let none = None;
    assert_eq!(
        pointers,
        [none, none, Some("/severty"), none, Some(""), none, Some("/details"), none, Some("/idempotencyKey")]
    );
    assert!(response.text("/results/3/detail").contains("may not act for engine qa"));
    for (place, event_type) in
        [(0, "invoice_sent"), (1, "invoice_sync_failed"), (5, "invoice_late"), (7, "ledger_lost")]
    {
        let verdict = &verdicts(&response)[place];
        let shown = world.get(&format!("{EVENTS}/{}", verdict["id"].as_str().unwrap())).await;
        assert_eq!((shown.text("/eventType"), shown.text("/reportedBy")), (event_type, BILLING));
        assert_eq!(shown.json["occurredAt"], verdict["occurredAt"]);
        assert_eq!(shown.json["actions"], *verdict.get("actions").unwrap_or(&json!([])));
    }
    assert_eq!(response.text("/results/1/actions/0/status"), "dispatched");
    assert_eq!((world.sns.published("actions").len(), world.emails().len()), (2, 1));
    assert_eq!(world.stored().await, 4);
}

#[tokio::test]
async fn the_three_ways_to_write_a_batch() {
    let world = World::new().await;
    let send = async |media_type: &str, body: &str| {
        let response = world.send("POST", EVENTS, &[("Content-Type", media_type)], body.as_bytes()).await;
        assert_eq!(response.status, 200, "{response:?}");
        response
    };
    let (one, two) = (keyed("qa", "a", "LOW", "1"), keyed("maos", "b", "HIGH", "2"));
    let array = send("application/json; charset=utf-8", &format!("[{one}, {two}]")).await;
    let lines = send("application/x-ndjson", &format!("{one}\n\n{two}\nno event\n")).await;
    assert_eq!((statuses(&array), statuses(&lines)), (vec![201, 201], vec![200, 200, 400]));
    assert_eq!(verdicts(&array)[1]["id"], verdicts(&lines)[1]["id"]);
    assert_eq!(world.post_keyed(&event("qa", "a", "LOW"), "1").await.status, 200, "as in the header of a single one");

    let cloud =
        |id: &str| json!({"specversion": "1.0", "id": id, "source": "/engines/qa", "type": "c", "data": {"a": 1}});
    let batch = json!([cloud("1"), cloud("2"), {"specversion": "1.0"}]).to_string();
    let taken = send("application/cloudevents-batch+json", &batch).await;
    assert_eq!(statuses(&taken), [201, 201, 422]);
    let headers = [("Content-Type", "application/cloudevents+json")];
    let alone = world.send("POST", "/api/governance/event", &headers, cloud("2").to_string().as_bytes()).await;
    assert_eq!((alone.status, alone.text("/id")), (200, taken.text("/results/1/id")));
    for (media_type, nothing) in
        [("application/json", "[]"), ("application/x-ndjson", ""), ("application/cloudevents-batch+json", " [ ] ")]
    {
        assert_eq!(send(media_type, nothing).await.json, json!({ "results": [] }));
    }
    assert_eq!(world.stored().await, 4);
}

#[tokio::test]
async fn a_name_names_one_event_within_a_batch_and_across() {
    let world = World::new().await;
    let other = |severity: &str| keyed("qa", "suite_failed", severity, "k");
    let sent = [
        other("LOW"),
        event("qa", "unnamed", "LOW"),
        keyed("maos", "suite_failed", "LOW", "k"),
        other("LOW"),
        other("MEDIUM"),
        other("HIGH"),
        keyed("qa", "deploy_failed", "HIGH", "h"),
        keyed("qa", "deploy_failed", "LOW", "h"),
        keyed("qa", "deploy_failed", "HIGH", "h"),
    ];
    let first = world.batch(&sent).await;
    assert_eq!((first.status, statuses(&first)), (200, vec![201, 201, 201, 200, 422, 422, 201, 422, 200]), "{first:?}");
    assert_eq!(verdicts(&first)[3]["id"], verdicts(&first)[0]["id"]);
    assert_eq!(first.text("/results/4/errors/0/pointer"), "/idempotencyKey");
    assert_eq!(verdicts(&first)[8]["actions"], verdicts(&first)[6]["actions"], "a repeat says what became of it");
    let again = world.batch(&sent).await;
    assert_eq!(statuses(&again), [200, 201, 200, 200, 422, 422, 200, 422, 200], "one has no name");
    assert_eq!(world.sns.published("actions").len(), 1);
    assert_eq!(world.stored().await, 5);

    // What is known already is found out, and the rest is stored.
    let mut more = many("qa", 60);
    more.splice(20..20, [other("LOW"), other("MEDIUM")]);
    let mixed = world.batch(&more).await;
    assert_eq!((number(&mixed, 201), statuses(&mixed)[20], statuses(&mixed)[21]), (60, 200, 422));
    assert_eq!(world.stored().await, 65);
}

#[tokio::test]
async fn a_hundred_cost_little_more_than_their_writes() {
    let world = World::new().await;
    let mut low = event("qa", "suite_passed", "LOW");
    low["details"] = json!({ "text": "x".repeat(600) });
    let alone = async { assert_eq!(world.post(&low).await.status, 201) };
    let alone = world.dynamodb.measure_units(alone).await.0.written;
    assert!(alone <= 5.0, "{alone} WCU");

    world.dynamodb.reset();
    let hundred = vec![low; 100];
    let each = async { assert_eq!(number(&world.batch(&hundred).await, 201), 100) };
    let each = world.dynamodb.measure_units(each).await.0.written / 100.0;
    assert!(each <= 3.1, "{each} WCU");
    assert_eq!(world.dynamodb.calls("TransactWriteItems"), 2);
    assert_eq!(world.dynamodb.calls("GetItem") + world.dynamodb.calls("Query"), 0, "nothing has to be read");

    let refused = async {
        let wrong = world.batch(&[event("mail", "x", "LOW"), json!([])]).await;
        assert_eq!((wrong.status, number(&wrong, 422)), (200, 2));
        let not_theirs = world.as_caller(BILLING).batch(&hundred).await;
        assert_eq!((not_theirs.status, number(&not_theirs, 403)), (200, 100));
    };
    let refused = world.dynamodb.measure_units(refused).await.0;
    assert_eq!(refused, Units::default());
}

#[tokio::test]
async fn five_hundred_of_all_engines_are_packed() {
    let world = World::new().await;
    let engines = age_model::Engine::ALL;
    let sent: Vec<Value> = (0..500)
        .map(|n| event(engines[n % 8].as_str(), "task_done", if n % 3 == 0 { "MEDIUM" } else { "LOW" }))
        .collect();
    let response = world.batch(&sent).await;
    assert_eq!((response.status, number(&response, 201)), (200, 500));
    assert_eq!(world.dynamodb.calls("TransactWriteItems"), 6);
    let stats = world.get("/api/governance/stats").await;
    assert_eq!((stats.number("/byEngine/compliance"), stats.number("/byEngine/maos")), (63, 62));
    assert_eq!((stats.number("/bySeverity/MEDIUM"), stats.number("/bySeverity/LOW")), (167, 333));
    for (place, verdict) in verdicts(&response).iter().enumerate().step_by(71) {
        let shown = world.get(&format!("{EVENTS}/{}", verdict["id"].as_str().unwrap())).await;
        assert_eq!(
            (&shown.json["engine"], &shown.json["severity"]),
            (&sent[place]["engine"], &sent[place]["severity"])
        );
    }
    assert_eq!(world.stored().await, 500);
}

#[tokio::test]
async fn a_megabyte_is_taken() {
    let world = World::new().await;
    let mut large = event("qa", "suite_passed", "LOW");
    large["details"] = json!({ "text": "x".repeat(16_000) });
    let sent = vec![large; 65];
    assert!(Value::from(sent.as_slice()).to_string().len() > 1_000_000);
    let response = world.batch(&sent).await;
    assert_eq!((response.status, number(&response, 201)), (200, 65));
    assert!(response.body.len() < 20_000, "details are not repeated");
    assert_eq!(world.counted().await, 65);
}

#[tokio::test]
async fn what_could_not_be_stored_is_a_503_with_the_verdicts_so_far() {
    let world = World::new().await;
    let mut sent = many("qa", 150);
    sent.insert(0, keyed("qa", "deploy_failed", "HIGH", "high"));
    sent.push(event("mail", "x", "LOW"));
    sent.push(keyed("qa", "task_done", "LOW", "qa-0"));
    // The HIGH one, and a pack.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 2..) => Fault::Refuse,
        _ => Fault::None,
    });
    let failed = world.batch(&sent).await;
    assert_eq!((failed.status, failed.header("retry-after")), (503, Some("2")), "{failed:?}");
    assert_eq!(failed.header("content-type"), Some("application/problem+json"));
    let mut expected = vec![201; 100];
    expected.extend([503; 51]);
    expected.extend([422, 503]);
    assert_eq!(statuses(&failed), expected);
    assert!(failed.text("/results/100/detail").contains("nothing was stored"), "{failed:?}");
    world.dynamodb.reset();
    assert_eq!(world.stored().await, 100);
    let again = world.batch(&sent).await;
    assert_eq!((again.status, number(&again, 200), number(&again, 201), number(&again, 422)), (200, 101, 51, 1));
    assert_eq!(world.stored().await, 151);
    assert_eq!(world.sns.published("actions").len(), 1);

    world.dynamodb.set_fault(|_| Fault::Refuse);
    let none = world.batch(&many("maos", 200)).await;
    assert_eq!((none.status, number(&none, 503)), (503, 200));
    assert_eq!(
        world.dynamodb.calls("TransactWriteItems"),
        3,
        "one transaction with the SDK's retries: then it is known"
    );
    assert_eq!(world.dynamodb.calls("GetItem"), 3, "who does not answer is not asked a hundred times");
    let told = none.json.to_string();
    assert!(!told.contains("Table") && !told.contains("127.0.0.1") && !told.contains("dispatch"), "{told}");
}

#[tokio::test]
async fn when_the_answers_are_lost_the_table_tells() {
    let world = World::new().await;
    let mut sent = many("qa", 40);
    sent.push(event("qa", "unnamed", "LOW"));
    world
        .dynamodb
        .set_fault(|call| if call.operation == "TransactWriteItems" { Fault::DropResponse } else { Fault::None });
    let taken = world.batch(&sent).await;
    assert_eq!((taken.status, number(&taken, 201)), (200, 41), "{taken:?}");
    world.dynamodb.reset();
    assert_eq!(world.stored().await, 41);

    // Nor does the table tell.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        _ => Fault::Refuse,
    });
    let unknown = world.batch(&many("maos", 40)).await;
    assert_eq!((unknown.status, number(&unknown, 503)), (503, 40));
    assert!(unknown.text("/results/39/detail").contains("write outcome unknown"), "{unknown:?}");
    world.dynamodb.reset();
    assert_eq!(number(&world.batch(&many("maos", 40)).await, 200), 40);
    assert_eq!(world.stored().await, 81);
}

#[tokio::test]
async fn a_transaction_that_came_through_late_is_our_own() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0..3) => Fault::InProgress,
        _ => Fault::None,
    });
    let mut sent = many("qa", 20);
    sent.push(event("qa", "unnamed", "LOW"));
    let taken = world.batch(&sent).await;
    assert_eq!(number(&taken, 201), 21, "{taken:?}");
    assert_eq!(world.stored().await, 21);
}

/// Whatever fails at whichever call, the same batch again ends with each event stored and counted once.
#[tokio::test]
async fn a_batch_may_be_sent_until_it_is_done() {
    let sent = [
        keyed("billing", "invoice_sync_failed", "CRITICAL", "1"),
        keyed("qa", "suite_passed", "LOW", "2"),
        keyed("billing", "invoice_sent", "MEDIUM", "3"),
        keyed("qa", "suite_passed", "LOW", "2"),
        keyed("qa", "suite_failed", "HIGH", "5"),
        keyed("qa", "suite_passed", "LOW", "6"),
    ];
    let sent = sent.as_slice();
    for fault in [Fault::Refuse, Fault::DropResponse, Fault::Throttle, Fault::InProgress] {
        let tried =
            [Fault::None, Fault::Refuse].into_iter().flat_map(|then| (0..12).map(move |passing| (passing, then)));
        join_all(tried.map(async |(passing, then)| {
            let world = World::new().await;
            world.dynamodb.set_fault_at(passing, fault, then);
            let first = world.batch(sent).await;
            world.dynamodb.reset();
            assert!(matches!(first.status, 200 | 503), "{first:?}");
            let again = world.batch(sent).await;
            assert_eq!((again.status, number(&again, 200) + number(&again, 201)), (200, 6), "{again:?}");
            for (before, after) in statuses(&first).into_iter().zip(statuses(&again)) {
                assert!(before == 503 || after == 200, "{fault:?} at {passing}, then {then:?}: {before}, {after}");
            }
            assert_eq!(world.stored().await, 5, "{fault:?} at {passing}, then {then:?}");
        }))
        .await;
    }
}

#[tokio::test]
async fn a_busy_partition_makes_packs_spread() {
    for reason in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let world = World::new().await;
        world.dynamodb.set_fault(move |call| match (call.operation.as_str(), call.earlier) {
            ("TransactWriteItems", 0..3) => Fault::Cancel(reason),
            _ => Fault::None,
        });
        let sent = [many("billing", 20), many("qa", 20)].concat();
        assert_eq!(number(&world.batch(&sent).await, 201), 40, "{reason}");
        for engine in ["billing", "qa"] {
            assert_eq!(world.shard_count(engine, "2026-11-23").await, 4, "{reason}");
        }
        assert_eq!(world.stored().await, 40, "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_at_once_make_each_event_once() {
    let world = World::new().await;
    world.dynamodb.conflict_on_overlap();
    let mut sent = [many("billing", 12), many("qa", 12)].concat();
    sent.push(keyed("billing", "invoice_sync_failed", "HIGH", "high"));
    let environments = join_all((0..50).map(|_| world.new_environment())).await;
    let responses = join_all(environments.iter().map(async |api| {
        let mut created = 0;
        loop {
            let response = api.batch(&sent).await;
            assert!(matches!(response.status, 200 | 503), "{response:?}");
            created += number(&response, 201);
            if response.status == 200 {
                return (
                    created,
                    verdicts(&response).iter().map(|verdict| verdict["id"].to_string()).collect::<Vec<_>>(),
                );
            }
        }
    }));
    let responses = responses.await;
    assert!(world.dynamodb.conflicts() > 0, "nothing was tested");
    assert_eq!(responses.iter().map(|(created, _)| created).sum::<usize>(), 25);
    assert!(responses.iter().all(|(_, ids)| *ids == responses[0].1));
    assert_eq!(world.stored().await, 25);
    assert_eq!(world.sns.published("actions").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_batches_spread_and_totals_stay_exact() {
    const WRITERS: usize = 12;
    let world = World::new().await;
    world.dynamodb.conflict_on_overlap();
    let environments = join_all((0..WRITERS).map(|_| world.new_environment())).await;
    join_all(environments.iter().enumerate().map(async |(writer, api)| {
        let sent: Vec<Value> =
            (0..120).map(|n| keyed("billing", "invoice_sent", "LOW", &format!("{writer}-{n}"))).collect();
        while api.batch(&sent).await.status != 200 {}
    }))
    .await;
    assert!(
        world.dynamodb.conflicts() > 0 && world.shard_count("billing", "2026-11-23").await > 1,
        "nothing was tested"
    );
    assert_eq!(world.stored().await, (WRITERS * 120) as u64);
}

#[tokio::test]
async fn what_takes_too_long_is_left_for_the_next_try() {
    let world = World::new().await;
    let sent = [many("qa", 99), many("maos", 99), many("billing", 99)].concat();
    let clock = std::sync::Arc::clone(&world.clock);
    world.dynamodb.set_fault(move |call| {
        clock.advance(if call.operation == "TransactWriteItems" { 3 } else { 0 });
        Fault::None
    });
    let response = world.batch(&sent).await;
    assert_eq!((response.status, number(&response, 201), number(&response, 503)), (503, 198, 99), "{response:?}");
    let left = verdicts(&response).iter().find(|verdict| verdict["status"] == 503).unwrap();
    assert_eq!(left["detail"], "not begun, so nothing was stored; send the event again");
    world.dynamodb.reset();
    let again = world.batch(&sent).await;
    assert_eq!((again.status, number(&again, 200), number(&again, 201)), (200, 198, 99));
    assert_eq!(world.stored().await, 297);
}

#[tokio::test]
async fn a_damaged_row_keeps_no_other_event_waiting() {
    let world = World::new().await;
    let sent = many("qa", 3);
    let id = verdicts(&world.batch(&sent[1..2]).await)[0]["id"].as_str().unwrap().to_owned();
    let damage = json!({
        "TableName": "Events", "Key": { "id": { "S": id } }, "UpdateExpression": "SET severity = :s",
        "ExpressionAttributeValues": { ":s": { "S": "DIRE" } },
    });
    world.dynamodb.call("UpdateItem", &damage).await;
    let response = world.batch(&sent).await;
    assert_eq!((response.status, statuses(&response)), (200, vec![201, 500, 201]), "{response:?}");
    assert!(!response.body.contains("DIRE") && !response.body.contains("Events"), "{response:?}");
    assert_eq!(world.counted().await, 3);
}
