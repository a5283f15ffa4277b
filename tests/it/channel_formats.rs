//! The messages of channels, checked by tools of others: the programs of `tests/channels` have the types, parsers and verifiers that Slack,
//! Microsoft, PagerDuty and Standard Webhooks publish.
//!
//! The tests need Node and the packages that `npm ci` installs. `make test` installs them.

mod hostile_week;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use age_model::{ChannelKind, ChannelMessage, MessageId};
use age_notify::channels::{
    ChannelNotice, WebhookSecret, notices, pagerduty_action, pagerduty_event, signature_headers, slack_message,
    teams_message,
};
use age_notify::{channel_failing_message, channel_test_message};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::browser::week;
use crate::world::test_credentials::ADMIN;
use crate::world::{World, monday};

/// The topics whose messages channels get.
const TOPICS: [&str; 3] = ["notifications", "second-line", "reports"];

/// Two secrets, as during a rotation.
const SECRETS: [&str; 2] = ["whsec_bmV3IHNlY3JldCBvZiB0aGUgdGVzdHMgMTIz", "whsec_b2xkIHNlY3JldCBvZiB0aGUgdGVzdHMgMTIz"];

/// In the form of an integration key of PagerDuty.
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";

/// How many notices a chat gets together.
const COMBINED: [usize; 3] = [2, 6, 25];

/// Much longer than the slowest program takes on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(3);

/// Runs a program of `tests/channels`. Panics if the program fails.
async fn run(arguments: &[&str]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/channels");
    let is_ready = Path::new(folder).join("node_modules/.ready").exists();
    assert!(is_ready, "the tools that check what channels get are missing: `make channels` installs them");
    let mut node = Command::new("node");
    node.current_dir(folder).args(arguments);
    let node = node.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(TIMEOUT, node).await.expect("the program timed out");
    let output = output.expect("Node cannot be run: install Node 20 or newer, then `make test`");
    let report = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {report}");
}

/// The bodies that channels get of some messages, each once.
#[derive(Default)]
struct Payloads {
    slack: BTreeSet<String>,
    teams: BTreeSet<String>,
    pagerduty: BTreeSet<String>,
    webhook: BTreeSet<String>,
}

impl Payloads {
    /// Returns what channels get of `messages`, one by one and combined.
    fn of(messages: &[String]) -> (Self, Vec<ChannelNotice>) {
        let mut payloads = Self::default();
        let all: Vec<ChannelNotice> = messages.iter().flat_map(|message| notices(message).unwrap()).collect();
        payloads.webhook = messages.iter().map(|message| signed(message)).collect();
        for number in COMBINED.into_iter().chain([1]) {
            for some in all.chunks(number) {
                payloads.slack.insert(slack_message(some).to_string());
                payloads.teams.insert(teams_message(some).to_string());
            }
        }
        for notice in &all {
            payloads.pagerduty.insert(pagerduty_event(notice, ROUTING_KEY, pagerduty_action(notice)).to_string());
        }
        (payloads, all)
    }

    /// Writes the bodies into files in `folder`, one a line.
    fn write(&self, folder: &Path) {
        let formats = [
            ("slack", &self.slack),
            ("teams", &self.teams),
            ("pagerduty", &self.pagerduty),
            ("webhook", &self.webhook),
        ];
        for (format, bodies) in formats {
            let lines: Vec<String> = bodies.iter().map(ToString::to_string).collect();
            std::fs::write(folder.join(format).with_extension("ndjson"), lines.join("\n") + "\n").unwrap();
        }
    }
}

/// Returns a message as a webhook gets it, with its headers and the secrets of its receivers.
fn signed(message: &str) -> String {
    let secrets: [WebhookSecret; 2] = SECRETS.map(|secret| secret.parse().unwrap());
    let id = format!("msg_{}", MessageId::of(message));
    let headers = signature_headers(&id, monday().seconds(), message.as_bytes(), &secrets);
    let headers: serde_json::Map<String, Value> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({ "headers": headers, "body": message, "secrets": SECRETS }).to_string()
}

/// Returns the messages of the topics, with addresses in place of the paths of pages: worlds have no address of the dashboard.
fn messages(world: &World) -> Vec<String> {
    let published = TOPICS.iter().flat_map(|topic| world.sns.published(topic));
    published.map(|message| with_addresses(message.json).to_string()).collect()
}

fn with_addresses(json: Value) -> Value {
    match json {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| match value.as_str() {
                    Some(path) if name == "dashboard" && path.starts_with('/') => {
                        (name, format!("https://age.example{path}").into())
                    }
                    _ => (name, with_addresses(value)),
                })
                .collect(),
        ),
        Value::Array(elements) => elements.into_iter().map(with_addresses).collect(),
        other => other,
    }
}

/// Returns the examples of messages in the contract, and messages about channels themselves.
fn other_messages() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.json");
    let contract: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let topics = ["notifications", "second_line", "reports"];
    let examples = topics.map(|topic| {
        let content = &contract["webhooks"][topic]["post"]["requestBody"]["content"]["application/json"];
        let examples = content["examples"].as_object().unwrap();
        examples.values().map(|example| example["value"].to_string()).collect::<Vec<_>>()
    });
    let (name, by) = ("ops-chat".parse().unwrap(), ADMIN.parse().unwrap());
    let test = channel_test_message(&name, &by, monday());
    let failing = channel_failing_message(&name, ChannelKind::Slack, monday(), "404");
    examples.concat().into_iter().chain([test.text().to_owned(), failing]).collect()
}

/// Checks what channels get of `messages`. Returns the notices. Panics if a check fails.
async fn check(name: &str, messages: &[String]) -> Vec<ChannelNotice> {
    let (payloads, notices) = Payloads::of(messages);
    let folder = std::env::temp_dir().join(format!("age-channels-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    payloads.write(&folder);
    run(&["validate.mjs", folder.to_str().unwrap()]).await;
    // After a failure the folder has what was wrong.
    std::fs::remove_dir_all(&folder).unwrap();
    notices
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test"]
async fn messages_of_a_week_have_the_form_of_each_channel() {
    let world = World::new().await;
    week::replay(&world).await;
    let messages = [messages(&world), other_messages()].concat();
    let notices = check("week", &messages).await;
    let kinds: BTreeSet<ChannelMessage> = notices.iter().map(|notice| notice.message).collect();
    assert_eq!(kinds, ChannelMessage::ALL.iter().copied().collect::<BTreeSet<_>>());
    let actions: BTreeSet<&str> = notices.iter().map(|notice| pagerduty_action(notice).as_str()).collect();
    assert!(actions.is_superset(&BTreeSet::from(["trigger", "resolve"])), "{actions:?}");
    let linked = notices.iter().filter(|notice| !notice.links.is_empty()).count();
    assert!(notices.len() > 25 && linked > 25, "{linked} of {} notices have links", notices.len());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test"]
async fn messages_with_hostile_texts_have_the_form_of_each_channel() {
    let world = World::new().await;
    hostile_week::send(&world).await;
    let notices = check("hostile", &messages(&world)).await;
    let of = |kind: ChannelMessage| notices.iter().filter(|notice| notice.message == kind).count();
    let numbers = [of(ChannelMessage::Incident), of(ChannelMessage::Approval), of(ChannelMessage::System)];
    assert!(numbers[0] > 25 && numbers[1] > 5 && numbers[2] > 0, "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test"]
async fn wrong_payloads_are_refused_by_the_checks() {
    run(&["--test-reporter=spec", "wrong-payloads.test.mjs"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test"]
async fn receiver_of_the_guide_accepts_signed_messages_only() {
    run(&["--test-reporter=spec", "guide.test.mjs"]).await;
}
