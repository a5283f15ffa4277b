//! Changes of incidents by people reach the pager.

use serde_json::{Value, json};

use super::{CHANNELS, Channels, HOUR, MINUTE, PAGER, PAGER_HOST, channel};
use crate::world::event;
use crate::world::receivers::Answer;
use crate::world::test_credentials::NIGHT_DESK;

const ID: &str = "billing.1795392300000.invoice_sync_failed";

impl Channels {
    /// A world in which a pager has the alert of a CRITICAL incident.
    async fn with_alert() -> Self {
        let channels = Self::with(&[PAGER]).await;
        channels.report().await;
        assert_eq!(channels.alerts(), ["trigger"]);
        channels
    }

    async fn report(&self) {
        let created = self.world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
        assert_eq!(created.status, 201, "{created:?}");
        self.relay_published().await;
    }

    /// Acknowledges, resolves or reopens the incident.
    async fn change(&self, change: &str) {
        self.world.clock.advance(MINUTE);
        let path = format!("/api/governance/incidents/{ID}/{change}");
        let changed = self.world.as_caller(NIGHT_DESK).post_json(&path, &json!({})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }

    /// Returns the actions of the events that the pager got. All of them must be about the incident.
    fn alerts(&self) -> Vec<String> {
        let events = self.receivers.of(PAGER_HOST);
        assert!(events.iter().all(|it| it.json["dedup_key"] == format!("age/{ID}")), "{events:?}");
        events.iter().map(|it| it.json["event_action"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns the rows of alerts that are open in the pager.
    async fn open_alerts(&self) -> Vec<String> {
        let alerts = self.world.deliveries().open_alerts(&PAGER.parse().unwrap()).await.unwrap();
        alerts.into_iter().map(|alert| format!("{} {}", alert.incident, alert.status)).collect()
    }
}

#[tokio::test]
async fn acknowledgement_and_resolution_reach_the_pager_once_within_the_next_run() {
    let channels = Channels::with_alert().await;
    assert_eq!(channels.open_alerts().await, [format!("{ID} open")]);
    channels.run_every_minute(3).await;
    assert_eq!(channels.alerts(), ["trigger"]);

    channels.change("acknowledge").await;
    channels.run().await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge"]);
    let [_, acknowledged] = channels.receivers.of(PAGER_HOST).try_into().unwrap();
    let payload: &Value = &acknowledged.json["payload"];
    assert_eq!(payload["summary"], "CRITICAL billing: invoice_sync_failed");
    assert_eq!(payload["custom_details"]["State"], "acknowledged");
    channels.run_every_minute(3).await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge"]);
    assert_eq!(channels.open_alerts().await, [format!("{ID} acknowledged")]);

    channels.change("resolve").await;
    channels.run().await;
    channels.run_every_minute(3).await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge", "resolve"]);
    assert!(channels.open_alerts().await.is_empty());
    assert_eq!(channels.results(ID).await.len(), 3, "the attempts are in the timeline");
}

#[tokio::test]
async fn resolution_without_an_acknowledgement_reaches_the_pager() {
    let channels = Channels::with_alert().await;
    channels.change("acknowledge").await;
    channels.change("resolve").await;
    channels.run_every_minute(2).await;
    assert_eq!(channels.alerts(), ["trigger", "resolve"], "the pager does not need both");
}

#[tokio::test]
async fn change_that_the_pager_does_not_accept_now_is_tried_again_once() {
    let channels = Channels::with_alert().await;
    channels.change("acknowledge").await;
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(500), Answer::Nothing, Answer::Status(202)]);
    for _ in 0..6 {
        channels.run().await;
        channels.world.clock.advance(20);
    }
    assert_eq!(channels.alerts(), ["trigger", "acknowledge", "acknowledge", "acknowledge"]);
}

#[tokio::test]
async fn changes_while_the_pager_fails_reach_it_in_order_and_only_once() {
    let channels = Channels::with_alert().await;
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(500)]);
    channels.change("acknowledge").await;
    channels.run_every_minute(5).await;
    channels.change("resolve").await;
    channels.run_every_minute(5).await;
    let before = channels.alerts().len();
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(202)]);
    channels.run_every_minute(20).await;
    assert_eq!(channels.alerts()[before..], ["acknowledge", "resolve"]);
    assert!(channels.open_alerts().await.is_empty());
}

/// The pager did not accept the alert before the incident was acknowledged.
#[tokio::test]
async fn alert_that_is_delivered_late_is_acknowledged_in_the_next_run() {
    let channels = Channels::with(&[PAGER]).await;
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(500), Answer::Status(202)]);
    channels.report().await;
    channels.change("acknowledge").await;
    channels.run_every_minute(2).await;
    assert_eq!(channels.alerts(), ["trigger", "trigger", "acknowledge"]);
}

#[tokio::test]
async fn refused_change_is_given_up_at_once_and_not_repeated() {
    let channels = Channels::with_alert().await;
    channels.change("acknowledge").await;
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(400)]);
    channels.run_every_minute(5).await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge"]);
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(202)]);
    channels.change("resolve").await;
    channels.run_every_minute(5).await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge", "resolve"]);
}

#[tokio::test]
async fn incident_that_is_reopened_triggers_its_alert_again_and_is_resolved_again() {
    let channels = Channels::with_alert().await;
    channels.change("resolve").await;
    channels.run().await;
    assert_eq!(channels.alerts(), ["trigger", "resolve"]);
    channels.change("reopen").await;
    channels.report().await;
    // The notification about the event after it was reopened.
    for _ in 0..10 {
        channels.world.sweep_every_minute(1).await;
        channels.relay_published().await;
        channels.run().await;
    }
    assert_eq!(channels.alerts(), ["trigger", "resolve", "trigger"]);
    channels.change("resolve").await;
    channels.run_every_minute(2).await;
    assert_eq!(channels.alerts(), ["trigger", "resolve", "trigger", "resolve"]);
}

#[tokio::test]
async fn incident_that_is_reopened_before_the_pager_knows_of_its_resolution_stays_open_in_it() {
    let channels = Channels::with_alert().await;
    channels.change("acknowledge").await;
    channels.run().await;
    channels.change("resolve").await;
    channels.change("reopen").await;
    channels.run_every_minute(3).await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge", "trigger"]);
    channels.change("acknowledge").await;
    channels.run_every_minute(3).await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge", "trigger", "acknowledge"]);
}

/// As after a downgrade: rows of a later version.
#[tokio::test]
async fn unreadable_alert_or_incident_hides_no_other() {
    let channels = Channels::with_alert().await;
    let world = &channels.world;
    let alert = json!({
        "scope": { "S": PAGER }, "id": { "S": "alert#a" }, "v": { "N": "1" }, "incident": { "L": [] },
    });
    world.dynamodb.call("PutItem", &json!({ "TableName": "Deliveries", "Item": alert }));
    channels.change("acknowledge").await;
    channels.run().await;
    assert_eq!(channels.alerts(), ["trigger", "acknowledge"]);

    // The incident of another alert cannot be read.
    world.post(&event("billing", "a_later_problem", "CRITICAL")).await;
    channels.relay_published().await;
    let incident = world.list_incidents("").await.into_iter().find(|it| it["eventType"] == "a_later_problem").unwrap();
    let opened_at = incident["openedAt"].as_str().unwrap();
    let update = json!({
        "TableName": "Incidents",
        "Key": { "fingerprint": { "S": "billing#a_later_problem" }, "opened_at": { "S": opened_at } },
        "UpdateExpression": "SET severity = :later, event_count = :later",
        "ExpressionAttributeValues": { ":later": { "M": {} } },
    });
    world.dynamodb.call("UpdateItem", &update);
    let path = format!("/api/governance/incidents/{ID}/resolve");
    assert_eq!(world.post_json(&path, &json!({})).await.status, 200);
    channels.run().await;
    let last = channels.receivers.of(PAGER_HOST).pop().unwrap();
    assert_eq!((&last.json["event_action"], &last.json["dedup_key"]), (&json!("resolve"), &json!(format!("age/{ID}"))));
}

#[tokio::test]
async fn alert_of_an_incident_that_has_expired_is_resolved() {
    let channels = Channels::with(&[PAGER]).await;
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    channels.run_every_minute(3).await;
    let events = channels.receivers.of(PAGER_HOST);
    let actions: Vec<_> = events.iter().map(|it| it.json["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert!(channels.open_alerts().await.is_empty());
}

/// The alerts of a removed channel are another pager's.
#[tokio::test]
async fn pager_with_the_name_of_a_removed_one_gets_nothing_of_its_alerts() {
    let channels = Channels::with_alert().await;
    channels.change("acknowledge").await;
    channels.world.clock.advance(HOUR);
    channels.world.send("DELETE", &format!("{CHANNELS}/{PAGER}"), &[], b"").await;
    channels.create(&channel(PAGER)).await;
    channels.run_every_minute(3).await;
    assert_eq!(channels.alerts(), ["trigger"]);
    assert!(channels.open_alerts().await.is_empty());
}
