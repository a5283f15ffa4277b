//! Results of responses: delivered, tried again later, or given up; in order, and without delay for other channels.

use std::sync::Arc;
use std::time::Duration;

use age_model::Timestamp;
use serde_json::json;
use tokio::sync::Notify;

use super::{
    Channels, HOOK, HOOK_HOST, HOUR, MINUTE, PAGER, PAGER_HOST, SLACK, SLACK_HOST, incident_id, numbers, slack_titles,
};
use crate::world::receivers::{Answer, ReceivedRequest};

const DAY: i64 = 24 * HOUR;

fn seconds_between(requests: &[ReceivedRequest]) -> Vec<u64> {
    requests.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_secs()).collect()
}

fn owned(results: &[(&str, &str)]) -> Vec<(String, String)> {
    results.iter().map(|(result, detail)| ((*result).to_owned(), (*detail).to_owned())).collect()
}

#[tokio::test]
async fn throttled_message_is_not_tried_before_the_receiver_allows_it() {
    let channels = Channels::with(&[HOOK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::RetryAfter(429, 90), Answer::Status(200)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    let start = channels.now();
    for millis in [0, 1_000, 60_000, 89_999] {
        channels.world.clock.set(start.plus_millis(millis));
        channels.run().await;
        assert_eq!(channels.receivers.of(HOOK_HOST).len(), 1, "after {millis} ms");
    }
    channels.world.clock.set(start.plus_millis(90_000));
    channels.run().await;
    let [first, second] = channels.receivers.of(HOOK_HOST).try_into().unwrap();
    assert_eq!((&first.body, &first.headers["webhook-id"]), (&second.body, &second.headers["webhook-id"]));
    assert_ne!(first.headers["webhook-timestamp"], second.headers["webhook-timestamp"], "signed anew");
    assert_eq!(second.headers["webhook-signature"], super::forms::signature(&second, &[super::SECRET]));
    assert_eq!(channels.results(&incident_id(0)).await, owned(&[("failed", "429"), ("delivered", "200")]));
    assert_eq!(channels.pending(HOOK).await, []);
}

#[tokio::test]
async fn failed_message_is_tried_after_growing_pauses_until_it_is_delivered() {
    let channels = Channels::with(&[HOOK]).await;
    let failures = [500, 502, 503, 408, 425, 500].map(Answer::Status);
    channels.receivers.answer(HOOK_HOST, &[&failures[..], &[Answer::Status(202)]].concat());
    channels.queue_numbers(0..1).await;
    for _ in 0..HOUR {
        channels.work_off().await;
        if channels.pending(HOOK).await.is_empty() {
            break;
        }
        channels.world.clock.advance(1);
    }
    let requests = channels.receivers.of(HOOK_HOST);
    let pauses = seconds_between(&requests);
    assert_eq!(pauses.len(), 6, "{pauses:?}");
    for (pause, longest) in pauses.iter().zip([5, 15, 45, 135, 405, 900]) {
        assert!((longest * 3 / 4..=longest).contains(pause), "{pauses:?}");
    }
    assert!(requests.iter().all(|it| it.headers["webhook-id"] == requests[0].headers["webhook-id"]));
    assert!(requests.iter().all(|it| it.body == requests[0].body));
    let results = channels.results(&incident_id(0)).await;
    let details: Vec<&str> = results.iter().map(|(_, detail)| detail.as_str()).collect();
    assert_eq!(details, ["500", "502", "503", "408", "425", "500", "202"]);
    assert_eq!(channels.show(HOOK).await.json.get("failingSince"), None, "it has recovered");
    // The next failure begins with a short pause.
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
    channels.queue_numbers(1..2).await;
    channels.work_off().await;
    channels.world.clock.advance(5);
    channels.work_off().await;
    assert_eq!(channels.receivers.of(HOOK_HOST).len(), requests.len() + 2);
}

#[tokio::test]
async fn message_without_a_response_is_tried_again() {
    let channels = Channels::with(&[HOOK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Nothing, Answer::Status(200)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    channels.world.clock.advance(5);
    channels.work_off().await;
    let expected = owned(&[("failed", "no response within 10 seconds"), ("delivered", "200")]);
    assert_eq!(channels.results(&incident_id(0)).await, expected);
    let [first, second] = channels.receivers.of(HOOK_HOST).try_into().unwrap();
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"]);
}

#[tokio::test]
async fn refused_message_is_given_up_at_once_and_the_next_goes_out() {
    for status in [301, 400, 401, 403, 404, 410] {
        let channels = Channels::with(&[HOOK]).await;
        channels.receivers.answer(HOOK_HOST, &[Answer::Status(status), Answer::Status(204)]);
        channels.queue_numbers(0..2).await;
        channels.work_off().await;
        assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), [0, 1]);
        let status = status.to_string();
        assert_eq!(channels.results(&incident_id(0)).await, owned(&[("given_up", status.as_str())]));
        assert_eq!(channels.results(&incident_id(1)).await, owned(&[("delivered", "204")]));
        assert_eq!(channels.show(HOOK).await.json.get("failingSince"), None);
        channels.run_every_minute(3).await;
        assert_eq!(channels.receivers.of(HOOK_HOST).len(), 2);
    }
}

#[tokio::test]
async fn message_is_given_up_after_a_day_and_not_before() {
    let channels = Channels::with(&[HOOK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(503)]);
    channels.queue_numbers(0..1).await;
    let start = channels.now();
    while channels.now() < start.plus_seconds(DAY - MINUTE) {
        channels.world.clock.advance(5 * MINUTE);
        channels.run().await;
    }
    let results = channels.results(&incident_id(0)).await;
    assert!(results.len() > 60 && results.iter().all(|(result, _)| result == "failed"), "{results:?}");
    assert_eq!(channels.pending(HOOK).await.len(), 1);
    channels.world.clock.advance(20 * MINUTE);
    channels.run().await;
    let (result, _) = channels.results(&incident_id(0)).await.pop().unwrap();
    assert_eq!((result.as_str(), channels.pending(HOOK).await), ("given_up", vec![]));
    let since = channels.show(HOOK).await.text("/failingSince").parse::<Timestamp>().unwrap();
    assert!(since <= start.plus_seconds(5 * MINUTE), "it fails all the same");

    channels.receivers.answer(HOOK_HOST, &[Answer::Status(200)]);
    channels.queue_numbers(1..2).await;
    channels.world.clock.advance(20 * MINUTE);
    channels.run().await;
    assert_eq!(channels.results(&incident_id(1)).await, owned(&[("delivered", "200")]));
}

/// Messages of a chat are combined, and only those of a day are given up.
#[tokio::test]
async fn old_message_takes_no_younger_one_with_it() {
    let channels = Channels::with(&[SLACK]).await;
    channels.receivers.answer(SLACK_HOST, &[Answer::Status(503)]);
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    channels.world.clock.advance(DAY - HOUR);
    channels.queue_numbers(1..8).await;
    channels.world.clock.advance(HOUR);
    channels.work_off().await;
    let [old, young] = [0, 1].map(incident_id);
    assert_eq!(channels.results(&old).await.pop(), owned(&[("given_up", "503")]).pop());
    assert_eq!(channels.results(&young).await, owned(&[("failed", "503")]));
    channels.receivers.answer(SLACK_HOST, &[Answer::Status(200)]);
    channels.world.clock.advance(HOUR);
    channels.work_off().await;
    assert_eq!(
        slack_titles(&channels.receivers.of(SLACK_HOST)).pop(),
        Some("7 incidents with 7 new events: 7 CRITICAL")
    );
}

#[tokio::test]
async fn channel_that_fails_for_a_day_gives_up_old_messages_without_a_request_for_each() {
    let channels = Channels::with(&[HOOK]).await;
    channels.receivers.answer(HOOK_HOST, &[Answer::RetryAfter(503, 600)]);
    channels.queue_numbers(0..20).await;
    channels.work_off().await;
    channels.world.clock.advance(DAY);
    channels.queue_numbers(20..21).await;
    channels.work_off().await;
    assert_eq!(channels.receivers.of(HOOK_HOST).len(), 2, "the channel asked to wait");
    assert_eq!(channels.pending(HOOK).await.len(), 1, "the message of today");
    for number in 0..20 {
        let (result, detail) = channels.results(&incident_id(number)).await.pop().unwrap();
        assert_eq!((result.as_str(), detail.as_str()), ("given_up", "503"), "{number}");
    }
    channels.receivers.answer(HOOK_HOST, &[Answer::Status(200)]);
    channels.world.clock.advance(600);
    channels.work_off().await;
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), [0, 0, 20]);
}

#[tokio::test]
async fn messages_are_delivered_in_order_after_failures() {
    let channels = Channels::with(&[HOOK]).await;
    let answers = [500, 200, 500, 500, 200].map(Answer::Status);
    channels.receivers.answer(HOOK_HOST, &answers);
    channels.queue_numbers(0..2).await;
    channels.work_off().await;
    channels.queue_numbers(2..4).await;
    channels.run_every_minute(5).await;
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), [0, 0, 1, 1, 1, 2, 3]);
}

/// Number 1 is older than number 0, which was queued before it.
#[tokio::test]
async fn message_that_is_queued_late_has_its_place_in_the_order() {
    let channels = Channels::with(&[HOOK]).await;
    channels.world.clock.advance(10);
    let now = channels.now();
    channels.relay.queue(&super::incident_message(0), now).await.unwrap();
    channels.relay.queue(&super::incident_message(1), now.plus_seconds(-5)).await.unwrap();
    channels.work_off().await;
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), [1, 0]);
}

#[tokio::test]
async fn channel_that_does_not_respond_delays_no_other() {
    let channels = Channels::with(&[SLACK, HOOK, PAGER]).await;
    let released = Arc::new(Notify::new());
    channels.receivers.answer(SLACK_HOST, &[Answer::Held(Arc::clone(&released), 200)]);
    channels.receivers.answer(PAGER_HOST, &[Answer::Status(503)]);
    channels.queue_numbers(0..3).await;
    let others = async {
        while channels.receivers.of(HOOK_HOST).len() < 3 || channels.receivers.of(PAGER_HOST).is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let slack = channels.receivers.of(SLACK_HOST).len();
        channels.receivers.answer(SLACK_HOST, &[Answer::Status(200)]);
        released.notify_one();
        slack
    };
    let both = async { tokio::join!(channels.work_off(), others) };
    let ((), slack) = tokio::time::timeout(Duration::from_secs(20), both).await.expect("the others are not delayed");
    assert_eq!(slack, 1, "its first message had no response yet");
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), [0, 1, 2]);
    assert_eq!(channels.receivers.of(SLACK_HOST).len(), 3);
}

/// As after a downgrade: a row of a later version.
#[tokio::test]
async fn unreadable_delivery_hides_no_other() {
    for name in [SLACK, HOOK] {
        let channels = Channels::with(&[name]).await;
        let row = json!({
            "scope": { "S": name }, "id": { "S": "pending#2026-11-23T00:00:00.000Z#later" }, "v": { "N": "99" },
            "queued_at": { "M": {} },
        });
        let put = json!({ "TableName": "Deliveries", "Item": row });
        channels.world.dynamodb.call("PutItem", &put);
        channels.queue_numbers(0..2).await;
        channels.work_off().await;
        assert_eq!(channels.receivers.all().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn unreadable_lane_begins_anew_and_hides_no_other_channel() {
    let channels = Channels::with(&[SLACK, HOOK]).await;
    let row = json!({
        "scope": { "S": HOOK }, "id": { "S": "lane" }, "v": { "N": "1" }, "failures": { "S": "many" },
        "retry_at": { "S": "2026-11-23T00:00:00.000Z" },
    });
    channels.world.dynamodb.call("PutItem", &json!({ "TableName": "Deliveries", "Item": row }));
    assert_eq!(channels.world.get(super::CHANNELS).await.list("/channels").len(), 2);
    channels.queue_numbers(0..1).await;
    channels.run().await;
    assert_eq!((channels.receivers.of(SLACK_HOST).len(), channels.receivers.of(HOOK_HOST).len()), (1, 1));
    assert_eq!(channels.show(HOOK).await.text("/lastDelivery/result"), "delivered");
}

/// A delivery whose content is of a later version is among those of a combined message.
#[tokio::test]
async fn unreadable_content_is_given_up_alone() {
    let channels = Channels::with(&[SLACK]).await;
    channels.queue_numbers(0..7).await;
    let mut unreadable = channels.pending(SLACK).await[3].clone();
    channels.world.deliveries().remove(&unreadable).await.unwrap();
    unreadable.content = json!({ "message": { "later": 1 } }).to_string();
    channels.world.deliveries().add(&unreadable).await.unwrap();
    for _ in 0..3 {
        channels.work_off().await;
        channels.world.clock.advance(MINUTE);
    }
    assert_eq!(channels.pending(SLACK).await, []);
    for number in 0..7 {
        let expected =
            if number == 3 { ("given_up", "the stored delivery cannot be read") } else { ("delivered", "200") };
        assert_eq!(channels.results(&incident_id(number)).await, owned(&[expected]), "{number}");
    }
}
