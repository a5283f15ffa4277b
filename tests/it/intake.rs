//! What Alertmanager and Grafana send, and how operators learn of what AGE refuses.

use age_http::RequestRate;
use serde_json::{Value, json};

use crate::world::browser::Browser;
use crate::world::proxy::Fault;
use crate::world::test_credentials::{BILLING, READER};
use crate::world::{ApiResponse, World, event};

const ALERTS: &str = "/api/governance/intake/alertmanager";
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn alert(name: &str, labels: &Value) -> Value {
    let mut alert = json!({
        "status": "firing", "labels": { "alertname": name, "engine": "billing" }, "annotations": {},
        "startsAt": "2026-11-23T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": name,
    });
    for (label, value) in labels.as_object().unwrap() {
        alert["labels"][label] = value.clone();
    }
    alert
}

fn group(alerts: &[Value]) -> Value {
    json!({ "version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "age", "alerts": alerts })
}

impl World {
    async fn post_group(&self, alerts: &[Value]) -> ApiResponse {
        self.as_caller(BILLING).post_json(ALERTS, &group(alerts)).await
    }

    /// Returns the kind, sender, subject, detail and count of each system alert.
    async fn system_alerts(&self) -> Vec<(String, String, String, String, u64)> {
        let health = self.get("/api/governance/health").await;
        let text = |alert: &Value, name: &str| alert[name].as_str().unwrap().to_owned();
        let parts = |alert: &Value| {
            let [kind, sender, subject, detail] = ["kind", "sender", "subject", "detail"].map(|name| text(alert, name));
            (kind, sender, subject, detail, alert["count"].as_u64().unwrap())
        };
        health.list("/systemAlerts").iter().map(parts).collect()
    }

    async fn event_of(&self, response: &ApiResponse, index: usize) -> ApiResponse {
        self.get(&format!("/api/governance/events/{}", response.text(&format!("/alerts/{index}/id")))).await
    }
}

#[tokio::test]
async fn webhook_of_300_alerts_of_900_bytes_is_taken() {
    let world = World::new().await;
    let padding = json!({ "severity": "info", "padding": "x".repeat(700) });
    let alerts: Vec<Value> = (0..300).map(|number| alert(&format!("a{number}"), &padding)).collect();
    assert!(group(&alerts).to_string().len() >= 270_000);
    let taken = world.post_group(&alerts).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert!(taken.list("/alerts").iter().all(|result| result["status"] == 201));
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 300);
}

#[tokio::test]
async fn webhook_over_the_limits_is_refused_and_names_them() {
    let world = World::new().await;
    let alerts: Vec<Value> = (0..501).map(|number| alert(&format!("a{number}"), &json!({}))).collect();
    let many = world.post_group(&alerts).await;
    assert_eq!((many.status, many.text("/detail")), (413, "a webhook must have at most 500 alerts; got 501"));
    let large = world.post_group(&[alert("a", &json!({ "padding": "x".repeat(1024 * 1024) }))]).await;
    assert_eq!((large.status, large.text("/detail")), (413, "the body must be at most 1048576 bytes"));
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 0);
}

#[tokio::test]
async fn severity_of_an_alert_is_taken_in_any_case_and_in_common_words() {
    let world = World::new().await;
    let words = ["CRITICAL", "Critical", "P1", "emergency", " fatal ", "WARNING", "Error", "informational"];
    let alerts: Vec<Value> = words.iter().map(|word| alert(word.trim(), &json!({ "severity": word }))).collect();
    let taken = world.post_group(&alerts).await;
    let mut severities = Vec::new();
    for index in 0..words.len() {
        severities.push(world.event_of(&taken, index).await.text("/severity").to_owned());
    }
    let critical = ["CRITICAL"; 5].iter();
    assert_eq!(severities, critical.chain(&["MEDIUM", "HIGH", "LOW"]).copied().collect::<Vec<_>>());
    assert!(world.system_alerts().await.is_empty());
}

#[tokio::test]
async fn unmapped_severity_is_taken_and_shown_to_operators() {
    let world = World::new().await;
    let unmapped = |name: &str, word: &str| alert(name, &json!({ "severity": word }));
    let absent = [alert("absent", &json!({})), alert("empty", &json!({ "severity": "" }))];
    let alerts = [&absent[..], &[unmapped("a", "kaboom\u{202e}"), unmapped("b", "KABOOM")]].concat();
    let taken = world.post_group(&alerts).await;
    for index in 0..4 {
        assert_eq!(world.event_of(&taken, index).await.text("/severity"), "MEDIUM");
    }
    let shown = |kind: &str, subject: &str, detail: &str, count: u64| {
        (kind.to_owned(), BILLING.to_owned(), subject.to_owned(), detail.to_owned(), count)
    };
    assert_eq!(world.system_alerts().await, [shown("unmapped_severity", "labels/severity", "kaboom[U+202E]", 2)]);
    world.sweep().await;
    let page = Browser::signed_in(&world, READER).await.get("/dashboard").await;
    for text in [
        "▲ Needs attention",
        "<h3>System alerts</h3>",
        "Severities that the policy does not map, of credential billing",
        "labels/severity: kaboom[U+202E]",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    let resolved = json!({ "status": "resolved", "labels": { "alertname": "c", "engine": "billing", "severity": "odd" },
        "startsAt": "2026-11-23T00:00:00Z", "endsAt": "2026-11-23T00:01:00Z", "fingerprint": "c" });
    assert_eq!(world.post_group(&[resolved]).await.status, 200);
    assert_eq!(world.system_alerts().await.len(), 1, "the severity of a resolved alert is LOW, whatever its label is");
    assert_eq!(world.system_alerts().await[0].4, 2);
}

#[tokio::test]
async fn refused_alert_of_a_group_is_shown_to_operators_until_a_day_is_quiet() {
    let world = World::new().await;
    let mut without_engine = alert("NoEngine", &json!({}));
    without_engine["labels"].as_object_mut().unwrap().remove("engine");
    let pair = [without_engine, alert("Fine", &json!({}))];
    let response = world.post_group(&pair).await;
    assert_eq!((response.status, response.number("/alerts/0/status")), (200, 422));
    world.clock.advance(3600);
    assert_eq!(world.post_group(&pair).await.status, 200);
    let other = world.post_group(&[alert("Other", &json!({ "engine": "qa" })), pair[1].clone()]).await;
    assert_eq!((other.status, other.number("/alerts/0/status")), (200, 403));
    let health = world.get("/api/governance/health").await;
    let listed = health.list("/systemAlerts");
    assert_eq!(listed.len(), 1, "{health:?}");
    assert_eq!(
        listed[0],
        json!({
            "kind": "refused_event", "sender": BILLING, "subject": "labels/engine",
            "detail": format!("the credential {BILLING} may not act for this engine"), "count": 3,
            "firstAt": "2026-11-23T00:05:00.000Z", "lastAt": "2026-11-23T01:05:00.000Z",
        })
    );
    world.sweep().await;
    let page = Browser::signed_in(&world, READER).await.get("/dashboard").await;
    assert!(page.body.contains(&format!("Refused events of credential {BILLING}: 3")), "{}", page.body);
    world.clock.advance(86_399);
    assert_eq!(world.system_alerts().await.len(), 1);
    world.clock.advance(1);
    assert!(world.system_alerts().await.is_empty());
    assert_eq!(world.post_group(&pair).await.status, 200);
    assert_eq!(world.system_alerts().await[0].4, 1, "counting begins again");
}

#[tokio::test]
async fn refused_events_of_a_batch_are_shown_by_field() {
    let world = World::new().await;
    let fine = event("billing", "fine", "LOW");
    let batch = json!([fine, event("mail", "x", "LOW"), { "engine": "billing", "eventType": "x", "severty": 1 }, event("qa", "x", "LOW")]);
    assert_eq!(world.as_caller(BILLING).post_json("/api/governance/events", &batch).await.status, 200);
    let cloud = json!([{ "specversion": "0.3", "id": "1", "source": "/engines/billing", "type": "x" }]).to_string();
    let headers = [("Content-Type", "application/cloudevents-batch+json")];
    let sent =
        world.as_caller(BILLING).send("POST", "/api/governance/intake/cloudevents", &headers, cloud.as_bytes()).await;
    assert_eq!(sent.status, 200);
    let subjects: Vec<_> = world.system_alerts().await.into_iter().map(|alert| (alert.2, alert.4)).collect();
    let expected = [("engine", 2), ("other fields", 1), ("specversion", 1)];
    assert_eq!(subjects, expected.map(|(subject, count)| (subject.to_owned(), count)));
}

#[tokio::test]
async fn system_alert_that_cannot_be_recorded_does_not_fail_the_request() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| if call.operation == "UpdateItem" { Fault::Refuse } else { Fault::None });
    let response = world.post_group(&[alert("Fine", &json!({})), alert("Bad", &json!({ "engine": "mail" }))]).await;
    assert_eq!((response.status, response.number("/alerts/0/status")), (200, 201));
    world.dynamodb.reset();
    let response = world.post_group(&[alert("Also", &json!({}))]).await;
    assert_eq!((response.status, world.dynamodb.calls("UpdateItem")), (200, 0), "nothing was refused");
}

#[tokio::test]
async fn alert_with_20_kb_of_labels_is_shortened_and_says_so() {
    let world = World::new().await;
    let mut large = alert("Large", &json!({ "severity": "critical" }));
    for number in 0..20 {
        large["labels"][format!("label{number}")] = json!("x".repeat(1000));
    }
    large["annotations"]["summary"] = json!("y".repeat(50_000));
    let taken = world.post_group(&[large]).await;
    assert_eq!((taken.status, taken.number("/alerts/0/status")), (200, 201), "{taken:?}");
    let stored = world.event_of(&taken, 0).await;
    assert_eq!((stored.text("/eventType"), stored.text("/severity")), ("Large", "CRITICAL"));
    for (label, value) in [("engine", "billing"), ("alertname", "Large"), ("severity", "critical")] {
        assert_eq!(stored.text(&format!("/details/labels/{label}")), value);
    }
    assert!(stored.text("/details/shortened").contains("bytes of details"), "{stored:?}");
    assert!(stored.json["details"].to_string().len() <= 16 * 1024);
}

#[tokio::test]
async fn webhook_of_grafanas_contact_point_is_taken() {
    let world = World::new().await;
    let body = json!({
        "receiver": "age", "status": "firing", "orgId": 1, "groupLabels": { "alertname": "High memory usage" },
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "https://grafana.example/", "version": "1",
        "groupKey": "{}:{}", "truncatedAlerts": 0, "title": "[FIRING:2] High memory usage", "state": "alerting",
        "message": "**Firing**",
        "alerts": [
            {
                "status": "firing",
                "labels": { "alertname": "High memory usage", "engine": "billing", "severity": "Critical" },
                "annotations": { "description": "85%", "summary": "High" },
                "startsAt": "2026-11-23T01:00:00.123456789+02:00", "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://grafana.example/alerting/1afz29v7z/edit", "fingerprint": "c6eadffa33fcdf37",
                "silenceURL": "https://grafana.example/alerting/silence/new", "dashboardURL": "https://grafana.example/d/1",
                "panelURL": "", "imageURL": "https://grafana.example/i", "values": { "B": 44.2, "C": null },
                "valueString": "[ var='B' labels={} value=44.2 ]", "orgId": 1,
            },
            {
                "status": "resolved", "labels": { "alertname": "High CPU usage", "engine": "billing" }, "annotations": null,
                "startsAt": "2026-11-23T00:00:00Z", "endsAt": "2026-11-23T00:04:00Z", "generatorURL": "",
                "fingerprint": "d1eadffa33fcdf37", "values": null, "valueString": "",
            },
        ],
    });
    let taken = world.as_caller(BILLING).post_json(ALERTS, &body).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let firing = world.event_of(&taken, 0).await;
    assert_eq!((firing.text("/eventType"), firing.text("/severity")), ("High memory usage", "CRITICAL"));
    assert_eq!(firing.text("/details/dashboardURL"), "https://grafana.example/d/1");
    let resolved = world.event_of(&taken, 1).await;
    assert_eq!((resolved.text("/severity"), resolved.text("/sourceTime")), ("LOW", "2026-11-23T00:04:00.000Z"));
    for version in ["2", "5", ""] {
        let mut other = body.clone();
        other["version"] = json!(version);
        let refused = world.as_caller(BILLING).post_json(ALERTS, &other).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/version"), "{version}");
    }
}

#[tokio::test]
async fn malformed_alert_does_not_affect_the_others_of_its_group() {
    let world = World::new().await;
    let mut no_start = alert("NoStart", &json!({}));
    no_start["startsAt"] = json!("soon");
    let numeric = alert("Numeric", &json!({ "shard": 7 }));
    let response = world.post_group(&[json!(1), no_start, numeric, alert("Fine", &json!({}))]).await;
    assert_eq!(response.status, 200, "{response:?}");
    let results: Vec<_> = response
        .list("/alerts")
        .iter()
        .map(|result| (result["status"].as_u64().unwrap(), result.pointer("/errors/0/pointer").cloned()))
        .collect();
    let refused = |pointer: &str| (422, Some(json!(pointer)));
    let expected =
        [refused("/alerts/0"), refused("/alerts/1/startsAt"), refused("/alerts/2/labels/shard"), (201, None)];
    assert_eq!(results, expected);
}

#[tokio::test]
async fn throttled_sender_of_alerts_gets_a_503() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(RequestRate::new(1, 2)).await;
    let api = api.with_token(world.token(BILLING));
    let body = group(&[alert("a", &json!({}))]);
    for _ in 0..2 {
        assert_eq!(api.post_json(ALERTS, &body).await.status, 200);
    }
    let throttled = api.post_json(ALERTS, &body).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (503, Some("1")), "{throttled:?}");
    assert_eq!(throttled.number("/status"), 503);
    assert!(throttled.text("/detail").contains("nothing was stored"), "{throttled:?}");
    // Below a mapping key as well. Other routes answer 429.
    let below = api.send("POST", "/v1/api/governance/intake/alertmanager", &[JSON], body.to_string().as_bytes()).await;
    assert_eq!(below.status, 503);
    let event = event("billing", "x", "LOW");
    let statuses =
        [api.post(&event, None).await.status, api.post(&event, None).await.status, api.post(&event, None).await.status];
    assert!(statuses.contains(&429) && !statuses.contains(&503), "{statuses:?}");
}
