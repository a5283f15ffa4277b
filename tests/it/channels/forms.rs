//! Messages in the forms of the four kinds of channels, and which of them a channel selects.

use age_model::{Clock, DeliveryResult};
use age_notify::channels::{WebhookSecret, signature_headers};
use serde_json::{Value, json};

use super::{
    Channels, HOOK, HOOK_HOST, HOSTS, NAMES, PAGER, PAGER_HOST, ROUTING_KEY, SECRET, SLACK, SLACK_HOST, TEAMS_HOST,
    channel, numbers, slack_titles, with,
};
use crate::world::event;
use crate::world::receivers::ReceivedRequest;

/// Returns the signatures that a request must have, as its receiver computes them.
pub(super) fn signature(request: &ReceivedRequest, secrets: &[&str]) -> String {
    let secrets: Vec<WebhookSecret> = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
    let (id, timestamp) = (&request.headers["webhook-id"], request.headers["webhook-timestamp"].parse().unwrap());
    signature_headers(id, timestamp, &request.body, &secrets)[2].1.clone()
}

#[tokio::test]
async fn critical_event_reaches_each_channel_once_in_its_form() {
    let channels = Channels::with(&NAMES).await;
    let world = &channels.world;
    world.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await;
    world.clock.advance(1);
    channels.relay_published().await;
    let [slack, teams, pager, hook] = HOSTS.map(|host| {
        let [request] = channels.receivers.of(host).try_into().unwrap();
        request
    });
    let id = "billing.1795392300000.invoice_sync_failed";
    let title = "CRITICAL billing: invoice_sync_failed";
    assert_eq!(slack.json["blocks"][0]["text"]["text"], title);
    assert_eq!(slack.json["text"], format!("opened: {title}"));
    let card = &teams.json["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(card["content"]["body"][0]["inlines"][0]["text"], title);
    let alert = ["event_action", "routing_key", "dedup_key"].map(|name| pager.json[name].as_str().unwrap());
    assert_eq!(alert, ["trigger", ROUTING_KEY, format!("age/{id}").as_str()]);
    assert_eq!(
        (&pager.json["payload"]["summary"], &pager.json["payload"]["severity"]),
        (&json!(title), &json!("critical"))
    );
    let [published] = world.sns.published("notifications").try_into().unwrap();
    assert_eq!(hook.body, published.json.to_string().into_bytes(), "the JSON as it was published");
    assert!(hook.headers["webhook-id"].starts_with("msg_"), "{:?}", hook.headers);
    assert_eq!(hook.headers["webhook-timestamp"], hook.at.seconds().to_string());
    assert_eq!(hook.headers["webhook-signature"], signature(&hook, &[SECRET]));
    assert!([&slack, &teams, &pager].iter().all(|request| request.headers.is_empty()));

    let attempts = channels.attempts(id).await;
    let mut by: Vec<&str> = attempts.iter().map(|attempt| attempt.channel.as_str()).collect();
    by.sort_unstable();
    assert_eq!(by, [HOOK, PAGER, SLACK, super::TEAMS]);
    for attempt in &attempts {
        assert_eq!((attempt.result, attempt.detail.as_str()), (DeliveryResult::Delivered, "200"), "{attempt:?}");
        assert_eq!(attempt.at, world.clock.now());
    }
    channels.relay_published().await;
    channels.run_every_minute(3).await;
    assert_eq!(channels.receivers.all().len(), 4, "nothing is delivered twice");
}

#[tokio::test]
async fn channel_gets_the_messages_that_its_filter_selects() {
    let channels = Channels::with(&[]).await;
    let world = &channels.world;
    for (name, filter) in [
        ("all", json!({})),
        ("critical-billing", json!({ "severities": ["CRITICAL"], "engines": ["billing"], "messages": ["incident"] })),
        ("qa-incidents", json!({ "engines": ["qa"], "messages": ["incident"] })),
        ("high", json!({ "severities": ["HIGH"], "messages": ["incident", "approval"] })),
        ("reports", json!({ "severities": ["LOW"], "messages": ["report"] })),
        ("approvals", json!({ "messages": ["approval"], "engines": ["compliance"] })),
        ("nothing", json!({ "messages": ["system"], "severities": ["LOW"] })),
    ] {
        let other = json!({ "name": name, "url": format!("https://{name}.example.com/1") });
        channels.create(&with(with(channel(SLACK), &other), &filter)).await;
    }
    for (engine, event_type, severity) in [
        ("billing", "invoice_sync_failed", "CRITICAL"),
        ("qa", "suite_lost", "CRITICAL"),
        ("compliance", "permission_escalated", "HIGH"),
    ] {
        world.post(&event(engine, event_type, severity)).await;
        channels.relay_published().await;
        world.clock.advance(1);
    }
    world.run_weekly_report().await.unwrap();
    channels.relay_published().await;
    let of = |name: &str| channels.receivers.of(&format!("{name}.example.com"));
    let (billing, qa) = ("CRITICAL billing: invoice_sync_failed", "CRITICAL qa: suite_lost");
    let approval = "HIGH approval of permission_reset for compliance";
    let all = of("all");
    let [first, second, third, report] = slack_titles(&all).try_into().unwrap();
    assert_eq!([first, second, third], [billing, qa, approval]);
    for (name, expected) in [
        ("critical-billing", vec![billing]),
        ("qa-incidents", vec![qa]),
        ("high", vec![approval]),
        ("reports", vec![report]),
        ("approvals", vec![approval]),
        ("nothing", vec![]),
    ] {
        assert_eq!(slack_titles(&of(name)), expected, "{name}");
    }
}

/// Posts CRITICAL events of `count` types, and returns the only message about all of them.
async fn digest_of(channels: &Channels, count: usize) -> Value {
    let world = &channels.world;
    world.sns.set_refusing(true);
    for number in 0..count {
        world.post(&event("qa", &format!("suite_{number}_lost"), "CRITICAL")).await;
    }
    world.sns.set_refusing(false);
    world.sweep_every_minute(1).await;
    let [published] = world.sns.published("notifications").try_into().unwrap();
    assert_eq!(published.json["incidents"].as_array().unwrap().len(), count);
    channels.relay_published().await;
    published.json
}

#[tokio::test]
async fn message_about_five_incidents_is_five_for_a_chat_and_a_pager_and_one_for_a_webhook() {
    let channels = Channels::with(&NAMES).await;
    let message = digest_of(&channels, 5).await;
    let ids: Vec<&str> =
        message["incidents"].as_array().unwrap().iter().map(|incident| incident["id"].as_str().unwrap()).collect();
    let slack = channels.receivers.of(SLACK_HOST);
    for (title, id) in slack_titles(&slack).into_iter().zip(&ids) {
        assert_eq!(title, format!("CRITICAL qa: {}", id.rsplit('.').next().unwrap()));
    }
    let pager = channels.receivers.of(PAGER_HOST);
    let keys: Vec<_> = pager.iter().map(|request| request.json["dedup_key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, ids.iter().map(|id| format!("age/{id}")).collect::<Vec<_>>());
    let [hook] = channels.receivers.of(HOOK_HOST).try_into().unwrap();
    assert_eq!((slack.len(), channels.receivers.of(TEAMS_HOST).len()), (5, 5));
    assert_eq!((&hook.json, &hook.headers["webhook-signature"]), (&message, &signature(&hook, &[SECRET])));
    for id in ids {
        assert_eq!(channels.attempts(id).await.len(), 4, "{id}");
    }
}

#[tokio::test]
async fn message_about_six_incidents_is_one_with_exact_numbers_for_a_chat() {
    let channels = Channels::with(&NAMES).await;
    digest_of(&channels, 6).await;
    let [slack] = channels.receivers.of(SLACK_HOST).try_into().unwrap();
    let [teams] = channels.receivers.of(TEAMS_HOST).try_into().unwrap();
    let heading = "6 incidents with 6 new events: 6 CRITICAL";
    assert_eq!(slack_titles(&[slack]), [heading]);
    assert_eq!(teams.json["attachments"][0]["content"]["body"][0]["inlines"][0]["text"], heading);
    assert_eq!((channels.receivers.of(PAGER_HOST).len(), channels.receivers.of(HOOK_HOST).len()), (6, 1));
}

/// A filter chooses among the incidents of a message. A webhook gets the message whole, because it is signed as it was published.
#[tokio::test]
async fn filter_selects_among_the_incidents_of_a_message() {
    let channels = Channels::with(&[]).await;
    let filter = json!({ "engines": ["qa"] });
    for name in [SLACK, PAGER, HOOK] {
        channels.create(&with(channel(name), &filter)).await;
    }
    let incident = |engine: &str| {
        json!({ "kind": "initial", "id": format!("{engine}.1.x"), "engine": engine, "eventType": "x", "severity": "HIGH",
            "status": "open", "eventCount": 1, "newEventCount": 1 })
    };
    let message =
        json!({ "schemaVersion": 1, "type": "notification", "incidents": [incident("billing"), incident("qa")] });
    channels.relay.queue(&message.to_string(), channels.now()).await.unwrap();
    channels.work_off().await;
    assert_eq!(slack_titles(&channels.receivers.of(SLACK_HOST)), ["HIGH qa: x"]);
    let [pager] = channels.receivers.of(PAGER_HOST).try_into().unwrap();
    assert_eq!(pager.json["dedup_key"], "age/qa.1.x");
    let [hook] = channels.receivers.of(HOOK_HOST).try_into().unwrap();
    assert_eq!(hook.json, message);
    assert_eq!(channels.results("billing.1.x").await, [], "no channel selects this incident");
}

#[tokio::test]
async fn pager_gets_neither_approvals_nor_reports() {
    let channels = Channels::with(&[PAGER, HOOK]).await;
    let world = &channels.world;
    world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    world.run_weekly_report().await.unwrap();
    channels.relay_published().await;
    assert_eq!(channels.receivers.of(HOOK_HOST).len(), 2);
    assert_eq!(channels.receivers.of(PAGER_HOST).len(), 0);
}

#[tokio::test]
async fn text_that_is_no_message_is_refused_and_queued_for_nobody() {
    let channels = Channels::with(&NAMES).await;
    for text in ["", "no JSON", "[]", "{}", r#"{"type":1}"#] {
        let refused = channels.relay.queue(text, channels.now()).await.unwrap_err();
        assert!(refused.to_string().starts_with("message must be a JSON object"), "{refused}");
    }
    for name in NAMES {
        assert_eq!(channels.pending(name).await, []);
    }
}

#[tokio::test]
async fn message_of_a_later_version_reaches_every_channel() {
    let channels = Channels::with(&NAMES).await;
    let message = json!({ "schemaVersion": 9, "type": "audit", "subject": "[AGE] Audit", "text": "Look", "new": 1 });
    channels.relay.queue(&message.to_string(), channels.now()).await.unwrap();
    channels.work_off().await;
    assert_eq!(slack_titles(&channels.receivers.of(SLACK_HOST)), ["Audit"]);
    for host in HOSTS {
        assert_eq!(channels.receivers.of(host).len(), 1, "{host}");
    }
}

#[tokio::test]
async fn message_that_is_queued_twice_before_it_is_sent_is_sent_once() {
    let channels = Channels::with(&NAMES).await;
    let at = channels.now();
    for _ in 0..2 {
        channels.relay.queue(&super::incident_message(1), at).await.unwrap();
    }
    channels.work_off().await;
    assert_eq!(channels.receivers.all().len(), 4);
    assert_eq!(numbers(&channels.receivers.of(HOOK_HOST)), [1]);
}
