//! Reports: their content, delivery, idempotency, and failures.

use age_governance::WeeklyError;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::{World, event};

/// Posts seven events, five of which are CRITICAL events of billing in the week before the clock's Monday.
async fn post_week_of_failures(world: &World) {
    world.set_time("2026-11-12T09:00:00Z");
    world.post(&event("billing", "invoice_sync_slow", "MEDIUM")).await;
    world.set_time("2026-11-18T09:00:00Z");
    for _ in 0..5 {
        world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
    }
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    world.clock.set(crate::world::monday());
    // This event is after the reported week.
    world.post(&event("maos", "task_lost", "CRITICAL")).await;
}

#[tokio::test]
async fn weekly_report_covers_the_seven_days_before_monday() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    let made = world.run_weekly_report().await.unwrap();
    let report = world.get(&format!("/api/governance/reports/{}", made.id)).await.json;
    let without_hash = {
        let mut report = report.clone();
        assert_eq!(report["policyHash"].as_str().unwrap().len(), 64);
        assert_eq!(report["policyVersions"], json!([{ "hash": report["policyHash"] }]));
        report.as_object_mut().unwrap().retain(|name, _| !name.starts_with("policy"));
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
                "unresolvedIncidents": {"open": 2, "acknowledged": 0, "hasCriticalEvent": true},
                "previous": {
                    "riskScore": 1, "totalEvents": 1,
                    "riskScores": {"operational_risk": 0, "billing_risk": 5, "security_risk": 0, "client_risk": 0, "performance_risk": 0},
                },
            },
            "recommendations": ["Audit billing sync and token enforcement", "Address 5 critical events immediately"],
            "nextSteps": [
                {"kind": "open_incidents", "text": "Acknowledge 2 open incidents", "count": 2, "path": "/dashboard/incidents?status=open",
                 "detail": "Nobody had acknowledged them when the report was generated"},
                {"kind": "critical_events", "text": "Address 5 critical events immediately", "count": 5,
                 "path": "/dashboard/events?severity=CRITICAL&from=2026-11-16&to=2026-11-22", "detail": "5 CRITICAL events of 6 in all"},
                {"kind": "category", "text": "Audit billing sync and token enforcement",
                 "path": "/dashboard/events?engine=billing&from=2026-11-16&to=2026-11-22",
                 "detail": "Billing risk is 100, above the threshold of 30. Points by engine: Billing 125"},
            ],
        })
    );
}

#[tokio::test]
async fn report_summarizes_actions_and_incidents() {
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
    // One action each: verified, failed, ineffective, timed out, denied, and still running.
    let effective = high("billing", "effective").await;
    let (failing, ineffective) = (high("billing", "failing").await, high("maos", "ineffective").await);
    high("deep_agent", "unanswered").await;
    world.clock.advance(100);
    outcome(&effective, "billing_sync_repair", "succeeded").await;
    world.clock.advance(100);
    outcome(&failing, "billing_sync_repair", "failed").await;
    outcome(&ineffective, "MAOS_auto_fix", "succeeded").await;
    world.clock.advance(100);
    high("maos", "ineffective").await;
    let pending = world.post(&event("compliance", "permission_lost", "HIGH")).await;
    let denial = json!({"decision": "deny", "digest": pending.text("/actions/0/digest")});
    let path = format!("/api/governance/events/{}/actions/permission_reset/approval", pending.text("/id"));
    assert_eq!(world.post_json(&path, &denial).await.status, 200);
    for _ in 0..3 {
        world.clock.advance(3600);
        world.sweep().await;
    }
    high("qa", "running").await;
    high("qa", "running").await;

    let incidents = world.list_incidents("&status=open").await;
    let event_types: Vec<_> = incidents.iter().map(|it| it["eventType"].as_str().unwrap()).collect();
    // The second remediation of `ineffective` times out: it belongs to the same incident.
    assert_eq!(event_types, ["unanswered", "ineffective", "failing"]);
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
    assert_eq!((report.number("/summary/incidents/opened"), report.number("/summary/incidents/acknowledged")), (9, 2));
    let silent = ["billing", "compliance", "deep_agent", "maos", "qa"];
    assert_eq!(report.json["summary"]["silentEngines"], json!(silent), "the others have never reported");
}

#[tokio::test]
async fn weekly_report_is_published_as_text_and_json() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    let made = world.run_weekly_report().await.unwrap();
    let sent = world.sns.published("reports");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].subject, "[AGE] Week of Mon 16 Nov 2026: risk CRITICAL, score 26 of 100");
    let email = &sent[0].message;
    for text in [
        "highest in billing risk",
        "26 of 100 (last week: 1)",
        "- Audit billing sync and token enforcement",
        &format!("https://age.example/dashboard/reports/{}", made.id),
    ] {
        assert!(email.contains(text), "{text} in {email}");
    }
    let mut report = sent[0].json.clone();
    let of_message =
        ["schemaVersion", "type", "subject", "text"].map(|name| report.as_object_mut().unwrap().remove(name));
    assert_eq!(of_message[..2], [Some(json!(1)), Some(json!("report"))]);
    assert_eq!(of_message[3], Some(json!(email)));
    assert_eq!(report, world.get(&format!("/api/governance/reports/{}", made.id)).await.json);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_weekly_runs_create_and_send_one_report() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    world.dynamodb.conflict_on_overlap();
    let functions: Vec<_> = (0..10).map(|_| world.weekly_reporter()).collect();
    let made = join_all(functions.iter().map(|weekly| weekly.run(None))).await;
    let ids: std::collections::BTreeSet<_> = made.into_iter().map(|made| made.unwrap().id.to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.get("/api/governance/reports").await.list("/reports").len(), 1);
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn repeated_weekly_run_is_idempotent() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    let first = world.run_weekly_report().await.unwrap();
    world.clock.advance(3600);
    assert_eq!(world.run_weekly_report().await.unwrap(), first);
    // A run that is a day late is for the week of its schedule.
    world.clock.advance(24 * 3600);
    let late = crate::world::monday();
    assert_eq!(world.weekly_reporter().run(Some(late)).await.unwrap(), first);
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn weekly_run_before_the_end_of_its_week_fails() {
    let world = World::new().await;
    let early = "2026-11-30T00:05:00Z".parse().unwrap();
    assert!(matches!(world.weekly_reporter().run(Some(early)).await, Err(WeeklyError::WeekNotOver(_))));
    assert!(world.get("/api/governance/reports").await.list("/reports").is_empty());
}

#[tokio::test]
async fn failed_read_creates_no_report() {
    for failing in [0, 3, 7, 8, 10] {
        let world = World::new().await;
        post_week_of_failures(&world).await;
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
async fn previous_week_is_read_from_its_report_or_counted() {
    let world = World::new().await;
    world.set_time("2026-11-11T09:30:00Z");
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    world.set_time("2026-11-16T00:05:00Z");
    world.run_weekly_report().await.unwrap();
    post_week_of_failures(&world).await;
    // The stored report replaces the rows from which it was generated.
    let damage = json!({
        "TableName": "Rollups", "Key": {"engine_shard": {"S": "qa#0"}, "day": {"S": "2026-11-11"}},
        "UpdateExpression": "SET jX = :value", "ExpressionAttributeValues": {":value": {"N": "5"}},
    });
    world.dynamodb.call("UpdateItem", &damage);
    world
        .dynamodb
        .set_fault(|call| if call.operation == "GetItem" && call.earlier > 0 { Fault::Refuse } else { Fault::None });
    assert!(matches!(world.run_weekly_report().await, Err(WeeklyError::Store(_))), "the stored report cannot be read");
    world.dynamodb.reset();
    world.run_weekly_report().await.unwrap();
    let report = world.get("/api/governance/reports?limit=1").await.json["reports"][0].clone();
    assert_eq!(report["summary"]["previous"]["totalEvents"], 1);
    assert_eq!(report["summary"]["previous"]["riskScores"]["operational_risk"], 15);
    assert_eq!(world.generate_report().await.status, 500, "a report on demand reads the rows");
}

#[tokio::test]
async fn damaged_counter_creates_no_report() {
    for (name, value) in [
        ("jC", json!({"S": "five"})),
        ("jC", json!({"N": "-5"})),
        ("jX", json!({"N": "5"})),
        ("shard_count", json!({"N": "1.5"})),
    ] {
        let world = World::new().await;
        post_week_of_failures(&world).await;
        let damage = json!({
            "TableName": "Rollups", "Key": {"engine_shard": {"S": "billing#0"}, "day": {"S": "2026-11-18"}},
            "UpdateExpression": "SET #name = :value",
            "ExpressionAttributeNames": {"#name": name}, "ExpressionAttributeValues": {":value": value},
        });
        world.dynamodb.call("UpdateItem", &damage);
        let error = world.run_weekly_report().await.unwrap_err().to_string();
        assert!(error.contains("Rollups: key billing#0/2026-11-18"), "{error}");
        assert!(world.get("/api/governance/reports").await.list("/reports").is_empty());
    }
}

#[tokio::test]
async fn unsent_report_is_sent_once_by_a_later_run() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    world.sns.set_refusing(true);
    assert!(matches!(world.run_weekly_report().await, Err(WeeklyError::Publish(_))));
    world.sns.set_refusing(false);
    // The lease of the first run has not expired: no other run sends the report.
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 0);
    world.clock.advance(60);
    world.run_weekly_report().await.unwrap();
    world.clock.advance(60);
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn report_of_a_crashed_run_is_sent_once_by_a_later_run() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    // The report is stored, and every call of its delivery fails.
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
async fn report_of_a_late_transaction_is_sent() {
    let world = World::new().await;
    post_week_of_failures(&world).await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0..3) => Fault::InProgress,
        _ => Fault::None,
    });
    world.run_weekly_report().await.unwrap();
    assert_eq!(world.sns.published("reports").len(), 1);
}

#[tokio::test]
async fn report_on_demand_includes_the_current_hour() {
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
async fn report_list_is_newest_first() {
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
