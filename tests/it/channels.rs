//! Notification channels: the API that admins configure them with, and the relay that delivers messages to them.

mod api;
mod crashes;
mod failing_channels;
mod forms;
mod invalid_requests;
mod pager;
mod rates;
mod receivers;
mod results;

use std::cell::RefCell;
use std::collections::BTreeMap;

use age_governance::Relay;
use age_model::{ChannelName, Clock, Delivery, DeliveryAttempt, Timestamp};
use serde_json::{Value, json};

use crate::world::receivers::{ReceivedRequest, Receivers};
use crate::world::{ApiResponse, World};

const CHANNELS: &str = "/api/governance/channels";

/// A channel of each kind, by name.
pub(crate) const SLACK: &str = "slack";
pub(crate) const TEAMS: &str = "teams";
pub(crate) const PAGER: &str = "pager";
const HOOK: &str = "hook";

pub(crate) const NAMES: [&str; 4] = [SLACK, TEAMS, PAGER, HOOK];

/// The host of each of these channels.
pub(crate) const SLACK_HOST: &str = "slack.example.com";
pub(crate) const TEAMS_HOST: &str = "teams.example.com";
pub(crate) const PAGER_HOST: &str = "events.pagerduty.com";
pub(crate) const HOOK_HOST: &str = "hook.example.com";
const HOSTS: [&str; 4] = [SLACK_HOST, TEAMS_HOST, PAGER_HOST, HOOK_HOST];

const ROUTING_KEY: &str = "0123456789abcdef0123456789ABCDEF";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The topics whose messages the relay gets.
const TOPICS: [&str; 4] = ["notifications", "second-line", "reports", "relay"];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// A world with channels whose messages are relayed.
pub(crate) struct Channels {
    pub(crate) world: World,
    relay: Relay,
    pub(crate) receivers: Receivers,
    /// The number of messages of each topic that were relayed.
    relayed: RefCell<BTreeMap<&'static str, usize>>,
}

impl Channels {
    /// A world with the channels `names` of [`NAMES`].
    pub(crate) async fn with(names: &[&str]) -> Self {
        let world = World::new().await;
        let receivers = Receivers::new(&world.clock);
        let relay = world.relay(&receivers);
        let channels = Self { world, relay, receivers, relayed: RefCell::default() };
        for name in names {
            channels.create(&channel(name)).await;
        }
        channels
    }

    async fn create(&self, body: &Value) -> ApiResponse {
        let created = self.world.post_json(CHANNELS, body).await;
        assert_eq!(created.status, 201, "{created:?}");
        created
    }

    async fn show(&self, name: &str) -> ApiResponse {
        self.world.get(&format!("{CHANNELS}/{name}")).await
    }

    /// Queues the messages that AGE has published since the last call, and works off the queues.
    pub(crate) async fn relay_published(&self) {
        for topic in TOPICS {
            let published = self.world.sns.published(topic);
            let count = self.relayed.borrow_mut().insert(topic, published.len()).unwrap_or_default();
            for message in &published[count..] {
                self.relay.queue(&message.json.to_string(), message.at).await.unwrap();
            }
        }
        self.work_off().await;
    }

    /// Queues a message about a CRITICAL incident for each number, a millisecond apart, from now on.
    async fn queue_numbers(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.world.clock.advance_millis(1);
            self.relay.queue(&incident_message(number), self.now()).await.unwrap();
        }
    }

    async fn work_off(&self) {
        self.relay.work_off().await.unwrap();
    }

    pub(crate) async fn run(&self) {
        self.relay.run().await.unwrap();
    }

    /// Runs the relay every minute.
    async fn run_every_minute(&self, minutes: i64) {
        for _ in 0..minutes {
            self.world.clock.advance(MINUTE);
            self.run().await;
        }
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    pub(crate) async fn pending(&self, channel: &str) -> Vec<Delivery> {
        let name: ChannelName = channel.parse().unwrap();
        self.world.deliveries().pending(&name, 500).await.unwrap().items
    }

    /// Returns the attempts to deliver messages about an incident.
    async fn attempts(&self, incident: &str) -> Vec<DeliveryAttempt> {
        self.world.deliveries().attempts(incident, 500).await.unwrap().items
    }

    /// Returns result and detail of the attempts to deliver messages about an incident.
    async fn results(&self, incident: &str) -> Vec<(String, String)> {
        self.attempts(incident).await.into_iter().map(|it| (it.result.to_string(), it.detail)).collect()
    }
}

/// Returns the body that creates a channel of [`NAMES`].
fn channel(name: &str) -> Value {
    match name {
        SLACK => {
            json!({ "name": SLACK, "kind": "slack", "url": format!("https://{SLACK_HOST}/services/T0/B0/Secret-path") })
        }
        TEAMS => json!({
            "name": TEAMS, "kind": "microsoft_teams", "url": format!("https://{TEAMS_HOST}/workflows/1?sig=Secret-path"),
        }),
        PAGER => json!({ "name": PAGER, "kind": "pagerduty", "routingKey": ROUTING_KEY }),
        HOOK => json!({
            "name": HOOK, "kind": "webhook", "url": format!("https://{HOOK_HOST}/age/Secret-path"), "secrets": [SECRET],
        }),
        other => panic!("no channel {other}"),
    }
}

/// Returns `body` with other values.
fn with(mut body: Value, change: &Value) -> Value {
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

/// The id of the incident that [`incident_message`] is about.
fn incident_id(number: u32) -> String {
    format!("billing.1795392300000.order_{number}_failed")
}

/// Returns a message about a CRITICAL incident.
fn incident_message(number: u32) -> String {
    json!({ "schemaVersion": 1, "type": "notification", "incidents": [{
        "kind": "initial", "id": incident_id(number), "engine": "billing", "eventType": format!("order_{number}_failed"),
        "severity": "CRITICAL", "status": "open", "cause": "critical_event", "openedAt": "2026-11-23T00:05:00.000Z",
        "eventCount": 1, "newEventCount": 1, "failedRemediationCount": 0,
    }]})
    .to_string()
}

/// Returns the numbers of the messages that a webhook got.
fn numbers(requests: &[ReceivedRequest]) -> Vec<u32> {
    let number = |request: &ReceivedRequest| {
        let event_type = request.json["incidents"][0]["eventType"].as_str().unwrap();
        event_type.trim_start_matches("order_").trim_end_matches("_failed").parse().unwrap()
    };
    requests.iter().map(number).collect()
}

/// Returns the title of each message that a chat of Slack got.
fn slack_titles(requests: &[ReceivedRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.json["blocks"][0]["text"]["text"].as_str().unwrap()).collect()
}
