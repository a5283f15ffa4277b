//! Successful requests of the API.

use serde_json::json;

use crate::world::{REQUEST_ID, World, event};

#[tokio::test]
async fn event_is_stored_counted_and_starts_actions() {
    let world = World::new().await;
    let sent = json!({
        "engine": "billing", "eventType": "invoice_sync_failed", "severity": "CRITICAL",
        "details": {"invoices": 1204}, "sourceTime": "2026-11-23T01:04:58+01:00",
        "decisionId": "01936f2e-0000-7000-8000-00000000000d",
    });
    let created = world.post(&sent).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.text("/occurredAt"), "2026-11-23T00:05:00.000Z");
    assert_eq!(created.text("/sourceTime"), "2026-11-23T00:04:58.000Z");
    assert_eq!(created.text("/decisionId"), "01936f2e-0000-7000-8000-00000000000d");
    assert_eq!(created.actions(), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);

    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!((shown.status, &shown.json), (200, &created.json));
    let listed = world.get("/api/governance/events").await;
    assert_eq!(listed.list("/events").len(), 1);
    assert_eq!(listed.text("/events/0/id"), created.text("/id"));
    assert_eq!(listed.text("/events/0/decisionId"), "01936f2e-0000-7000-8000-00000000000d");
    assert!(
        world
            .sns
            .published("actions")
            .iter()
            .all(|message| message.json["decisionId"] == "01936f2e-0000-7000-8000-00000000000d")
    );
    assert_eq!(listed.json.get("nextCursor"), None);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}

#[tokio::test]
async fn created_resource_has_its_path_and_each_response_the_id_of_its_request() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_failed", "LOW")).await;
    let location = created.header("location").unwrap().to_owned();
    assert_eq!(
        (location.clone(), created.header("x-request-id")),
        (format!("/api/governance/events/{}", created.text("/id")), Some(REQUEST_ID))
    );
    assert_eq!(world.get(&location).await.json, created.json);
    let report = world.post_json("/api/governance/report", &json!({})).await;
    assert_eq!(world.get(report.header("location").unwrap()).await.text("/id"), report.text("/id"));
    let credential = world.post_json("/api/governance/credentials", &json!({"kid": "desk", "role": "reader"})).await;
    assert_eq!(credential.header("location"), Some("/api/governance/credentials/desk"));
    let missing = world.get("/api/governance/events/01936f2e-0000-7000-8000-00000000000a").await;
    assert_eq!(
        (missing.status, missing.text("/requestId"), missing.header("x-request-id")),
        (404, REQUEST_ID, Some(REQUEST_ID))
    );
}

#[tokio::test]
async fn problem_has_a_code_and_a_type_and_each_of_its_errors_a_code() {
    let world = World::new().await;
    let body = r#"{"engine":"qa","severity":"high","colour":1,"details":{"a":1},"details":{}}"#;
    let refused =
        world.send("POST", "/api/governance/event", &[("Content-Type", "application/json")], body.as_bytes()).await;
    assert_eq!((refused.text("/type"), refused.text("/code")), ("urn:age:problem:invalid_fields", "invalid_fields"));
    let codes: Vec<_> = refused
        .list("/errors")
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        codes,
        [("/eventType", "required"), ("/severity", "invalid"), ("/details", "duplicate"), ("/colour", "unknown")]
    );
    let query = world.get("/api/governance/events?limit=0&colour=red&limit=1").await;
    let codes: Vec<_> = query.list("/errors").iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["duplicate", "unknown"]);
    for (method, path, code) in [
        ("GET", "/api/governance/events?cursor=x", "malformed_request"),
        ("GET", "/api/governance/nothing", "not_found"),
        ("DELETE", "/api/governance/stats", "method_not_allowed"),
    ] {
        assert_eq!(world.send(method, path, &[], b"").await.text("/code"), code, "{method} {path}");
    }
    let large = json!({"engine": "qa", "eventType": "a", "details": {"a": "x".repeat(20_000)}});
    let large = world.post(&large).await;
    assert_eq!((large.text("/code"), large.text("/errors/0/code")), ("too_large", "too_large"));
}

#[tokio::test]
async fn critical_event_publishes_action_request_and_notification() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;

    let requests = world.sns.published("actions");
    assert_eq!(requests.len(), 1);
    let attributes: Vec<_> =
        requests[0].attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("action", "billing_sync_repair"), ("engine", "billing"), ("severity", "CRITICAL")]);
    let request: serde_json::Value = serde_json::from_str(&requests[0].message).unwrap();
    assert_eq!(request["id"], format!("{}/billing_sync_repair", created.text("/id")));

    let notifications = world.sns.published("notifications");
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0].subject, "[AGE] CRITICAL Billing: invoice_sync_failed");
    for text in ["billing_sync_repair: dispatched", "Opened      Mon 23 Nov 2026, 00:05:00 UTC", created.text("/id")] {
        assert!(notifications[0].message.contains(text), "{text} in {}", notifications[0].message);
    }
}

#[tokio::test]
async fn permission_reset_is_pending_approval() {
    let world = World::new().await;
    let created = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    assert_eq!(created.actions(), [("permission_reset", "pending_approval")]);
    assert!(world.sns.published("actions").is_empty());
}

#[tokio::test]
async fn low_and_medium_events_start_no_action() {
    let world = World::new().await;
    for severity in ["LOW", "MEDIUM"] {
        assert!(world.post(&event("maos", "task_retried", severity)).await.actions().is_empty());
    }
    assert!(world.sns.published("actions").is_empty() && world.sns.published("notifications").is_empty());
}

#[tokio::test]
async fn details_are_returned_unchanged() {
    let world = World::new().await;
    let body = r#"{"engine":"qa","event_type":"x","details":{ "z": 12345678901234567890123, "a": [1.10, "\u0000 \"é\" 日本"] }}"#;
    let created = world
        .send("POST", "/api/governance/event", &[("Content-Type", "application/json; charset=utf-8")], body.as_bytes())
        .await;
    assert_eq!(created.status, 201);
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.json["details"], created.json["details"]);
    assert_eq!(shown.json["details"]["a"][1], "\0 \"é\" 日本");
}

#[tokio::test]
async fn statistics_without_events_are_zero() {
    let world = World::new().await;
    let stats = world.get("/api/governance/stats").await;
    assert_eq!(stats.status, 200);
    let engines =
        ["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing", "deep_agent", "maos"];
    let none: serde_json::Map<_, _> = engines.iter().map(|engine| ((*engine).to_owned(), json!(0))).collect();
    let no_decisions = json!({
        "allowed": 0, "denied": 0, "needsApproval": 0, "permitsWithoutEvent": 0, "operationsWithoutPermit": 0,
        "operationsWhileUnavailable": 0, "shadowDifferences": 0, "byRule": {}, "byReason": {},
    });
    assert_eq!(
        stats.json,
        json!({
            "totalEvents": 0, "criticalCount": 0, "latestRiskScore": null, "topRiskyEngine": null, "busiestEngine": null,
            "byEngine": none, "bySeverity": {"LOW": 0, "MEDIUM": 0, "HIGH": 0, "CRITICAL": 0},
            "asOf": "2026-11-23T00:05:00.000Z", "decisions": no_decisions, "decisionsByEngine": {},
        })
    );
}

#[tokio::test]
async fn statistics_cover_30_days() {
    let world = World::new().await;
    for (moment, severity) in
        [("2026-10-23T23:59:00Z", "CRITICAL"), ("2026-10-24T00:00:00Z", "HIGH"), ("2026-11-23T00:05:00Z", "LOW")]
    {
        world.set_time(moment);
        world.post(&event("documentation", "page_stale", severity)).await;
    }
    world.post(&event("qa", "suite_passed", "LOW")).await;
    let stats = world.get("/api/governance/stats").await;
    assert_eq!((stats.number("/totalEvents"), stats.number("/criticalCount")), (3, 0));
    assert_eq!((stats.text("/topRiskyEngine"), stats.text("/busiestEngine")), ("documentation", "documentation"));
    world.generate_report().await;
    // Two LOW events: 2 points of operational risk and 1 of performance risk, over five categories.
    assert_eq!(world.get("/api/governance/stats").await.number("/latestRiskScore"), 1);
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    let responses = [
        created,
        world.get("/api/governance/events").await,
        world.get("/api/governance/incidents").await,
        world.get("/api/governance/health").await,
        world.get("/api/governance/reports").await,
        world.get("/api/governance/stats").await,
        world.generate_report().await,
        world.get("/api/governance/actions").await,
        world.get("/api/governance/nothing").await,
        world.get("/api/governance/event").await,
        world.get("/api/governance/events?limit=x").await,
    ];
    for response in responses {
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{response:?}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{response:?}");
        assert_eq!(response.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
        assert!(response.header("strict-transport-security").is_some() && response.header("referrer-policy").is_some());
        assert_eq!(
            response.header("access-control-allow-origin"),
            None,
            "pages of other origins must not read responses"
        );
    }
}
