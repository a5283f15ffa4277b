//! The lifecycle of channels, and the secrecy of their targets.

use std::io;
use std::sync::{Arc, Mutex};

use age_model::DeliveryResult;
use serde_json::{Value, json};
use tracing_subscriber::util::SubscriberInitExt;

use super::{CHANNELS, Channels, HOOK, HOOK_HOST, NAMES, PAGER, ROUTING_KEY, SECRET, SLACK, SLACK_HOST, channel, with};
use crate::world::receivers::Answer;
use crate::world::test_credentials::{ADMIN, TESTS};

/// The secrets that must be nowhere: a part of every address, the integration key, and the secret.
const SECRETS: [&str; 3] = ["Secret-path", ROUTING_KEY, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

/// The other secret of a rotation.
const NEW_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn channel_is_created_listed_paused_resumed_and_removed() {
    let channels = Channels::with(&[]).await;
    let world = &channels.world;
    let filter = json!({ "severities": ["CRITICAL", "HIGH"], "engines": ["qa"], "messages": ["system", "incident"] });
    let created = world.as_caller(ADMIN).post_json(CHANNELS, &with(channel(SLACK), &filter)).await;
    assert_eq!(
        (created.status, created.header("location")),
        (201, Some("/api/governance/channels/slack")),
        "{created:?}"
    );
    assert_eq!(
        created.json,
        json!({
            "name": "slack", "kind": "slack", "host": SLACK_HOST, "severities": ["HIGH", "CRITICAL"], "engines": ["qa"],
            "messages": ["incident", "system"], "status": "active", "createdAt": "2026-11-23T00:05:00.000Z",
            "createdBy": ADMIN,
        })
    );
    let pager = channels.create(&channel(PAGER)).await;
    assert_eq!((pager.text("/host"), pager.text("/createdBy")), ("events.pagerduty.com", TESTS));
    assert_eq!(channels.show(SLACK).await.json, created.json);
    let listed = world.get(CHANNELS).await;
    assert_eq!(listed.json, json!({ "channels": [pager.json, created.json] }));

    for (change, status) in [("pause", "paused"), ("pause", "paused"), ("resume", "active"), ("resume", "active")] {
        let changed = world.send("POST", &format!("{CHANNELS}/{SLACK}/{change}"), &[], b"").await;
        assert_eq!((changed.status, changed.text("/status")), (200, status), "{changed:?}");
        assert_eq!(channels.show(SLACK).await.json, changed.json);
    }
    let removed = world.send("DELETE", &format!("{CHANNELS}/{SLACK}"), &[], b"").await;
    assert_eq!((removed.status, &removed.json), (200, &created.json));
    assert_eq!(world.get(CHANNELS).await.list("/channels").len(), 1);
    for (method, path) in
        [("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/test"), ("POST", "/rotate")]
    {
        let path = format!("{CHANNELS}/{SLACK}{path}");
        let json = [("Content-Type", "application/json")];
        let missing = world.send(method, &path, &json, br#"{"url":"https://hooks.example.com/1"}"#).await;
        assert_eq!((missing.status, missing.text("/detail")), (404, "channel slack does not exist"), "{path}");
    }
    assert_eq!(channels.create(&channel(SLACK)).await.status, 201, "the name is free again");
}

#[tokio::test]
async fn european_pagerduty_gets_messages_at_its_own_address() {
    let channels = Channels::with(&[]).await;
    channels.create(&with(channel(PAGER), &json!({ "region": "eu" }))).await;
    assert_eq!(channels.show(PAGER).await.text("/host"), "events.eu.pagerduty.com");
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    assert_eq!(channels.receivers.of("events.eu.pagerduty.com").len(), 1);
}

#[tokio::test]
async fn paused_channel_gets_nothing_until_it_is_resumed() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    let change = async |change: &str| {
        let changed = channels.world.send("POST", &format!("{CHANNELS}/{HOOK}/{change}"), &[], b"").await;
        assert_eq!(changed.status, 200, "{changed:?}");
    };
    // Number 0 is pending when the channel is paused. Number 1 is published meanwhile.
    channels.queue_numbers(0..1).await;
    change("pause").await;
    channels.queue_numbers(1..2).await;
    channels.run().await;
    let of = |host: &str| channels.receivers.of(host).len();
    assert_eq!((of(HOOK_HOST), of(SLACK_HOST)), (0, 2));
    change("resume").await;
    channels.queue_numbers(2..3).await;
    channels.run().await;
    assert_eq!(super::numbers(&channels.receivers.of(HOOK_HOST)), [0, 2]);
}

#[tokio::test]
async fn test_message_reaches_its_channel_alone_and_shows_its_result() {
    let channels = Channels::with(&NAMES).await;
    let filter = json!({ "name": "chat", "messages": ["report"], "severities": ["LOW"] });
    channels.create(&with(channel(SLACK), &filter)).await;
    for (name, host) in [("chat", SLACK_HOST), (PAGER, super::PAGER_HOST), (HOOK, HOOK_HOST)] {
        let before = channels.receivers.all().len();
        let tested = channels.world.as_caller(ADMIN).send("POST", &format!("{CHANNELS}/{name}/test"), &[], b"").await;
        assert_eq!((tested.status, tested.text("/name")), (202, name), "{tested:?}");
        assert_eq!(tested.json.get("lastDelivery"), None);
        channels.relay_published().await;
        let [request] = channels.receivers.all()[before..].to_vec().try_into().unwrap();
        let text = String::from_utf8(request.body).unwrap();
        assert_eq!(request.host, host);
        assert!(text.contains(&format!("Test of channel {name}")) && text.contains(ADMIN), "{text}");
        let shown = channels.show(name).await;
        let at = channels.now().to_string();
        assert_eq!(
            shown.json["lastDelivery"],
            json!({ "at": at, "result": DeliveryResult::Delivered.as_str(), "detail": "200" })
        );
    }
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(503)]);
    let path = format!("{CHANNELS}/{HOOK}/test");
    channels.world.send("POST", &path, &[], b"").await;
    channels.world.clock.advance(1);
    channels.relay_published().await;
    let shown = channels.show(HOOK).await;
    assert_eq!((shown.text("/lastDelivery/result"), shown.text("/lastDelivery/detail")), ("failed", "503"));
    assert_eq!(shown.text("/failingSince"), channels.now().to_string());
    channels.world.send("POST", &format!("{CHANNELS}/{HOOK}/pause"), &[], b"").await;
    let paused = channels.world.send("POST", &path, &[], b"").await;
    assert_eq!((paused.status, paused.text("/detail")), (409, "channel hook is paused; resume it first"));
}

#[tokio::test]
async fn test_of_a_channel_is_a_503_while_the_topic_of_the_relay_fails() {
    let channels = Channels::with(&[HOOK]).await;
    channels.world.sns.set_refusing(true);
    let tested = channels.world.send("POST", &format!("{CHANNELS}/{HOOK}/test"), &[], b"").await;
    assert_eq!((tested.status, tested.header("retry-after")), (503, Some("2")), "{tested:?}");
}

#[tokio::test]
async fn rotated_webhook_is_signed_with_both_secrets_and_then_with_the_new_one() {
    let channels = Channels::with(&[HOOK]).await;
    let path = format!("{CHANNELS}/{HOOK}/rotate");
    let url = "https://other.example.com/age";
    for (number, secrets) in [vec![NEW_SECRET, SECRET], vec![NEW_SECRET]].into_iter().enumerate() {
        let rotated = channels.world.post_json(&path, &json!({ "url": url, "secrets": secrets })).await;
        assert_eq!((rotated.status, rotated.text("/host")), (200, "other.example.com"), "{rotated:?}");
        channels.queue_numbers(0..1).await;
        channels.work_off().await;
        let request = channels.receivers.of("other.example.com")[number].clone();
        assert_eq!(request.headers["webhook-signature"], super::forms::signature(&request, &secrets));
        assert_eq!(request.headers["webhook-signature"].split(' ').count(), secrets.len());
    }
    assert_eq!(channels.receivers.of(HOOK_HOST).len(), 0);
}

/// A channel is rotated because it fails: people do not wait for its next attempt.
#[tokio::test]
async fn rotated_channel_is_tried_at_once() {
    let channels = Channels::with(&[SLACK]).await;
    channels.receivers.answer(SLACK_HOST, &[Answer::RetryAfter(429, 3600)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    let url = json!({ "url": "https://other.example.com/services/T1" });
    let rotated = channels.world.post_json(&format!("{CHANNELS}/{SLACK}/rotate"), &url).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    channels.work_off().await;
    assert_eq!(channels.receivers.of("other.example.com").len(), 1);
}

#[tokio::test]
async fn channel_with_the_name_of_a_removed_one_inherits_nothing_of_it() {
    let channels = Channels::with(&[SLACK, HOOK]).await;
    channels.receivers.answer(SLACK_HOST, &[Answer::RetryAfter(503, 3600)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    channels.world.clock.advance(20 * super::MINUTE);
    channels.world.send("DELETE", &format!("{CHANNELS}/{SLACK}"), &[], b"").await;
    let url = json!({ "url": "https://other.example.com/services/T1" });
    let created = channels.create(&with(channel(SLACK), &url)).await;
    assert_eq!((created.json.get("lastDelivery"), created.json.get("failingSince")), (None, None));
    assert_eq!(channels.show(SLACK).await.json, created.json);
    channels.queue_numbers(1..2).await;
    channels.run().await;
    let received = channels.receivers.of("other.example.com");
    assert_eq!(super::slack_titles(&received), ["CRITICAL billing: order_1_failed"], "it does not get number 0");
    assert_eq!(super::numbers(&channels.receivers.of(HOOK_HOST)), [0, 1], "nobody is notified that it fails");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn target_is_in_no_response_row_or_log_line() {
    let channels = Channels::with(&[]).await;
    let log = Log::default();
    let writer = log.clone();
    // With one subscriber alone, a line that another test's thread reaches first is disabled for all threads.
    let _other = tracing_subscriber::fmt().with_writer(io::sink).set_default();
    let _guard = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(move || writer.clone())
        .set_default();
    for name in NAMES {
        assert_no_secret(&channels.create(&channel(name)).await.body);
        let target: Value = match name {
            PAGER => json!({ "routingKey": ROUTING_KEY }),
            HOOK => json!({ "url": "https://hook.example.com/age/Secret-path", "secrets": [SECRET, NEW_SECRET] }),
            _ => json!({ "url": "https://slack.example.com/Secret-path" }),
        };
        let path = format!("{CHANNELS}/{name}");
        let world = &channels.world;
        assert_no_secret(&world.post_json(&format!("{path}/rotate"), &target).await.body);
        for change in ["pause", "resume", "test"] {
            assert_no_secret(&world.send("POST", &format!("{path}/{change}"), &[], b"").await.body);
        }
        let again = world.post_json(CHANNELS, &channel(name)).await;
        assert_eq!((again.status, again.text("/detail").contains("exists")), (409, true), "{again:?}");
        assert_no_secret(&again.body);
        let refused = world.post_json(CHANNELS, &with(channel(name), &json!({ "region": "moon", "x": 1 }))).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_no_secret(&refused.body);
        assert_no_secret(&channels.show(name).await.body);
    }
    channels.receivers.answer(SLACK_HOST, &[Answer::Nothing]);
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(404)]);
    channels.relay_published().await;
    channels.world.clock.advance(20 * super::MINUTE);
    channels.queue_numbers(0..1).await;
    channels.run().await;
    assert_no_secret(&channels.world.get(CHANNELS).await.body);
    for table in ["Channels", "Deliveries"] {
        let rows = channels.world.dynamodb.call("Scan", &json!({ "TableName": table }));
        assert!(rows["Count"].as_u64() >= Some(4), "{rows}");
        assert_no_secret(&rows.to_string());
    }
    for request in channels.receivers.all() {
        let secrets = if request.host == super::PAGER_HOST { &SECRETS[..1] } else { &SECRETS[..] };
        let text = String::from_utf8(request.body).unwrap();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in ["message to channel slack: failed", "message to channel hook: given_up, 404", "channels responded 201"]
    {
        assert!(log.contains(line), "{line}");
    }
    assert_no_secret(&log);
}
