//! Reports: trusted or not made.

use age_governance::WeeklyError;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::{World, event};

async fn a_bad_week(world: &World) {
    world.set_time("2026-11-12T09:00:00Z");
    world.post(&event("billing", "invoice_sync_slow", "MEDIUM")).await;
    world.set_time("2026-11-18T09:00:00Z");
    for _ in 0..5 {
        world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
    }
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    world.clock.set(crate::world::monday());
    // Today is not in last week.
    world.post(&event("maos", "task_lost", "CRITICAL")).await;
}

#[tokio::test]
async fn the_weekly_report_covers_the_seven_whole_days_before() {
    let world = World::new().await;
    a_bad_week(&world).await;
    let made = world.run_weekly_report().await.unwrap();
    let report = world.get(&format!("/api/governance/reports/{}", made.id)).await.json;
    let without_hash = {
        let mut report = report.clone();
        assert_eq!(report["policyHash"].as_str().unwrap().len(), 64);
        report.as_object_mut().unwrap().remove("policyHash");
        report
    };
    assert_eq!(
        without_hash,
        json!({
            "id": made.id.to_string(), "kind": "weekly", "reportPeriod": "2026-11-16_2026-11-23",
            "from": "2026-11-16T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z", "generatedAt": "2026-11-23T00:05:00.000Z",
            "riskScore": 26, "riskLevel": "CRITICAL",
            "summary": {
                "totalEvents": 6, "criticalCount": 5,
                "byEngine": {"compliance": 0, "qa": 1, "documentation": 0, "image_engine": 0, "voice_engine": 0, "billing": 5, "deep_agent": 0, "maos": 0},
                "bySeverity": {"LOW": 0, "MEDIUM": 0, "HIGH": 1, "CRITICAL": 5},
                "riskScores": {"operational_risk": 15, "billing_risk": 100, "security_risk": 0, "client_risk": 0, "performance_risk": 15},
                "rawScores": {"operational_risk": 15, "billing_risk": 125, "security_risk": 0, "client_risk": 0, "performance_risk": 15},
                "peakCategory": "billing_risk",
                "contributions": {
                    "operational_risk": {"qa": 15, "documentation": 0, "maos": 0}, "billing_risk": {"billing": 125},
                    "security_risk": {"compliance": 0, "maos": 0}, "client_risk": {"image_engine": 0, "voice_engine": 0},
                    "performance_risk": {"qa": 15, "deep_agent": 0},
                },
                "actions": {
                    "running": 2, "suppressed": 4, "succeeded": 0, "failed": 0, "timed_out": 0, "verified": 0,
                    "ineffective": 0, "denied": 0, "expired": 0, "undeliverable": 0,
                },
                "incidents": {"opened": 1, "acknowledged": 0}, "silentEngines": [],
                "previous": {
                    "riskScore": 1, "totalEvents": 1,
                    "riskScores": {"operational_risk": 0, "billing_risk": 5, "security_risk": 0, "client_risk": 0, "performance_risk": 0},
                },
            },
            "recommendations": ["Audit billing sync and token enforcement", "Address 5 critical events immediately"],
        })
    );
}

#[tokio::test]
async fn a_report_says_what_age_did_and_what_came_of_it() {
    let world = World::new().await;
    world.set_time("2026-11-18T09:00:00Z");
    world.sweep().await;
    let outcome = async |id: &str, action: &str, outcome: &str| {
        let path = format!("/api/governance/events/{id}/actions/{action}/outcome");
        assert_eq!(world.post_json(&path, &json!({ "outcome": outcome })).await.status, 200);
    };
    let high = async |engine: &str, event_type: &str| {
        world.post(&event(engine, event_type, "HIGH")).await.text("/id").to_owned()
    };
    // One helps, one fails, one is of no use, one is not answered, one is denied, one runs still.
    let helps = high("billing", "helps").await;
    let (fails, no_use) = (high("billing", "fails").await, high("maos", "no_use").await);
    high("deep_agent", "not_answered").await;
    world.clock.advance(100);
    outcome(&helps, "billing_sync_repair", "succeeded").await;
    world.clock.advance(100);
    outcome(&fails, "billing_sync_repair", "failed").await;
    outcome(&no_use, "MAOS_auto_fix", "succeeded").await;
    world.clock.advance(100);
    high("maos", "no_use").await;
    let waits = world.post(&event("compliance", "permission_lost", "HIGH")).await;
    let denial = json!({"decision": "deny", "digest": waits.text("/actions/0/digest")});
    let path = format!("/api/governance/events/{}/actions/permission_reset/approval", waits.text("/id"));
    assert_eq!(world.post_json(&path, &denial).await.status, 200);
    for _ in 0..3 {
        world.clock.advance(3600);
        world.sweep().await;
    }
    high("qa", "runs").await;
    high("qa", "runs").await;

    let incidents = world.list_incidents("&status=open").await;
    let kinds: Vec<_> = incidents.iter().map(|it| it["eventType"].as_str().unwrap()).collect();
    // The second remedy for what was of no use is not answered either: the same incident.
    assert_eq!(kinds, ["not_answered", "no_use", "fails"]);
    for (place, seconds) in [(0, 1), (1, 60)] {
        world.clock.advance(seconds);
        let path = format!("/api/governance/incidents/{}/acknowledge", incidents[place]["id"].as_str().unwrap());
        assert_eq!(world.post_json(&path, &json!({})).await.status, 200);
    }
    world.set_time("2026-11-20T00:00:00Z");
    world.sweep().await;
    world.clock.advance(1);
    let report = world.generate_report().await;
    assert_eq!(
        report.json["summary"]["actions"],
        json!({
            "running": 0, "suppressed": 1, "succeeded": 0, "failed": 1, "timed_out": 3, "verified": 1,
            "ineffective": 1, "denied": 1, "expired": 0, "undeliverable": 0,
        })
    );
    assert_eq!(report.number("/summary/meanSecondsToOutcome"), (100 + 200 + 200) / 3);
    assert_eq!((report.number("/summary/incidents/opened"), report.number("/summary/incidents/acknowledged")), (12, 2));
    let all = ["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing", "deep_agent", "maos"];
    assert_eq!(report.json["summary"]["silentEngines"], json!(all));
}

#[tokio::test]
async fn people_get_a_summary_and_machines_the_report() {
    let world = World::new().await;
    a_bad_week(&world).await;
    let made = world.run_weekly_report().await.unwrap();
    let sent = world.sns.published("reports");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].subject, "[AGE] Week of Mon 16 Nov 2026: risk CRITICAL, score 26 of 100");
    let by_protocol: Value = serde_json::from_str(&sent[0].message).unwrap();
    let text = by_protocol["default"].as_str().unwrap();
    for said in [
        "highest in billing risk",
        "26 of 100 (last week: 1)",
        "- Audit billing sync and token enforcement",
        &format!("https://age.example/dashboard/reports/{}", made.id),
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let report: Value = serde_json::from_str(by_protocol["sqs"].as_str().unwrap()).unwrap();
    assert_eq!(report, world.get(&format!("/api/governance/reports/{}", made.id)).await.json);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_firings_at_once_make_one_report_and_send_it_once() {
    let world = World::new().await;
    a_bad_week(&world).await;
    world.dynamodb.conflict_on_overlap();
    let functions: Vec<_> = (0..10).map(|_| world.weekly_reporter()).collect();
    let made = join_all(functions.iter().map(|weekly| weekly.run(None))).await;
    let ids: std::collections::BTreeSet<_> = made.into_iter().map(|made| made.unwrap().id.to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.get("/api/governance/reports").await.list("/reports").len(), 1);
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn firing_again_changes_nothing() {
    let world = World::new().await;
    a_bad_week(&world).await;
    let first = world.run_weekly_report().await.unwrap();
    world.clock.advance(3600);
    assert_eq!(world.run_weekly_report().await.unwrap(), first);
    // A firing that comes a day late is still for its own week.
    world.clock.advance(24 * 3600);
    let late = crate::world::monday();
    assert_eq!(world.weekly_reporter().run(Some(late)).await.unwrap(), first);
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn a_week_that_is_not_over_has_no_report() {
    let world = World::new().await;
    let early = "2026-11-30T00:05:00Z".parse().unwrap();
    assert!(matches!(world.weekly_reporter().run(Some(early)).await, Err(WeeklyError::WeekNotOver(_))));
    assert!(world.get("/api/governance/reports").await.list("/reports").is_empty());
}

#[tokio::test]
async fn a_read_that_fails_in_the_middle_makes_no_report() {
    for failing in [0, 3, 7, 8, 12] {
        let world = World::new().await;
        a_bad_week(&world).await;
        world.dynamodb.set_fault(move |call| {
            if call.operation == "Query" && call.earlier >= failing { Fault::Refuse } else { Fault::None }
        });
        assert!(matches!(world.run_weekly_report().await, Err(WeeklyError::Store(_))), "query {failing}");
        assert_eq!(world.generate_report().await.status, 503, "query {failing}");
        world.dynamodb.reset();
        assert!(world.get("/api/governance/reports").await.list("/reports").is_empty());
        assert!(world.sns.published("reports").is_empty());
        assert_eq!(world.run_weekly_report().await.unwrap().risk_score, 26);
    }
}

#[tokio::test]
async fn the_week_before_is_taken_from_its_report_or_counted() {
    let world = World::new().await;
    world.set_time("2026-11-11T09:30:00Z");
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    world.set_time("2026-11-16T00:05:00Z");
    world.run_weekly_report().await.unwrap();
    a_bad_week(&world).await;
    // The stored report stands for the rows that it was made from.
    let damage = json!({
        "TableName": "Rollups", "Key": {"engine_shard": {"S": "qa#0"}, "day": {"S": "2026-11-11"}},
        "UpdateExpression": "SET jX = :value", "ExpressionAttributeValues": {":value": {"N": "5"}},
    });
    world.dynamodb.call("UpdateItem", &damage).await;
    world
        .dynamodb
        .set_fault(|call| if call.operation == "GetItem" && call.earlier > 0 { Fault::Refuse } else { Fault::None });
    assert!(matches!(world.run_weekly_report().await, Err(WeeklyError::Store(_))), "it cannot be read");
    world.dynamodb.reset();
    world.run_weekly_report().await.unwrap();
    let report = world.get("/api/governance/reports?limit=1").await.json["reports"][0].clone();
    assert_eq!(report["summary"]["previous"]["totalEvents"], 1);
    assert_eq!(report["summary"]["previous"]["riskScores"]["operational_risk"], 15);
    assert_eq!(world.generate_report().await.status, 500, "a report on demand counts anew");
}

#[tokio::test]
async fn a_damaged_counter_makes_no_report() {
    for (name, value) in [
        ("jC", json!({"S": "five"})),
        ("jC", json!({"N": "-5"})),
        ("jX", json!({"N": "5"})),
        ("shard_count", json!({"N": "1.5"})),
    ] {
        let world = World::new().await;
        a_bad_week(&world).await;
        let damage = json!({
            "TableName": "Rollups", "Key": {"engine_shard": {"S": "billing#0"}, "day": {"S": "2026-11-18"}},
            "UpdateExpression": "SET #name = :value",
            "ExpressionAttributeNames": {"#name": name}, "ExpressionAttributeValues": {":value": value},
        });
        world.dynamodb.call("UpdateItem", &damage).await;
        let error = world.run_weekly_report().await.unwrap_err().to_string();
        assert!(error.contains("Rollups: key billing#0/2026-11-18"), "{error}");
        assert!(world.get("/api/governance/reports").await.list("/reports").is_empty());
    }
}

#[tokio::test]
async fn a_report_that_could_not_be_sent_is_sent_by_the_next_try_once() {
    let world = World::new().await;
    a_bad_week(&world).await;
    world.sns.set_refusing(true);
    assert!(matches!(world.run_weekly_report().await, Err(WeeklyError::Publish(_))));
    world.sns.set_refusing(false);
    // The first try still has its lease: nobody else sends in the same moment.
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 0);
    world.clock.advance(60);
    world.run_weekly_report().await.unwrap();
    world.clock.advance(60);
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn a_run_that_died_before_sending_is_finished_by_the_next_once() {
    let world = World::new().await;
    a_bad_week(&world).await;
    // The report is stored; of its sending nothing comes through any more.
    world.sns.set_refusing(true);
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        ("TransactWriteItems", _) => Fault::Refuse,
        _ => Fault::None,
    });
    assert!(world.run_weekly_report().await.is_err());
    world.dynamodb.reset();
    world.sns.set_refusing(false);
    world.clock.advance(60);
    world.run_weekly_report().await.unwrap();
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 1);
    assert_eq!(world.get("/api/governance/reports").await.list("/reports").len(), 1);
}

#[tokio::test]
async fn a_weekly_transaction_that_came_through_late_is_sent() {
    let world = World::new().await;
    a_bad_week(&world).await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0..3) => Fault::InProgress,
        _ => Fault::None,
    });
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn a_report_on_demand_has_the_running_hour() {
    let world = World::new().await;
    world.set_time("2026-11-16T12:59:00Z");
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    world.set_time("2026-11-16T13:00:00Z");
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    world.set_time("2026-11-23T13:20:00Z");
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    let report = world.generate_report().await;
    assert_eq!((report.status, report.text("/kind")), (201, "on_demand"));
    assert_eq!(report.number("/summary/totalEvents"), 2);
    assert_eq!((report.text("/from"), report.text("/to")), ("2026-11-16T13:00:00.000Z", "2026-11-23T13:20:00.000Z"));
    assert_eq!(report.number("/summary/previous/totalEvents"), 1);
    let shown = world.get(&format!("/api/governance/reports/{}", report.text("/id"))).await;
    assert_eq!(shown.json, report.json);
}

#[tokio::test]
async fn reports_of_both_kinds_are_listed_newest_first() {
    let world = World::new().await;
    let mut made = Vec::new();
    for number in 0..23 {
        world.clock.advance(number % 2);
        if number == 11 {
            made.push(world.run_weekly_report().await.unwrap().id.to_string());
        } else {
            made.push(world.generate_report().await.text("/id").to_owned());
        }
    }
    for limit in [1, 4, 23, 100] {
        let mut listed = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = world.get(&format!("/api/governance/reports?limit={limit}{cursor}")).await;
            listed.extend(page.list("/reports").to_vec());
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let times: Vec<_> = listed.iter().map(|report| report["generatedAt"].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
        let ids: std::collections::BTreeSet<_> = listed.iter().map(|report| report["id"].as_str().unwrap()).collect();
        assert_eq!((listed.len(), ids.len()), (23, 23), "limit {limit}");
    }
    assert_eq!(world.get("/api/governance/reports").await.list("/reports").len(), 10);
}
