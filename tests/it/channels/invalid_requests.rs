//! Channels that are refused, with every field that is wrong.

use serde_json::{Value, json};

use super::{CHANNELS, Channels, HOOK, PAGER, ROUTING_KEY, SECRET, SLACK, TEAMS, channel, with};
use crate::world::ApiResponse;

/// Returns the pointers of the fields that a response refuses.
fn pointers(refused: &ApiResponse) -> Vec<&str> {
    assert_eq!(refused.status, 422, "{refused:?}");
    let mut pointers: Vec<_> = refused.list("/errors").iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    pointers
}

/// Returns the text of a secret with so many zero bytes.
fn secret_of(bytes: usize) -> String {
    // Three zero bytes are four letters.
    assert_eq!(bytes % 3, 0);
    format!("whsec_{}", "A".repeat(bytes / 3 * 4))
}

#[tokio::test]
async fn wrong_channel_is_refused_with_every_field_that_is_wrong() {
    let channels = Channels::with(&[]).await;
    let long_url = format!("https://hooks.example.com/{}", "x".repeat(2048));
    let url = |url: &str| json!({ "url": url });
    let secrets = |secrets: Value| json!({ "secrets": secrets });
    for (name, change, expected) in [
        (SLACK, json!({ "name": "Ops chat" }), vec!["/name"]),
        (SLACK, json!({ "name": null, "kind": null }), vec!["/kind", "/name"]),
        (SLACK, json!({ "kind": "sms" }), vec!["/kind"]),
        (SLACK, json!({ "colour": "red" }), vec!["/colour"]),
        // Fields of other kinds.
        (
            SLACK,
            json!({ "routingKey": ROUTING_KEY, "region": "us", "secrets": [SECRET] }),
            vec!["/region", "/routingKey", "/secrets"],
        ),
        (TEAMS, json!({ "secrets": [SECRET] }), vec!["/secrets"]),
        (PAGER, url("https://hooks.example.com/1"), vec!["/url"]),
        (PAGER, json!({ "secrets": [SECRET] }), vec!["/secrets"]),
        (HOOK, json!({ "routingKey": ROUTING_KEY }), vec!["/routingKey"]),
        // Fields that are missing.
        (SLACK, json!({ "url": null }), vec!["/url"]),
        (PAGER, json!({ "routingKey": null }), vec!["/routingKey"]),
        (HOOK, json!({ "url": null, "secrets": null }), vec!["/secrets", "/url"]),
        // Addresses.
        (SLACK, url("http://hooks.example.com/1"), vec!["/url"]),
        (SLACK, url("hooks.example.com/1"), vec!["/url"]),
        (TEAMS, url("https://10.0.0.1/1"), vec!["/url"]),
        (HOOK, url("https://169.254.169.254/latest/meta-data"), vec!["/url"]),
        (HOOK, url("https://[::1]/"), vec!["/url"]),
        (HOOK, url("https://2130706433/"), vec!["/url"]),
        (HOOK, url("https://localhost/"), vec!["/url"]),
        (HOOK, url("https://user:password@hooks.example.com/"), vec!["/url"]),
        (HOOK, url("https://hooks.example.com/#part"), vec!["/url"]),
        (HOOK, url("https://hooks.example.com:0/"), vec!["/url"]),
        (HOOK, url(&long_url), vec!["/url"]),
        // Secrets.
        (HOOK, secrets(json!([])), vec!["/secrets"]),
        (HOOK, secrets(json!([SECRET, SECRET, SECRET])), vec!["/secrets"]),
        (HOOK, secrets(json!([SECRET, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])), vec!["/secrets/1"]),
        (HOOK, secrets(json!([secret_of(21)])), vec!["/secrets/0"]),
        (HOOK, secrets(json!([secret_of(66)])), vec!["/secrets/0"]),
        (HOOK, secrets(json!(SECRET)), vec!["/secrets"]),
        // Integration keys.
        (PAGER, json!({ "routingKey": "short" }), vec!["/routingKey"]),
        (PAGER, json!({ "routingKey": format!("{}-", &ROUTING_KEY[1..]) }), vec!["/routingKey"]),
        (PAGER, json!({ "region": "moon" }), vec!["/region"]),
        // Filters.
        (SLACK, json!({ "engines": ["billing", "search"] }), vec!["/engines/1"]),
        (SLACK, json!({ "severities": ["CRITICAL", "critical"] }), vec!["/severities/1"]),
        (SLACK, json!({ "messages": ["gossip"] }), vec!["/messages/0"]),
        (PAGER, json!({ "messages": ["incident", "report", "approval"] }), vec!["/messages/1", "/messages/2"]),
        (
            PAGER,
            json!({ "messages": ["report"], "engines": ["search"], "routingKey": "x" }),
            vec!["/engines/0", "/messages/0", "/routingKey"],
        ),
    ] {
        let refused = channels.world.post_json(CHANNELS, &with(channel(name), &change)).await;
        assert_eq!(pointers(&refused), expected, "{change}: {refused:?}");
    }
    assert_eq!(channels.world.get(CHANNELS).await.list("/channels").len(), 0);
}

#[tokio::test]
async fn errors_say_what_is_allowed() {
    let channels = Channels::with(&[]).await;
    for (name, change, expected) in [
        (SLACK, json!({ "kind": "sms" }), "must be one of slack, microsoft_teams, pagerduty, webhook; got \"sms\""),
        (PAGER, json!({ "messages": ["report"] }), "must be one of incident, system for pagerduty; got \"report\""),
        (HOOK, json!({ "secrets": ["x"] }), "must be \"whsec_\" and 24 to 64 random bytes in base64"),
        (PAGER, json!({ "region": "moon" }), "must be one of us, eu"),
    ] {
        let refused = channels.world.post_json(CHANNELS, &with(channel(name), &change)).await;
        assert_eq!(refused.text("/errors/0/detail"), expected);
    }
}

#[tokio::test]
async fn wrong_target_of_a_rotation_is_refused_and_the_old_one_stays() {
    let channels = Channels::with(&super::NAMES).await;
    for (name, target, expected) in [
        (SLACK, json!({}), vec!["/url"]),
        (SLACK, json!({ "url": "https://192.168.0.1/" }), vec!["/url"]),
        (SLACK, json!({ "url": "https://hooks.example.com/1", "name": "x" }), vec!["/name"]),
        (TEAMS, json!({ "routingKey": ROUTING_KEY }), vec!["/routingKey"]),
        (PAGER, json!({ "routingKey": "x" }), vec!["/routingKey"]),
        (HOOK, json!({ "url": "https://hooks.example.com/1" }), vec!["/secrets"]),
    ] {
        let refused = channels.world.post_json(&format!("{CHANNELS}/{name}/rotate"), &target).await;
        assert_eq!(pointers(&refused), expected, "{name} {target}");
    }
    channels.queue_numbers(0..1).await;
    channels.work_off().await;
    for host in super::HOSTS {
        assert_eq!(channels.receivers.of(host).len(), 1, "{host}");
    }
}

#[tokio::test]
async fn name_of_another_channel_is_taken() {
    let channels = Channels::with(&[SLACK]).await;
    let before = channels.show(SLACK).await;
    let taken = channels.world.post_json(CHANNELS, &with(channel(HOOK), &json!({ "name": SLACK }))).await;
    assert_eq!(taken.status, 409);
    assert_eq!(taken.text("/detail"), "channel slack exists; remove it first, or choose another name");
    assert_eq!(channels.show(SLACK).await.json, before.json);
}

#[tokio::test]
async fn fifty_channels_are_the_most() {
    let channels = Channels::with(&[]).await;
    let numbered = |number: u32| with(channel(SLACK), &json!({ "name": format!("chat-{number:02}") }));
    for number in 0..50 {
        channels.create(&numbered(number)).await;
    }
    let refused = channels.world.post_json(CHANNELS, &numbered(50)).await;
    assert_eq!(refused.status, 409);
    let detail = "there are 50 channels, the most that there may be; remove one first";
    assert_eq!(refused.text("/detail"), detail);
    channels.world.send("DELETE", &format!("{CHANNELS}/chat-07"), &[], b"").await;
    channels.create(&numbered(50)).await;
}

#[tokio::test]
async fn name_in_a_path_that_is_no_name_is_not_found() {
    let channels = Channels::with(&[]).await;
    for name in ["Ops", "-x", "a%23b"] {
        let response = channels.world.get(&format!("{CHANNELS}/{name}")).await;
        assert!([404, 422].contains(&response.status), "{response:?}");
    }
}
