//! Random lifecycles of alerts: they fire, repeat, are resolved and fire again; two senders; restarts; clock steps; lost responses.
//!
//! The number of events equals the number of occurrences, by a reference model. Nothing is verified, resolved or silent while it was
//! heard firing since.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::repeats::alert;
use crate::world::proxy::Fault;
use crate::world::{Api, World};

const LATE_COPY: i64 = 60;
const DAY: i64 = 86_400;
/// AGE records that an alert is still heard at most once in these seconds.
const HEARD_PRECISION: i64 = 60;

/// The event type, instance and severity of each alert. Two of them have one incident key.
const ALERTS: [(&str, &str, &str); 3] =
    [("Down", "a", "critical"), ("Down", "b", "critical"), ("SyncFailed", "a", "error")];

#[derive(Debug, Clone)]
enum Step {
    /// An alert that fires ends; one that does not begins to fire, with the start that it had before or a new one.
    Change {
        alert: usize,
        anew: bool,
    },
    /// The senders send the alerts that have fired, some of them twice; a response may be lost.
    Send {
        senders: usize,
        lost: Option<usize>,
    },
    /// The worker reports that all remediations have succeeded.
    Succeed,
    Acknowledge,
    Restart,
    Wait {
        seconds: i64,
    },
    /// The clock of the environments is set back.
    SetClockBack,
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = prop::sample::select(vec![5, 20, 61, 130, 600, 1500, 4000, DAY / 3, DAY + 1]);
    prop_oneof![
        6 => (0..ALERTS.len(), prop::bool::weighted(0.3)).prop_map(|(alert, anew)| Step::Change { alert, anew }),
        8 => (1..3_usize, prop::option::weighted(0.2, 0..4_usize)).prop_map(|(senders, lost)| Step::Send { senders, lost }),
        2 => Just(Step::Succeed),
        1 => Just(Step::Acknowledge),
        1 => Just(Step::Restart),
        6 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::SetClockBack),
    ]
}

/// An alert at its sender.
#[derive(Debug, Clone, Default)]
struct Sent {
    starts: u32,
    ends: u32,
    is_firing: bool,
    is_known: bool,
}

/// What AGE must know of an alert with one start.
#[derive(Debug, Clone, Default)]
struct Known {
    occurrences: u64,
    resolutions: u64,
    /// When it was last reported as resolved, unless it fires.
    resolved_at: Option<Timestamp>,
    /// When its current occurrence was accepted.
    occurred_at: Option<Timestamp>,
    /// When it was heard firing.
    heard: Vec<Timestamp>,
    /// When it was heard firing by a report that is no copy of the message of its event.
    signs: Vec<Timestamp>,
    last_end: String,
}

impl Known {
    fn hear(&mut self, status: &str, end: &str, now: Timestamp) {
        let is_open = self.occurrences > 0 && self.resolved_at.is_none();
        match status {
            "firing" => {
                let is_late = self.resolved_at.is_some_and(|at| now < at.plus_seconds(LATE_COPY));
                if !is_open && !is_late {
                    self.occurrences += 1;
                    (self.resolved_at, self.occurred_at) = (None, Some(now));
                    self.signs.push(now);
                }
                if !is_late {
                    self.heard.push(now);
                    // Within a minute of an event, a report is a copy of the same message.
                    self.signs.extend(self.occurred_at.filter(|at| at.plus_seconds(60) <= now).map(|_| now));
                }
            }
            _ if is_open && end != self.last_end => {
                self.resolutions += 1;
                self.resolved_at = Some(now);
                end.clone_into(&mut self.last_end);
            }
            _ => {}
        }
    }
}

struct History {
    world: World,
    apis: Vec<Api>,
    sent: Vec<Sent>,
    known: BTreeMap<(usize, u32), Known>,
    /// The ids of the incidents that have resolved.
    resolved: BTreeSet<String>,
}

impl History {
    async fn new() -> Self {
        let world = World::new().await;
        let apis = vec![world.new_environment().await, world.new_environment().await];
        Self {
            world,
            apis,
            sent: vec![Sent::default(); ALERTS.len()],
            known: BTreeMap::new(),
            resolved: BTreeSet::new(),
        }
    }

    fn body(&self) -> (Value, Vec<(usize, u32, &'static str, String)>) {
        let mut alerts = Vec::new();
        let mut reports = Vec::new();
        for (index, (sent, (name, instance, severity))) in self.sent.iter().zip(ALERTS).enumerate() {
            if sent.starts == 0 || (!sent.is_firing && !sent.is_known) {
                continue;
            }
            let status = if sent.is_firing { "firing" } else { "resolved" };
            let start = format!("2026-11-22T{:02}:00:00.000Z", sent.starts % 24);
            let end = format!("2026-11-23T00:{:02}:{:02}.000Z", sent.ends / 60 % 60, sent.ends % 60);
            let mut one = alert(name, instance, severity, &start, status);
            if status == "resolved" {
                one["endsAt"] = json!(end);
            }
            alerts.push(one);
            reports.push((index, sent.starts, status, end));
        }
        (json!({ "version": "4", "alerts": alerts }), reports)
    }

    async fn send(&mut self, api: usize, lost: Option<usize>) {
        let (body, reports) = self.body();
        if let Some(calls) = lost {
            self.world.dynamodb.set_fault_at(calls, Fault::DropResponse, Fault::DropResponse);
            self.apis[api].post_json("/api/governance/intake/alertmanager", &body).await;
            self.world.dynamodb.reset();
        }
        let response = self.apis[api].post_json("/api/governance/intake/alertmanager", &body).await;
        assert_eq!(response.status, 200, "{response:?}");
        let now = self.world.clock.now();
        for (index, starts, status, end) in reports {
            self.known.entry((index, starts)).or_default().hear(status, &end, now);
            self.sent[index].is_known = true;
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Change { alert, anew } => {
                let sent = &mut self.sent[*alert];
                sent.is_firing = !sent.is_firing;
                if !sent.is_firing {
                    sent.ends += 1;
                } else if *anew || sent.starts == 0 {
                    (sent.starts, sent.is_known) = (sent.starts + 1, false);
                }
            }
            Step::Send { senders, lost } => {
                for sender in 0..*senders {
                    self.send(sender, lost.filter(|_| sender == 0)).await;
                    self.world.clock.advance_millis(700);
                }
            }
            Step::Succeed => {
                for event in self.world.list_events("/api/governance/events?severity=HIGH&limit=200").await {
                    let id = event["id"].as_str().unwrap();
                    let path = format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome");
                    self.world.post_json(&path, &json!({ "outcome": "succeeded" })).await;
                }
            }
            Step::Acknowledge => {
                for incident in self.world.list_incidents("&status=open").await {
                    let id = incident["id"].as_str().unwrap();
                    self.world.send("POST", &format!("/api/governance/incidents/{id}/acknowledge"), &[], b"").await;
                }
            }
            Step::Restart => self.apis[0] = self.world.new_environment().await,
            Step::Wait { seconds } => {
                self.world.clock.advance(*seconds);
                self.world.sweep().await;
            }
            Step::SetClockBack => self.world.clock.advance(-3),
        }
    }

    async fn check(&self) {
        let events = self.world.list_events("/api/governance/events?limit=200").await;
        let count = |status: &str| events.iter().filter(|event| event["details"]["status"] == status).count() as u64;
        let expected = |number: fn(&Known) -> u64| self.known.values().map(number).sum::<u64>();
        assert_eq!(count("firing"), expected(|known| known.occurrences), "{:?}", self.known);
        assert_eq!(count("resolved"), expected(|known| known.resolutions), "{:?}", self.known);
        self.check_verifications(&events).await;
    }

    /// No remediation is verified whose alert was heard firing between its success and its verification.
    async fn check_verifications(&self, events: &[Value]) {
        for event in events.iter().filter(|event| event["severity"] == "HIGH") {
            let stored = self.world.get(&format!("/api/governance/events/{}", event["id"].as_str().unwrap())).await;
            for action in stored.list("/actions").iter().filter(|action| action["status"] == "verified") {
                let time = |field: &str| action[field].as_str().unwrap().parse::<Timestamp>().unwrap();
                let (from, to) = (time("completedAt"), time("completedAt").plus_seconds(3600));
                let signs = self.known.iter().filter(|((index, _), _)| *index == 2).flat_map(|(_, known)| &known.signs);
                let counted = |at: &&Timestamp| from < **at && **at <= to;
                assert_eq!(signs.filter(counted).collect::<Vec<_>>(), Vec::<&Timestamp>::new(), "{action}");
            }
        }
    }

    /// No incident resolved by itself in the last step while an alert of its key was firing that had been heard within a day.
    ///
    /// After each step, because times do not tell what was heard first: the clock may have been set back since.
    async fn check_new_resolutions(&mut self) {
        for incident in self.world.list_incidents("&status=resolved").await {
            if !self.resolved.insert(incident["id"].as_str().unwrap().to_owned())
                || incident["cause"] == "engine_silent"
            {
                continue;
            }
            assert_eq!(incident["resolved"]["by"], Value::Null);
            let at: Timestamp = incident["resolved"]["at"].as_str().unwrap().parse().unwrap();
            let of_its_key = |index: usize| incident["eventType"] == ALERTS[index].0;
            for ((index, _), known) in self.known.iter().filter(|((index, _), _)| of_its_key(*index)) {
                let heard = known.heard.iter().max().filter(|_| known.resolved_at.is_none());
                let recently = heard.is_some_and(|heard| heard.plus_seconds(DAY - HEARD_PRECISION) > at);
                assert!(!recently, "{index} {known:?} {incident}");
            }
        }
    }
}

fn cases() -> u32 {
    if std::env::var_os("CI").is_some() { 60 } else { 12 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn alert_lifecycle_is_counted_once_and_nothing_is_over_while_it_is_heard(steps in prop::collection::vec(step(), 20..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut history = History::new().await;
            history.world.sweep().await;
            for step in &steps {
                history.take(step).await;
                history.check_new_resolutions().await;
            }
            history.check().await;
        });
    }
}
