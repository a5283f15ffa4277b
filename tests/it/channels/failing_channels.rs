//! A channel that fails is a message on the others.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use super::{
    CHANNELS, Channels, HOOK, HOOK_HOST, HOUR, MINUTE, PAGER, PAGER_HOST, SLACK, SLACK_HOST, TEAMS, TEAMS_HOST,
    channel, slack_titles, with,
};
use crate::world::receivers::Answer;

const ALERT: &str = "Channel hook fails";

/// Returns how many messages that the webhook fails a host got.
fn alerts(channels: &Channels, host: &str) -> usize {
    let is_alert = |body: &[u8]| String::from_utf8_lossy(body).contains(ALERT);
    channels.receivers.of(host).iter().filter(|request| is_alert(&request.body)).count()
}

#[tokio::test]
async fn channel_that_fails_for_a_quarter_of_an_hour_is_reported_once_on_the_others() {
    let channels = Channels::with(&[HOOK, SLACK, TEAMS, PAGER]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500), Answer::Status(502)]);
    channels.queue_numbers(0..1).await;
    let others = [SLACK_HOST, TEAMS_HOST, PAGER_HOST];
    channels.run().await;
    channels.run_every_minute(14).await;
    assert_eq!(others.map(|host| alerts(&channels, host)), [0; 3]);
    channels.run_every_minute(2).await;
    assert_eq!(others.map(|host| alerts(&channels, host)), [1; 3]);
    let text = slack_titles(&channels.receivers.of(SLACK_HOST)).join("\n");
    assert_eq!(text, "CRITICAL billing: order_0_failed\nChannel hook fails");
    let body = String::from_utf8(channels.receivers.of(SLACK_HOST)[1].body.clone()).unwrap();
    assert!(body.contains("has accepted no message since") && body.contains("The latest response: 502."), "{body}");
    assert!(body.contains("agectl channel show hook"), "{body}");
    channels.run_every_minute(5 * 60).await;
    assert_eq!(others.map(|host| alerts(&channels, host)), [1; 3]);
    assert_eq!(alerts(&channels, HOOK_HOST), 0, "not on itself");
}

#[tokio::test]
async fn channel_that_fails_again_after_it_recovered_is_reported_again() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    for (round, number) in (1..=2).zip(0..) {
        channels.receivers.answer(HOOK_HOST, &[Answer::Nothing]);
        channels.queue_numbers(number..number + 1).await;
        channels.run_every_minute(40).await;
        assert_eq!(alerts(&channels, SLACK_HOST), round);
        channels.receivers.answer(HOOK_HOST, &[Answer::Status(200)]);
        channels.run_every_minute(20).await;
        assert_eq!(channels.show(HOOK).await.json.get("failingSince"), None);
    }
    assert_eq!(alerts(&channels, SLACK_HOST), 2);
}

#[tokio::test]
async fn short_failure_is_not_reported() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    let failures = [Answer::Status(500), Answer::Nothing, Answer::Status(503), Answer::Status(200)];
    channels.receivers.answer(HOOK_HOST, &failures);
    channels.queue_numbers(0..1).await;
    channels.run_every_minute(60).await;
    assert_eq!((channels.receivers.of(HOOK_HOST).len(), alerts(&channels, SLACK_HOST)), (4, 0));
}

#[tokio::test]
async fn two_failing_channels_are_reported_on_each_other_and_on_the_third() {
    let channels = Channels::with(&[HOOK, SLACK, TEAMS]).await;
    for host in [HOOK_HOST, SLACK_HOST] {
        channels.receivers.answer(host, &[Answer::Status(500)]);
    }
    channels.queue_numbers(0..1).await;
    channels.run_every_minute(30).await;
    let bodies: Vec<String> =
        channels.receivers.of(TEAMS_HOST).into_iter().map(|it| String::from_utf8(it.body).unwrap()).collect();
    for alert in [ALERT, "Channel slack fails"] {
        assert_eq!(bodies.iter().filter(|body| body.contains(alert)).count(), 1, "{alert}");
    }
    for host in [HOOK_HOST, SLACK_HOST] {
        channels.receivers.answer(host, &[Answer::Status(200)]);
    }
    channels.run_every_minute(30).await;
    assert_eq!(alerts(&channels, SLACK_HOST), 1, "it gets the message when it has recovered");
}

#[tokio::test]
async fn only_channel_is_retried_although_nobody_can_be_notified() {
    let channels = Channels::with(&[HOOK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    channels.queue_numbers(0..1).await;
    channels.run_every_minute(30).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(200)]);
    channels.run_every_minute(20).await;
    assert_eq!(channels.pending(HOOK).await, []);
}

#[tokio::test]
async fn channel_that_wants_no_messages_about_age_gets_none() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    let filter = json!({ "name": "incidents", "messages": ["incident"], "url": "https://incidents.example.com/1" });
    channels.create(&with(channel(SLACK), &filter)).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    channels.queue_numbers(0..1).await;
    channels.run_every_minute(30).await;
    assert_eq!((alerts(&channels, SLACK_HOST), alerts(&channels, "incidents.example.com")), (1, 0));
}

/// A run notifies people while another sender has the lane of the channel.
#[tokio::test]
async fn sender_that_ends_after_people_were_notified_does_not_undo_it() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    channels.world.clock.advance(16 * MINUTE);
    let released = Arc::new(Notify::new());
    channels.receivers.answer(HOOK_HOST, &[Answer::Held(Arc::clone(&released), 500)]);
    let sender = channels.world.relay(&channels.receivers);
    let run = async {
        while channels.receivers.of(HOOK_HOST).len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        channels.run().await;
        released.notify_one();
    };
    let (sent, ()) = tokio::join!(sender.work_off(), run);
    sent.unwrap();
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    assert_eq!(alerts(&channels, SLACK_HOST), 1);
    channels.run_every_minute(60).await;
    assert_eq!(alerts(&channels, SLACK_HOST), 1);
}

#[tokio::test]
async fn channel_that_is_created_while_another_fails_is_notified_of_it() {
    let channels = Channels::with(&[HOOK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    channels.queue_numbers(0..1).await;
    channels.run_every_minute(10).await;
    channels.create(&channel(SLACK)).await;
    channels.run_every_minute(10).await;
    assert_eq!(alerts(&channels, SLACK_HOST), 1);
    assert_eq!(channels.receivers.of(SLACK_HOST).len(), 1, "nothing from before it was created");
}

#[tokio::test]
async fn paused_channel_that_failed_is_not_reported() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    channels.world.send("POST", &format!("{CHANNELS}/{HOOK}/pause"), &[], b"").await;
    channels.world.clock.advance(HOUR);
    channels.run().await;
    assert_eq!(alerts(&channels, SLACK_HOST), 0);
}

/// As after the key was disabled, or a row was copied: each channel has the target of the other.
#[tokio::test]
async fn channel_whose_target_cannot_be_decrypted_fails_until_it_gets_another() {
    let channels = Channels::with(&[HOOK, SLACK]).await;
    let table =
        |name: &str| json!({ "TableName": "Channels", "Key": { "kind": { "S": "channel" }, "name": { "S": name } } });
    let target = channels.world.dynamodb.call("GetItem", &table(SLACK))["Item"]["target"].clone();
    let mut update = table(HOOK);
    update["UpdateExpression"] = json!("SET target = :target");
    update["ExpressionAttributeValues"] = json!({ ":target": target });
    channels.world.dynamodb.call("UpdateItem", &update);
    channels.queue_numbers(0..1).await;
    channels.run().await;
    channels.run_every_minute(16).await;
    assert!(channels.receivers.of(HOOK_HOST).is_empty(), "nothing goes to another channel's address");
    assert_eq!(alerts(&channels, SLACK_HOST), 1);
    assert_eq!(channels.show(HOOK).await.text("/lastDelivery/detail"), "its target cannot be decrypted");

    let rotated = json!({ "url": format!("https://{HOOK_HOST}/age/new"), "secrets": [super::SECRET] });
    let answer = channels.world.post_json(&format!("{CHANNELS}/{HOOK}/rotate"), &rotated).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    channels.run_every_minute(20).await;
    assert_eq!(channels.receivers.of(HOOK_HOST).len(), 1);
    assert_eq!(channels.show(HOOK).await.json.get("failingSince"), None);
}
