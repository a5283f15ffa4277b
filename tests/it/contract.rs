//! The routes and what they answer when all is well.

use serde_json::json;

use crate::world::{World, event};

#[tokio::test]
async fn an_event_is_stored_counted_and_acted_on() {
    let world = World::new().await;
    let sent = json!({
        "engine": "billing", "eventType": "invoice_sync_failed", "severity": "CRITICAL",
        "details": {"invoices": 1204}, "sourceTime": "2026-11-23T01:04:58+01:00",
    });
    let created = world.post(&sent).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.text("/occurredAt"), "2026-11-23T00:05:00.000Z");
    assert_eq!(created.text("/sourceTime"), "2026-11-23T00:04:58.000Z");
    assert_eq!(created.actions(), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);

    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!((shown.status, &shown.json), (200, &created.json));
    let listed = world.get("/api/governance/events").await;
    assert_eq!(listed.list("/events").len(), 1);
    assert_eq!(listed.text("/events/0/id"), created.text("/id"));
    assert_eq!(listed.json.get("nextCursor"), None);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}

#[tokio::test]
async fn subscribers_get_the_action_and_people_the_escalation() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;

    let orders = world.sns.published("actions");
    assert_eq!(orders.len(), 1);
    let attributes: Vec<_> = orders[0].attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("action", "billing_sync_repair"), ("engine", "billing"), ("severity", "CRITICAL")]);
    let order: serde_json::Value = serde_json::from_str(&orders[0].message).unwrap();
    assert_eq!(order["id"], format!("{}/billing_sync_repair", created.text("/id")));

    let escalations = world.sns.published("notifications");
    assert_eq!(escalations.len(), 1);
    assert_eq!(escalations[0].subject, "[AGE] CRITICAL Billing: invoice_sync_failed");
    for said in ["billing_sync_repair: dispatched", "Since       Mon 23 Nov 2026, 00:05:00 UTC", created.text("/id")] {
        assert!(escalations[0].message.contains(said), "{said} in {}", escalations[0].message);
    }
}

#[tokio::test]
async fn a_permission_reset_waits_for_approval() {
    let world = World::new().await;
    let created = world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    assert_eq!(created.actions(), [("permission_reset", "pending_approval")]);
    assert!(world.sns.published("actions").is_empty());
}

#[tokio::test]
async fn low_and_medium_events_lead_to_nothing() {
    let world = World::new().await;
    for severity in ["LOW", "MEDIUM"] {
        assert!(world.post(&event("maos", "task_retried", severity)).await.actions().is_empty());
    }
    assert!(world.sns.published("actions").is_empty() && world.sns.published("notifications").is_empty());
}

#[tokio::test]
async fn details_come_back_as_they_were_given() {
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
async fn stats_of_nothing_are_nothing() {
    let world = World::new().await;
    let stats = world.get("/api/governance/stats").await;
    assert_eq!(stats.status, 200);
    let engines =
        ["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing", "deep_agent", "maos"];
    let none: serde_json::Map<_, _> = engines.iter().map(|engine| ((*engine).to_owned(), json!(0))).collect();
    assert_eq!(
        stats.json,
        json!({
            "totalEvents": 0, "criticalCount": 0, "latestRiskScore": null, "topRiskyEngine": null, "busiestEngine": null,
            "byEngine": none, "bySeverity": {"LOW": 0, "MEDIUM": 0, "HIGH": 0, "CRITICAL": 0},
            "asOf": "2026-11-23T00:05:00.000Z",
        })
    );
}

#[tokio::test]
async fn stats_are_of_the_last_thirty_days() {
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
    // Two LOW events: 2 points of operational risk and 1 of performance, over five categories.
    assert_eq!(world.get("/api/governance/stats").await.number("/latestRiskScore"), 1);
}

#[tokio::test]
async fn no_answer_may_be_kept_or_taken_for_something_else() {
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
        assert_eq!(response.header("access-control-allow-origin"), None, "no page of another origin may read it");
    }
}
