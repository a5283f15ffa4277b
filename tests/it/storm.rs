//! A storm: ten thousand CRITICAL events of forty types within a minute. E-mails and channels are few, and their numbers are exact.

use std::collections::BTreeSet;

use age_model::{Clock, Timestamp};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::channels::{Channels, HOOK_HOST, NAMES, PAGER, PAGER_HOST, SLACK, SLACK_HOST, TEAMS, TEAMS_HOST};
use crate::incidents::count_new_events;
use crate::world::receivers::ReceivedRequest;
use crate::world::{ENGINES, event};

const EVENTS: usize = 10_000;
const TYPES: usize = 40;

struct Storm {
    channels: Channels,
    began: Timestamp,
}

impl Storm {
    /// Reports the events to one environment for each engine, and runs the sweep and the relay until all is quiet.
    async fn run() -> Self {
        let channels = Channels::with(&NAMES).await;
        let began = channels.world.clock.now();
        // The environments share only the e-mail rate limiter.
        let environments = join_all(ENGINES.iter().map(|_| channels.world.new_environment())).await;
        let mut posted = 0;
        for second in 0..60 {
            let until = EVENTS * (second + 1) / 60;
            let numbers: Vec<usize> = (posted..until).collect();
            let of_engine = environments.iter().enumerate().map(async |(place, api)| {
                for number in numbers.iter().filter(|number| **number % ENGINES.len() == place) {
                    let event_type = format!("type_{}", number % TYPES);
                    let response = api.post(&event(ENGINES[place].as_str(), &event_type, "CRITICAL"), None).await;
                    assert_eq!(response.status, 201, "{response:?}");
                }
            });
            join_all(of_engine).await;
            posted = until;
            channels.world.clock.advance(1);
        }
        let storm = Self { channels, began };
        storm.sweep_and_relay(0).await;
        for _ in 0..15 {
            storm.sweep_and_relay(60).await;
        }
        storm
    }

    /// Sweeps after so many seconds, and relays what AGE has published.
    async fn sweep_and_relay(&self, seconds: i64) {
        self.channels.world.clock.advance(seconds);
        self.channels.world.sweep().await;
        self.channels.relay_published().await;
        self.channels.run().await;
    }

    /// The first notification comes at once, each incident has few, and their numbers and those of the e-mails sum to the events.
    async fn check_emails(&self) {
        let world = &self.channels.world;
        let incidents = world.list_incidents("").await;
        let (mut moments, mut sum) = (Vec::new(), 0);
        for incident in &incidents {
            assert_eq!(incident["eventCount"], (EVENTS / TYPES) as u64);
            let timeline = world.timeline(&incident["id"]).await;
            assert_eq!(timeline.json["hasEarlierEvents"], true);
            let notifications: Vec<&Value> =
                timeline.list("/timeline").iter().filter(|entry| entry["type"] == "notification").collect();
            let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
            let early =
                notifications.iter().filter(|notification| at(notification) <= self.began.plus_seconds(600)).count();
            assert!((1..=12).contains(&early), "{early} e-mails are about {}", incident["id"]);
            for notification in notifications {
                sum += notification["notification"]["newEventCount"].as_u64().unwrap();
                moments.push(at(notification));
            }
        }
        assert_eq!((incidents.len(), sum), (TYPES, EVENTS as u64), "the numbers in all notifications");
        assert_eq!(
            world.emails().iter().map(count_new_events).sum::<u64>(),
            EVENTS as u64,
            "the numbers in all e-mails"
        );
        assert_eq!(moments.iter().min(), Some(&self.began), "the first notification is sent at once");

        let sent = world.emails().iter().map(|email| email.at).collect::<Vec<_>>();
        // The burst of the line and the three of all engines; SNS suspends a subscription at more than 10 a second.
        assert!(most_within(&sent, 1) <= 5 + 3, "{sent:?}");
        // The burst of the line, what it gains in a minute beyond the reserve of the sweep, and one of each engine. The first engine takes
        // one of the burst.
        assert!(most_within(&sent, 60) < 5 + 3 + ENGINES.len(), "{sent:?}");
    }

    /// No channel gets more than its rate, and the numbers of each sum to the events.
    async fn check_channels(&self) {
        let [slack, teams, pager, hook] =
            [SLACK_HOST, TEAMS_HOST, PAGER_HOST, HOOK_HOST].map(|host| self.channels.receivers.of(host));
        let rates = [(&slack, 1, 1), (&teams, 1, 4), (&pager, 60, 120)];
        for (requests, seconds, most) in rates {
            let times = requests.iter().map(|request| request.at).collect::<Vec<_>>();
            assert!(most_within(&times, seconds) <= most, "{times:?}");
        }
        assert!(slack.len() <= 60 && teams.len() <= 60, "{} and {} messages", slack.len(), teams.len());
        for (name, requests) in [(SLACK, &slack), (TEAMS, &teams), (PAGER, &pager)] {
            let sum = requests.iter().map(|request| new_events(&request.json)).sum::<u64>();
            assert_eq!(sum, EVENTS as u64, "the numbers in all messages to {name}");
        }
        let incidents = hook.iter().flat_map(|request| request.json["incidents"].as_array().unwrap());
        let sum = incidents.map(|incident| incident["newEventCount"].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum, EVENTS as u64, "the numbers in all messages to the webhook");
        for name in NAMES {
            assert!(self.channels.pending(name).await.is_empty(), "{name}");
        }
    }

    /// The pager has one alert of each incident, and resolves it when the incident is resolved.
    async fn check_pager(&self) {
        let triggered = alerts(&self.channels.receivers.of(PAGER_HOST), "trigger");
        assert_eq!(triggered.len(), TYPES);
        let world = &self.channels.world;
        let incidents = world.list_incidents("").await;
        let ids: Vec<&str> = incidents.iter().map(|incident| incident["id"].as_str().unwrap()).collect();
        let resolved = world.post_json("/api/governance/incidents/resolve", &json!({ "ids": ids })).await;
        assert_eq!(resolved.status, 200, "{resolved:?}");
        self.sweep_and_relay(60).await;
        self.sweep_and_relay(60).await;
        let pager = self.channels.receivers.of(PAGER_HOST);
        assert_eq!((alerts(&pager, "resolve"), alerts(&pager, "trigger")), (triggered.clone(), triggered));
        assert_eq!(pager.iter().filter(|request| request.json["event_action"] == "resolve").count(), TYPES);
    }
}

/// Returns the most of `times` that are within so many seconds.
fn most_within(times: &[Timestamp], seconds: i64) -> usize {
    let within = |from: &Timestamp| times.iter().filter(|at| from <= *at && **at < from.plus_seconds(seconds)).count();
    times.iter().map(within).max().unwrap_or_default()
}

/// Returns the number of new events that a message says: in the title of several notices, or as a fact of one.
fn new_events(message: &Value) -> u64 {
    let texts = texts(message);
    let of_several = |text: &str| text.split_once(" with ")?.1.split_once(" new event")?.0.parse::<u64>().ok();
    let of_one = |text: &str| text.trim_start_matches("Events\n").split_once(" new, ")?.0.parse::<u64>().ok();
    let found = texts.iter().find_map(|text| of_several(text)).or_else(|| texts.iter().find_map(|text| of_one(text)));
    found.unwrap_or_default()
}

/// Returns all texts of `json`, in their order.
fn texts(json: &Value) -> Vec<&str> {
    match json {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Returns the keys of the alerts that got an event with this action.
fn alerts(events: &[ReceivedRequest], action: &str) -> BTreeSet<String> {
    let events = events.iter().filter(|request| request.json["event_action"] == action);
    events.map(|request| request.json["dedup_key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_storm_sends_few_messages_that_count_every_event() {
    let storm = Storm::run().await;
    storm.check_emails().await;
    storm.check_channels().await;
    storm.check_pager().await;
}
