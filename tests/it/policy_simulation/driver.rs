//! Really running a week: its events, workers, people and sweeps.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    Action, ApprovalDecision, Clock, EventId, IncidentChangeKind, IncidentId, IncidentKey, IncidentStatus, Outcome,
    Timestamp,
};
use age_policy::Policy;
use age_scoring::simulation::{History, RecordedIncident};
use age_store::IncidentStates;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::random_week::ALERTS;
use crate::world::RETENTION_DAYS;

/// The inputs of a week.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// Each step, with the milliseconds after the one before.
    pub(super) steps: Vec<(i64, Step)>,
    /// The answers of workers, each with its delay in milliseconds.
    pub(super) answers: Vec<(Option<Outcome>, i64)>,
    /// How many minutes pass after the last step.
    pub(super) minutes_after: i64,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// An engine reports an event.
    Event { engine: &'static str, event_type: &'static str, severity: &'static str },
    /// Events of several engines are sent in one request: each with its engine, event type and severity.
    Batch { events: Vec<(&'static str, &'static str, &'static str)> },
    /// An alert begins to fire, or is resolved.
    Alert { alert: usize },
    /// A responder decides on one of the pending approvals.
    Decide { of: Index, decision: ApprovalDecision },
    /// A person changes one of the incidents.
    Change { of: Index, command: Command, by: &'static str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Acknowledge,
    Resolve,
    Comment,
    Reopen,
}

/// Which run of a week.
#[derive(Clone, Copy)]
pub(super) enum World<'a> {
    /// The first one.
    First(&'a Script),
    /// One with the same inputs as the recorded one.
    Again(&'a Script, &'a History),
}

/// Something that is done at its time.
#[derive(Debug, Clone)]
enum Input {
    Step(usize, Step),
    /// A responder decides as was recorded.
    Decide(EventId, Action, ApprovalDecision),
    /// A person does what was recorded: the change at this place.
    Change(RecordedIncident, usize),
}

/// A world and what is going on in it.
pub(super) struct Driver {
    pub(super) world: crate::world::World,
    intervals: BTreeMap<String, i64>,
    /// The number of requests to workers that were seen.
    seen: usize,
    outcomes: BTreeSet<(Timestamp, EventId, Action, &'static str)>,
    silence: BTreeSet<Timestamp>,
    last_sweep: Timestamp,
    /// Whether each alert fires, and how often it has begun and ended.
    alerts: BTreeMap<usize, (bool, u32)>,
    pub(super) sweeps: usize,
    /// Whether the sweep runs every minute.
    pub(super) sweeps_always: bool,
}

const MINUTE: i64 = 60_000;

impl Driver {
    /// Starts a world under `policy`, whose first sweep has run.
    pub(super) async fn new(policy: Policy) -> Self {
        let intervals = policy.engines.iter().map(|(engine, it)| (engine.to_string(), it.expected_interval_seconds));
        let intervals = intervals.collect();
        let world = crate::world::World::with_policy(&policy).await;
        world.sweep().await;
        let last_sweep = world.clock.now();
        let (outcomes, silence, alerts) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let (seen, sweeps, sweeps_always) = (0, 0, false);
        let mut driver = Self { world, intervals, seen, outcomes, silence, last_sweep, alerts, sweeps, sweeps_always };
        for engine in driver.intervals.keys().cloned().collect::<Vec<_>>() {
            driver.expect_silence(&engine);
        }
        driver
    }

    /// Returns when the week begins.
    pub(super) fn begin(&self) -> Timestamp {
        self.world.clock.now().floor_hour()
    }

    pub(super) async fn run(&mut self, run: World<'_>) {
        let (World::First(script) | World::Again(script, _)) = run;
        let (mut at, begin) = (self.world.clock.now(), self.world.clock.now());
        let mut inputs: Vec<(Timestamp, u8, Input)> = Vec::new();
        for (index, (pause, step)) in script.steps.iter().enumerate() {
            at = at.plus_millis(*pause);
            let is_replaced =
                matches!(run, World::Again(..)) && matches!(step, Step::Decide { .. } | Step::Change { .. });
            if !is_replaced {
                inputs.push((at, 0, Input::Step(index, step.clone())));
            }
        }
        let end = at.plus_seconds(script.minutes_after * 60);
        if let World::Again(_, history) = run {
            inputs.extend(recorded_inputs(history).filter(|(at, ..)| *at > begin));
        }
        inputs.sort_by_key(|(at, order, _)| (*at, *order));
        let mut inputs = inputs.into_iter().peekable();
        loop {
            let outcome = self.outcomes.first().map(|(at, ..)| *at);
            let next = [outcome, inputs.peek().map(|(at, ..)| *at)].into_iter().flatten().min();
            let sweep = self.next_sweep();
            if let Some(sweep) = sweep.filter(|sweep| *sweep < end && next.is_none_or(|next| *sweep < next)) {
                self.world.clock.set(sweep);
                self.world.sweep().await;
                (self.last_sweep, self.sweeps) = (sweep, self.sweeps + 1);
                self.silence.retain(|at| *at > sweep);
            } else if let Some(next) = next.filter(|next| *next < end) {
                self.world.clock.set(next);
                if outcome == Some(next) && inputs.peek().is_none_or(|(at, ..)| *at > next) {
                    self.report_outcome().await;
                } else if let Some((_, _, input)) = inputs.next() {
                    self.take(input).await;
                }
            } else {
                break;
            }
            self.see_requests(run);
        }
        self.world.clock.set(end);
    }

    /// Returns the first minute after the last sweep at which something is due.
    fn next_sweep(&self) -> Option<Timestamp> {
        let earliest = self.last_sweep.plus_millis(MINUTE);
        if self.sweeps_always {
            return Some(earliest);
        }
        let actions = self.due_times("Actions");
        let incidents = self.due_times("Incidents");
        let (actions, incidents) = (actions.into_iter(), incidents.into_iter());
        let due = actions.chain(incidents).chain(self.silence.first().copied()).min()?;
        let minute = Timestamp::from_millis((due.millis() + MINUTE - 1).div_euclid(MINUTE) * MINUTE);
        Some(minute.max(earliest))
    }

    /// Returns when the rows of `table` are due.
    fn due_times(&self, table: &str) -> Vec<Timestamp> {
        let read = json!({ "TableName": table, "ProjectionExpression": "due_key" });
        let rows = self.world.dynamodb.call("Scan", &read);
        let keys = rows["Items"].as_array().unwrap().iter().filter_map(|row| row["due_key"]["S"].as_str());
        keys.map(|key| key.rsplit('#').next().unwrap().parse().unwrap()).collect()
    }

    async fn take(&mut self, input: Input) {
        let now = self.world.clock.now();
        // A heartbeat, or a person who has resolved a silence.
        self.silence.insert(now.plus_millis(1));
        match input {
            Input::Step(index, Step::Event { engine, event_type, severity }) => {
                let event = crate::world::event(engine, event_type, severity);
                let sent = self.world.post_keyed(&event, &format!("key-{index}")).await;
                assert_eq!(sent.status, 201, "{sent:?}");
                self.expect_silence(engine);
            }
            Input::Step(index, Step::Batch { events }) => {
                let with_key = |(place, (engine, event_type, severity)): (usize, &(&str, &str, &str))| {
                    let mut event = crate::world::event(engine, event_type, severity);
                    event["idempotencyKey"] = format!("key-{index}-{place}").into();
                    event
                };
                let body: Vec<Value> = events.iter().enumerate().map(with_key).collect();
                let sent = self.world.post_json("/api/governance/events", &json!(body)).await;
                assert_eq!(sent.status, 200, "{sent:?}");
                for (engine, ..) in events {
                    self.expect_silence(engine);
                }
            }
            Input::Step(_, Step::Alert { alert }) => self.send_alert(alert).await,
            Input::Step(_, Step::Decide { of, decision }) => {
                let pending = self.world.get("/api/governance/actions?status=pending_approval").await;
                let pending = pending.list("/actions").to_vec();
                if !pending.is_empty() {
                    self.decide(&pending[of.index(pending.len())], decision).await;
                }
            }
            Input::Step(_, Step::Change { of, command, by }) => {
                let incidents = self.world.list_incidents("").await;
                if !incidents.is_empty() {
                    let id = incidents[of.index(incidents.len())]["id"].as_str().unwrap().to_owned();
                    self.change(&id, command, by).await;
                }
            }
            Input::Decide(event, action, decision) => {
                let stored = self.world.get(&format!("/api/governance/events/{event}")).await;
                let item = stored.list("/actions").iter().find(|item| item["action"] == action.as_str()).cloned();
                if let Some(item) = item.filter(|item| item["status"] == "pending_approval") {
                    self.decide(&item, decision).await;
                }
            }
            Input::Change(incident, place) => self.change_again(&incident, place).await,
        }
    }

    async fn send_alert(&mut self, alert: usize) {
        let (name, severity, engine) = ALERTS[alert];
        let (is_firing, number) = self.alerts.entry(alert).or_default();
        *is_firing = !*is_firing;
        *number += 1;
        let status = if *is_firing { "firing" } else { "resolved" };
        let ends_at = format!("2026-11-23T00:{:02}:{:02}Z", *number / 60 % 60, *number % 60);
        let body = json!({
            "status": status, "labels": {"alertname": name, "engine": engine, "severity": severity},
            "annotations": {}, "startsAt": "2026-11-23T00:00:00.000Z",
            "endsAt": if *is_firing { "0001-01-01T00:00:00Z".to_owned() } else { ends_at },
            "generatorURL": "", "fingerprint": format!("{name}-{alert}"),
        });
        let body = json!({ "version": "4", "alerts": [body] });
        let sent = self.world.post_json("/api/governance/intake/alertmanager", &body).await;
        assert_eq!(sent.status, 200, "{sent:?}");
        self.expect_silence(engine);
    }

    async fn decide(&self, item: &Value, decision: ApprovalDecision) {
        let (event, action) = (item["eventId"].as_str().unwrap(), item["action"].as_str().unwrap());
        let path = format!("/api/governance/events/{event}/actions/{action}/approval");
        let body = json!({ "decision": decision, "digest": item["digest"] });
        let decided = self.world.as_caller("night-desk").post_json(&path, &body).await;
        assert!([200, 409].contains(&decided.status), "{decided:?}");
    }

    async fn change(&self, id: &str, command: Command, by: &str) {
        let (verb, body) = match command {
            Command::Acknowledge => ("acknowledge", json!({})),
            Command::Resolve => ("resolve", json!({})),
            Command::Reopen => ("reopen", json!({ "note": "not over" })),
            Command::Comment => ("comments", json!({ "note": self.world.clock.now().to_string() })),
        };
        let path = format!("/api/governance/incidents/{id}/{verb}");
        let changed = self.world.as_caller(by).post_json(&path, &body).await;
        assert!([200, 409].contains(&changed.status), "{changed:?}");
    }

    /// A person does what was recorded: with the incident of the same id if it is the latest of its key, or else with the one that is
    /// open for the key.
    async fn change_again(&self, incident: &RecordedIncident, place: usize) {
        let change = &incident.changes[place];
        let command = match change.kind {
            IncidentChangeKind::Acknowledged | IncidentChangeKind::TakenOver => Command::Acknowledge,
            IncidentChangeKind::Commented => Command::Comment,
            IncidentChangeKind::Resolved => Command::Resolve,
            IncidentChangeKind::Reopened => Command::Reopen,
            IncidentChangeKind::Unknown(_) => return,
        };
        let states = IncidentStates::new(&self.world.db(), "Incidents", RETENTION_DAYS);
        let latest = states.get(&incident.id.key).await.unwrap().state.incident;
        let Some(latest) = latest else { return };
        if latest.opened_at == incident.id.opened_at || latest.status != IncidentStatus::Resolved {
            let key: IncidentKey = incident.id.key.clone();
            let id = IncidentId { key, opened_at: latest.opened_at };
            self.change(&id.to_string(), command, change.by.as_ref().unwrap().as_str()).await;
        }
    }

    /// Looks at the requests to workers, who answer as the run says.
    fn see_requests(&mut self, run: World<'_>) {
        let requests = self.world.sns.published("actions");
        for request in &requests[self.seen..] {
            let message: Value = serde_json::from_str(&request.message).unwrap();
            let event: EventId = message["eventId"].as_str().unwrap().parse().unwrap();
            let action: Action = message["action"].as_str().unwrap().parse().unwrap();
            let answer = match run {
                World::First(script) => {
                    let (outcome, after) = script.answers[self.seen % script.answers.len()];
                    outcome.map(|outcome| (outcome, after))
                }
                World::Again(_, history) => {
                    let recorded = history.actions.iter().find(|it| (it.event_id, it.action) == (event, action));
                    recorded.and_then(age_scoring::simulation::RecordedAction::outcome)
                }
            };
            if let Some((outcome, after)) = answer {
                self.outcomes.insert((request.at.plus_millis(after), event, action, outcome.as_str()));
            }
            self.seen += 1;
        }
    }

    async fn report_outcome(&mut self) {
        let (_, event, action, outcome) = self.outcomes.pop_first().unwrap();
        let path = format!("/api/governance/events/{event}/actions/{action}/outcome");
        let reported = self.world.post_json(&path, &json!({ "outcome": outcome })).await;
        assert!([200, 409].contains(&reported.status), "{reported:?}");
    }

    /// Has the sweep look once `engine` may be silent.
    fn expect_silence(&mut self, engine: &str) {
        let interval = self.intervals.get(engine).copied().unwrap_or_default();
        if interval > 0 {
            self.silence.insert(self.world.clock.now().plus_seconds(interval).plus_millis(1));
        }
    }
}

/// Returns what people did.
fn recorded_inputs(history: &History) -> impl Iterator<Item = (Timestamp, u8, Input)> {
    let decisions = history.actions.iter().filter_map(|action| {
        let approval = action.approval.as_ref()?;
        Some((approval.decided_at?, 1, Input::Decide(action.event_id, action.action, approval.decision?)))
    });
    let changes = history.incidents.iter().flat_map(|incident| {
        let by_people = incident.changes.iter().enumerate().filter(|(_, change)| change.by.is_some());
        by_people.map(|(place, change)| (change.at, 2, Input::Change(incident.clone(), place)))
    });
    decisions.chain(changes)
}
