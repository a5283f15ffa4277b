//! A repeat is a sign of life: what is still reported is neither verified, nor resolved, nor silent.

use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::{ApiResponse, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl World {
    /// Posts a group of alerts, as Alertmanager does.
    pub(crate) async fn post_alert_group(&self, alerts: &[Value]) -> ApiResponse {
        self.post_json("/api/governance/intake/alertmanager", &json!({ "version": "4", "alerts": alerts })).await
    }

    pub(crate) async fn report_remediation_succeeded(&self, id: &str, action: &str) {
        let path = format!("/api/governance/events/{id}/actions/{action}/outcome");
        assert_eq!(self.post_json(&path, &json!({ "outcome": "succeeded" })).await.status, 200);
    }

    async fn action_status(&self, id: &str) -> String {
        self.get(&format!("/api/governance/events/{id}")).await.text("/actions/0/status").to_owned()
    }
}

/// Returns an alert of billing, or of the voice engine, whose events have no remediation: the instance `instance` of the event type `name`, firing since `starts_at`, or resolved.
pub(crate) fn alert(name: &str, instance: &str, severity: &str, starts_at: &str, status: &str) -> Value {
    let engine = if name.starts_with("Sync") { "billing" } else { "voice_engine" };
    json!({
        "status": status, "labels": {"alertname": name, "engine": engine, "severity": severity, "instance": instance},
        "annotations": {}, "startsAt": starts_at, "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-23T00:04:00Z" },
        "generatorURL": "", "fingerprint": format!("{name}-{instance}"),
    })
}

const START: &str = "2026-11-23T00:00:00.000Z";

fn sync_failed(status: &str) -> [Value; 1] {
    [alert("SyncFailed", "a", "error", START, status)]
}

fn alert_statuses(response: &ApiResponse) -> Vec<u64> {
    assert_eq!(response.status, 200, "{response:?}");
    response.list("/alerts").iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn remediation_is_ineffective_if_its_alert_keeps_firing_after_the_success() {
    let world = World::new().await;
    let id = world.post_alert_group(&sync_failed("firing")).await.text("/alerts/0/id").to_owned();
    world.clock.advance(5 * MINUTE);
    world.report_remediation_succeeded(&id, "billing_sync_repair").await;
    for _ in 0..8 {
        world.clock.advance(10 * MINUTE);
        let again = world.post_alert_group(&sync_failed("firing")).await;
        assert_eq!(alert_statuses(&again), [200]);
        world.sweep().await;
    }
    assert_eq!(world.action_status(&id).await, "ineffective");
    let [incident] = world.list_incidents("").await.try_into().unwrap();
    assert_eq!(
        (&incident["cause"], &incident["status"], &incident["eventCount"]),
        (&json!("failed_remediation"), &json!("open"), &json!(1))
    );
    assert_eq!(world.event_count(), 1);
    assert_eq!(world.emails()[0].at.to_string(), "2026-11-23T00:20:00.000Z", "people are notified by the first repeat");
}

#[tokio::test]
async fn remediation_is_ineffective_if_its_event_is_repeated_after_the_success() {
    let cloud_event = json!({
        "specversion": "1.0", "id": "4711", "source": "/engines/billing", "type": "sync_failed", "severity": "HIGH",
    });
    let mut batched = event("billing", "sync_failed", "HIGH");
    batched["idempotencyKey"] = json!("k");
    let other = event("billing", "ledger_checked", "LOW");
    let (cloud_event, batch) = (cloud_event.to_string(), json!([batched, other]).to_string());
    let single = event("billing", "sync_failed", "HIGH").to_string();
    for (path, headers, body, id_at) in [
        ("/event", vec![("Content-Type", "application/json"), ("Idempotency-Key", "k")], single, "/id"),
        ("/intake/cloudevents", vec![("Content-Type", "application/cloudevents+json")], cloud_event, "/id"),
        ("/events", vec![("Content-Type", "application/json")], batch, "/results/0/id"),
    ] {
        let world = World::new().await;
        let path = format!("/api/governance{path}");
        let id = world.send("POST", &path, &headers, body.as_bytes()).await.text(id_at).to_owned();
        world.clock.advance(5 * MINUTE);
        world.report_remediation_succeeded(&id, "billing_sync_repair").await;
        world.clock.advance(5 * MINUTE);
        let again = world.new_environment().await.send("POST", &path, &headers, body.as_bytes()).await;
        assert_eq!((again.status, again.text(id_at)), (200, id.as_str()));
        assert_eq!(world.action_status(&id).await, "ineffective", "{path}");
        world.clock.advance(HOUR);
        world.sweep().await;
        assert_eq!(world.action_status(&id).await, "ineffective");
    }
}

#[tokio::test]
async fn copy_of_the_same_message_does_not_prove_a_remediation_ineffective() {
    let world = World::new().await;
    let high = event("billing", "sync_failed", "HIGH");
    let id = world.post_keyed(&high, "k").await.text("/id").to_owned();
    world.clock.advance(2);
    world.report_remediation_succeeded(&id, "billing_sync_repair").await;
    world.clock.advance(28);
    assert_eq!(world.post_keyed(&high, "k").await.status, 200, "a client repeats a request without a response");
    world.clock.advance(HOUR);
    world.sweep().await;
    assert_eq!(world.action_status(&id).await, "verified");
}

#[tokio::test]
async fn remediation_is_verified_if_its_alert_was_repeated_only_before_the_success() {
    let world = World::new().await;
    let id = world.post_alert_group(&sync_failed("firing")).await.text("/alerts/0/id").to_owned();
    world.clock.advance(10 * MINUTE);
    world.post_alert_group(&sync_failed("firing")).await;
    world.clock.advance(5 * MINUTE);
    world.report_remediation_succeeded(&id, "billing_sync_repair").await;
    world.clock.advance(MINUTE);
    world.post_alert_group(&sync_failed("resolved")).await;
    world.clock.advance(HOUR);
    world.sweep().await;
    assert_eq!(world.action_status(&id).await, "verified");
}

#[tokio::test]
async fn acknowledged_incident_does_not_resolve_while_its_alert_is_repeated() {
    let world = World::new().await;
    let down = |status| [alert("Down", "a", "critical", START, status)];
    world.post_alert_group(&down("firing")).await;
    let [incident] = world.list_incidents("").await.try_into().unwrap();
    let path = format!("/api/governance/incidents/{}/acknowledge", incident["id"].as_str().unwrap());
    assert_eq!(world.send("POST", &path, &[], b"").await.status, 200);
    for _ in 0..12 {
        world.clock.advance(4 * HOUR);
        world.post_alert_group(&down("firing")).await;
        world.sweep().await;
    }
    assert_eq!(world.list_incidents("&status=acknowledged").await.len(), 1);
    world.clock.advance(DAY + MINUTE);
    world.sweep().await;
    let ended = world.list_incidents("&status=resolved").await;
    assert_eq!(
        ended.iter().map(|it| it["id"].clone()).collect::<Vec<_>>(),
        [incident["id"].clone()],
        "after a quiet day"
    );
}

#[tokio::test]
async fn engine_that_only_repeats_events_is_not_silent() {
    let world = World::new().await;
    world.sweep().await;
    let low = event("qa", "suite_passed", "LOW");
    world.post_keyed(&low, "k").await;
    for _ in 0..12 {
        world.clock.advance(8 * HOUR);
        assert_eq!(world.post_keyed(&low, "k").await.status, 200);
        world.sweep().await;
    }
    let silent = world.list_incidents("").await;
    assert!(!silent.iter().any(|incident| incident["engine"] == "qa"), "{silent:?}");
    assert_eq!(world.event_count(), 1);
    world.clock.advance(DAY + HOUR);
    world.sweep().await;
    assert!(world.list_incidents("").await.iter().any(|incident| incident["engine"] == "qa"));
}

#[tokio::test]
async fn alert_that_fires_again_after_it_was_resolved_is_a_new_event() {
    let world = World::new().await;
    let [mut firing] = [alert("Down", "a", "critical", START, "firing")];
    let resolved = alert("Down", "a", "critical", START, "resolved");
    assert_eq!(alert_statuses(&world.post_alert_group(std::slice::from_ref(&firing)).await), [201]);
    world.clock.advance(5 * MINUTE);
    assert_eq!(alert_statuses(&world.post_alert_group(std::slice::from_ref(&resolved)).await), [201]);
    world.clock.advance(5 * MINUTE);
    firing["annotations"]["summary"] = json!("again");
    assert_eq!(alert_statuses(&world.post_alert_group(std::slice::from_ref(&firing)).await), [201]);
    assert_eq!(world.event_count(), 3);
    let incidents = world.list_incidents("").await;
    let counts: Vec<_> =
        incidents.iter().map(|it| (it["status"].as_str().unwrap(), it["eventCount"].clone())).collect();
    assert_eq!(counts, [("open", json!(1)), ("resolved", json!(1))]);
    // It goes on like that: each occurrence is one more event.
    for round in 0..40 {
        let mut ended = resolved.clone();
        ended["endsAt"] = json!(format!("2026-11-23T00:{:02}:30Z", 10 + round));
        world.clock.advance(2 * MINUTE);
        let ended = world.post_alert_group(&[ended]).await;
        world.clock.advance(2 * MINUTE);
        let again = world.post_alert_group(std::slice::from_ref(&firing)).await;
        world.clock.advance(MINUTE);
        let repeated = world.post_alert_group(std::slice::from_ref(&firing)).await;
        let statuses = [&ended, &again, &repeated].map(|response| alert_statuses(response)[0]);
        assert_eq!(statuses, [201, 201, 200], "{round}");
    }
    assert_eq!(world.event_count(), 83);
}

#[tokio::test]
async fn two_senders_of_one_alert_make_one_event() {
    let world = World::new().await;
    let other = world.new_environment().await;
    let send = async |status: &str| {
        let body = json!({ "version": "4", "alerts": sync_failed(status) });
        let one = world.post_alert_group(&sync_failed(status)).await;
        world.clock.advance(3);
        let two = other.post_json("/api/governance/intake/alertmanager", &body).await;
        (alert_statuses(&one)[0], alert_statuses(&two)[0], one.text("/alerts/0/id") == two.text("/alerts/0/id"))
    };
    assert_eq!(send("firing").await, (201, 200, true));
    world.clock.advance(5 * MINUTE);
    assert_eq!(send("resolved").await, (201, 200, true));
    // A firing copy that is late belongs to the occurrence that was resolved.
    world.clock.advance(40);
    assert_eq!(alert_statuses(&world.post_alert_group(&sync_failed("firing")).await), [200]);
    assert_eq!(world.event_count(), 2);
    world.clock.advance(40);
    assert_eq!(send("firing").await, (201, 200, true));
    assert_eq!(world.event_count(), 3);
}

#[tokio::test]
async fn critical_alert_that_is_resolved_before_anybody_acknowledges_it_resolves_its_incident() {
    let world = World::new().await;
    let down = |status| [alert("Down", "a", "critical", START, status)];
    world.post_alert_group(&down("firing")).await;
    world.clock.advance(2 * MINUTE);
    world.post_alert_group(&down("resolved")).await;
    world.sweep_every_minute(40).await;
    let [incident] = world.list_incidents("").await.try_into().unwrap();
    assert_eq!(
        (&incident["status"], &incident["reportedResolvedAt"]),
        (&json!("resolved"), &json!("2026-11-23T00:07:00.000Z"))
    );
    let subjects: Vec<String> = world.emails().into_iter().map(|email| email.subject).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(
        world.emails()[1].message.contains("reported as resolved at Mon 23 Nov 2026, 00:07"),
        "{:?}",
        world.emails()[1]
    );
    assert!(world.sns.published("second-line").is_empty());
    let timeline = world.get(&format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap())).await;
    let types: Vec<_> = timeline.list("/timeline").iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"reported_resolved"), "{types:?}");
}

#[tokio::test]
async fn acknowledged_incident_of_a_resolved_alert_stays_and_people_are_told() {
    let world = World::new().await;
    let down = |status| [alert("Down", "a", "critical", START, status)];
    world.post_alert_group(&down("firing")).await;
    let [incident] = world.list_incidents("").await.try_into().unwrap();
    let path = format!("/api/governance/incidents/{}/acknowledge", incident["id"].as_str().unwrap());
    assert_eq!(world.send("POST", &path, &[], b"").await.status, 200);
    world.clock.advance(10 * MINUTE);
    world.post_alert_group(&down("resolved")).await;
    world.sweep_every_minute(2).await;
    assert_eq!(world.list_incidents("").await[0]["status"], "acknowledged");
    let emails = world.emails();
    assert_eq!(emails.len(), 2);
    assert!(emails[1].message.contains("reported as resolved at Mon 23 Nov 2026, 00:15"), "{:?}", emails[1]);
    // It fires again, which is said no more.
    world.clock.advance(10 * MINUTE);
    world.post_alert_group(&down("firing")).await;
    assert_eq!(world.list_incidents("").await[0]["reportedResolvedAt"], Value::Null);
}

#[tokio::test]
async fn incident_stays_open_while_another_alert_or_event_of_its_key_is_not_resolved() {
    for others in [
        vec![alert("Down", "b", "critical", START, "firing")],
        vec![alert("Down", "b", "error", START, "firing")],
        vec![],
    ] {
        let world = World::new().await;
        if others.is_empty() {
            world.post(&event("voice_engine", "Down", "CRITICAL")).await;
        }
        world.post_alert_group(&others).await;
        world.post_alert_group(&[alert("Down", "a", "critical", START, "firing")]).await;
        world.clock.advance(2 * MINUTE);
        world.post_alert_group(&[alert("Down", "a", "critical", START, "resolved")]).await;
        let status = world.list_incidents("").await[0]["status"].clone();
        assert_eq!(status, "open", "{others:?}");
        world.clock.advance(2 * MINUTE);
        if !others.is_empty() {
            let ended: Vec<Value> = others
                .iter()
                .map(|it| {
                    let mut it = it.clone();
                    it["status"] = json!("resolved");
                    it
                })
                .collect();
            world.post_alert_group(&ended).await;
            assert_eq!(world.list_incidents("").await[0]["status"], "resolved");
        }
    }
}

#[tokio::test]
async fn incident_stays_open_while_an_alert_from_before_a_quiet_day_is_heard() {
    let world = World::new().await;
    let down = |instance, status| alert("Down", instance, "critical", START, status);
    world.post_alert_group(&[down("b", "firing")]).await;
    let [incident] = world.list_incidents("").await.try_into().unwrap();
    let path = format!("/api/governance/incidents/{}/acknowledge", incident["id"].as_str().unwrap());
    assert_eq!(world.send("POST", &path, &[], b"").await.status, 200);
    world.clock.advance(24 * 60 * MINUTE + 1);
    world.sweep().await;
    assert_eq!(world.list_incidents("&status=resolved").await.len(), 1, "a quiet day resolves it");
    // Its sender repeats the alert less than once a day.
    world.post_alert_group(&[down("b", "firing"), down("a", "firing")]).await;
    world.clock.advance(5 * MINUTE);
    world.post_alert_group(&[down("b", "firing"), down("a", "resolved")]).await;
    assert_eq!(world.list_incidents("&status=open").await.len(), 1);
}

#[tokio::test]
async fn five_hundred_critical_events_are_stored_within_five_tries_of_slow_transactions() {
    let (tries, world) = send_slowly("/api/governance/events", |world| async move {
        let events: Vec<Value> = (0..500)
            .map(|number| {
                let mut one = event("billing", &format!("sync_{}", number % 50), "CRITICAL");
                one["idempotencyKey"] = json!(format!("k{number}"));
                one
            })
            .collect();
        world.post_json("/api/governance/events", &Value::from(events)).await
    })
    .await;
    assert!(tries <= 5, "{tries}");
    assert_eq!(world.event_count(), 500);
}

#[tokio::test]
async fn webhook_of_five_hundred_alerts_is_stored_within_three_tries_of_slow_transactions() {
    for same in [true, false] {
        let (tries, world) = send_slowly("/api/governance/intake/alertmanager", move |world| async move {
            let name = |number: usize| if same { "Down".to_owned() } else { format!("Down{number}") };
            let alerts: Vec<Value> =
                (0..500).map(|number| alert(&name(number), &number.to_string(), "critical", START, "firing")).collect();
            world.post_alert_group(&alerts).await
        })
        .await;
        assert!(tries <= 3, "{tries}");
        assert_eq!(world.event_count(), 500);
    }
}

/// Sends a request again as long as it is refused with 503, while every transaction takes 30 ms more. Returns the number of tries.
async fn send_slowly<F: Future<Output = ApiResponse>>(
    path: &str,
    send: impl Fn(std::sync::Arc<World>) -> F,
) -> (usize, std::sync::Arc<World>) {
    let world = std::sync::Arc::new(World::new().await);
    let clock = std::sync::Arc::clone(&world.clock);
    world.dynamodb.set_fault(move |call| {
        if call.operation == "TransactWriteItems" {
            clock.advance_millis(30);
        }
        Fault::None
    });
    for tries in 1..10 {
        let response = send(std::sync::Arc::clone(&world)).await;
        if response.status == 200 {
            return (tries, world);
        }
        assert_eq!((response.status, response.header("retry-after").is_some()), (503, true), "{path}");
    }
    panic!("{path} was never stored");
}
