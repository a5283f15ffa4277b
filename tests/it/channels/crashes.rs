//! Crashes of the relay at every call of DynamoDB, and two relays at the same time.

use std::sync::Arc;
use std::time::Duration;

use age_governance::Relay;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{CHANNELS, Channels, HOOK, HOOK_HOST, HOSTS, NAMES, PAGER, PAGER_HOST, incident_message, numbers};
use crate::world::event;
use crate::world::proxy::Fault;
use crate::world::receivers::{Answer, ReceivedRequest};

/// Longer than the lease of a lane.
const LEASE: i64 = 61;

/// The operations of the relay.
const OPERATIONS: [&str; 7] =
    ["Query", "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"];

impl Channels {
    /// Fails the call after `passing` others, and all later ones, as if the function had ended there.
    fn crash_at(&self, passing: usize, how: Fault) {
        self.world.dynamodb.set_fault_at(passing, how, Fault::Refuse);
    }

    /// Ends the faults. Returns whether a call has failed after `passing` others.
    fn end_crash(&self, passing: usize) -> bool {
        let calls: usize = OPERATIONS.iter().map(|operation| self.world.dynamodb.calls(operation)).sum();
        self.world.dynamodb.reset();
        calls > passing
    }
}

/// Returns what tells a receiver that a request is a repeat, if the form of its host has it.
fn identity(request: &ReceivedRequest) -> Option<String> {
    let of_pager =
        || Some(format!("{} {}", request.json["event_action"].as_str()?, request.json["dedup_key"].as_str()?));
    request.headers.get("webhook-id").cloned().or_else(of_pager)
}

/// Asserts that `requests` to a host are about `message` and have the same identity. Returns their number.
fn repeats(requests: &[ReceivedRequest], message: &str) -> usize {
    let requests: Vec<_> =
        requests.iter().filter(|request| String::from_utf8_lossy(&request.body).contains(message)).collect();
    assert!(requests.iter().all(|request| identity(request) == identity(requests[0])), "{requests:?}");
    requests.len()
}

#[tokio::test]
async fn message_survives_a_crash_at_every_call() {
    for how in [Fault::Refuse, Fault::DropResponse] {
        let channels = Channels::with(&NAMES).await;
        let mut crashes = 0;
        for number in 0.. {
            channels.world.clock.advance(LEASE);
            let (passing, message, at) = (usize::try_from(number).unwrap(), incident_message(number), channels.now());
            let before = channels.receivers.all().len();
            channels.crash_at(passing, how);
            let queued = channels.relay.queue(&message, at).await;
            if queued.is_ok() {
                drop(channels.relay.work_off().await);
            }
            let has_crashed = channels.end_crash(passing);
            crashes += u32::from(has_crashed);
            if queued.is_err() {
                // The queue receives a message again that the function did not accept.
                channels.relay.queue(&message, at).await.unwrap();
            }
            channels.world.clock.advance(LEASE);
            // Another execution environment.
            channels.world.relay(&channels.receivers).work_off().await.unwrap();
            let requests = &channels.receivers.all()[before..];
            for (name, host) in NAMES.into_iter().zip(HOSTS) {
                let of_host: Vec<_> = requests.iter().filter(|it| it.host == host).cloned().collect();
                let times = repeats(&of_host, &format!("order_{number}_failed"));
                assert!((1..=2).contains(&times), "{how:?} at call {number}: {times} times to {name}");
                assert_eq!(of_host.len(), times, "nothing else");
                assert_eq!(channels.pending(name).await, [], "{how:?} at call {number}");
            }
            let attempts = channels.attempts(&super::incident_id(number)).await;
            assert!(attempts.len() >= NAMES.len(), "{how:?} at call {number}: {attempts:?}");
            if !has_crashed {
                assert_eq!(requests.len(), NAMES.len(), "once each without a crash");
                break;
            }
        }
        assert!(crashes > 20, "{crashes}");
    }
}

#[tokio::test]
async fn failed_attempt_survives_a_crash_at_every_call() {
    let channels = Channels::with(&[HOOK]).await;
    for number in 0.. {
        channels.world.clock.advance(20 * 60);
        let passing = usize::try_from(number).unwrap();
        channels.relay.queue(&incident_message(number), channels.now()).await.unwrap();
        channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
        channels.crash_at(passing, Fault::Refuse);
        drop(channels.relay.work_off().await);
        let has_crashed = channels.end_crash(passing);
        assert_eq!(channels.pending(HOOK).await.len(), 1, "{number}");
        channels.receivers.answer(HOOK_HOST, &[Answer::Status(200)]);
        channels.world.clock.advance(20 * 60);
        channels.work_off().await;
        assert_eq!(channels.pending(HOOK).await, [], "{number}");
        assert!(repeats(&channels.receivers.of(HOOK_HOST), &format!("order_{number}_failed")) >= 1);
        if !has_crashed {
            break;
        }
    }
}

#[tokio::test]
async fn acknowledgement_survives_a_crash_at_every_call() {
    let channels = Channels::with(&[PAGER, HOOK]).await;
    for number in 0.. {
        channels.world.clock.advance(LEASE);
        let event_type = format!("order_{number}_failed");
        channels.world.post(&event("billing", &event_type, "CRITICAL")).await;
        let listed = channels.world.list_incidents("&status=open").await;
        let incident = listed.iter().find(|it| it["eventType"] == event_type.as_str()).unwrap();
        let id = incident["id"].as_str().unwrap();
        let message = incident_message(number).replace(&super::incident_id(number), id);
        channels.relay.queue(&message, channels.now()).await.unwrap();
        channels.work_off().await;
        let path = format!("/api/governance/incidents/{id}/acknowledge");
        assert_eq!(channels.world.post_json(&path, &json!({})).await.status, 200);

        let passing = usize::try_from(number).unwrap();
        channels.crash_at(passing, Fault::Refuse);
        drop(channels.relay.run().await);
        let has_crashed = channels.end_crash(passing);
        channels.world.clock.advance(LEASE);
        channels.world.relay(&channels.receivers).run().await.unwrap();
        let acknowledged = |request: &&ReceivedRequest| {
            request.json["event_action"] == "acknowledge" && request.json["dedup_key"] == format!("age/{id}")
        };
        let times = channels.receivers.of(PAGER_HOST).iter().filter(acknowledged).count();
        assert!((1..=2).contains(&times), "{times} times after a crash at call {number}");
        if !has_crashed {
            assert_eq!(times, 1);
            break;
        }
        // Each open alert costs a run one more call.
        let path = format!("/api/governance/incidents/{id}/resolve");
        assert_eq!(channels.world.post_json(&path, &json!({})).await.status, 200);
        channels.run_every_minute(1).await;
    }
}

#[tokio::test]
async fn report_of_a_failing_channel_survives_a_crash_at_every_call() {
    let channels = Channels::with(&[HOOK, super::SLACK]).await;
    for number in 0.. {
        let passing = usize::try_from(number).unwrap();
        let before = channels.receivers.of(super::SLACK_HOST).len();
        channels.receivers.answer(HOOK_HOST, &[Answer::Status(500)]);
        channels.queue_numbers(number..number + 1).await;
        channels.work_off().await;
        channels.world.clock.advance(16 * 60);
        channels.crash_at(passing, Fault::Refuse);
        drop(channels.relay.run().await);
        let has_crashed = channels.end_crash(passing);
        channels.run_every_minute(3).await;
        let of_slack: Vec<Value> =
            channels.receivers.of(super::SLACK_HOST)[before..].iter().map(|it| it.json.clone()).collect();
        let reports = of_slack.iter().filter(|it| it.to_string().contains("Channel hook fails")).count();
        assert!((1..=2).contains(&reports), "{reports} times after a crash at call {number}");
        channels.receivers.answer(HOOK_HOST, &[Answer::Status(200)]);
        channels.run_every_minute(20).await;
        assert_eq!(channels.pending(HOOK).await, [], "{number}");
        if !has_crashed {
            assert_eq!(reports, 1);
            break;
        }
    }
}

#[tokio::test]
async fn two_senders_at_once_send_nothing_twice_and_keep_the_order() {
    let channels = Channels::with(&NAMES).await;
    channels.queue_numbers(0..12).await;
    let released = Arc::new(Notify::new());
    channels.receivers.answer(HOOK_HOST, &[Answer::Held(Arc::clone(&released), 200), Answer::Status(200)]);
    let (one, other) = (channels.world.relay(&channels.receivers), channels.world.relay(&channels.receivers));
    let second = async {
        while channels.receivers.of(HOOK_HOST).is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        other.work_off().await.unwrap();
        assert_eq!(channels.receivers.of(HOOK_HOST).len(), 1, "the first sender has the lane");
        released.notify_one();
    };
    let (first, ()) = tokio::join!(one.work_off(), second);
    first.unwrap();
    channels.work_off().await;
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), (0..12).collect::<Vec<_>>());
    let mut keys: Vec<_> = channels.receivers.of(PAGER_HOST).iter().filter_map(identity).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((keys.len(), channels.receivers.of(PAGER_HOST).len()), (12, 12));
}

#[tokio::test]
async fn ten_senders_at_once_send_nothing_twice() {
    let channels = Channels::with(&NAMES).await;
    channels.queue_numbers(0..10).await;
    let relays: Vec<_> = (0..10).map(|_| channels.world.relay(&channels.receivers)).collect();
    for result in futures_util::future::join_all(relays.iter().map(Relay::work_off)).await {
        result.unwrap();
    }
    channels.work_off().await;
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), (0..10).collect::<Vec<_>>());
    assert_eq!(channels.receivers.of(PAGER_HOST).len(), 10);
}

/// The first sender is suspended for longer than its lease.
#[tokio::test]
async fn sender_whose_lease_has_ended_does_not_overwrite_the_state_of_the_next() {
    let channels = Channels::with(&[HOOK]).await;
    channels.queue_numbers(0..1).await;
    let released = Arc::new(Notify::new());
    channels.receivers.answer(HOOK_HOST, &[Answer::Held(Arc::clone(&released), 500), Answer::Status(200)]);
    let other = channels.world.relay(&channels.receivers);
    let second = async {
        while channels.receivers.of(HOOK_HOST).is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        channels.world.clock.advance(LEASE);
        other.work_off().await.unwrap();
        released.notify_one();
    };
    let (first, ()) = tokio::join!(channels.relay.work_off(), second);
    first.unwrap();
    let [held, delivered] = channels.receivers.of(HOOK_HOST).try_into().unwrap();
    assert_eq!(identity(&held), identity(&delivered));
    let shown = channels.world.get(&format!("{CHANNELS}/{HOOK}")).await;
    assert_eq!((shown.text("/lastDelivery/result"), shown.json.get("failingSince")), ("delivered", None));
}
