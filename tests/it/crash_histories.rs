//! Random histories of actions and incidents, compared with a reference model, with a crash at any I/O call.
//!
//! After a step without a crash, the system must have exactly the model's state. After a crash, each action must have its state
//! from before the step, the model's state, or one in between. The later steps and sweeps must complete every action.

use std::collections::{BTreeMap, BTreeSet};

use age_model::ActionStatus::{
    Denied, Dispatched, Expired, Failed, Ineffective, Pending, PendingApproval, Succeeded, Suppressed, TimedOut,
    Undeliverable, Verified,
};
use age_model::{Action, ActionItem, ActionStatus, Clock, EventId, Timestamp};
use age_store::Actions;
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::incidents::count_new_events;
use crate::world::proxy::Fault;
use crate::world::{World, event};

/// The times that the policy must have, written again so that a changed policy fails the test.
const RETRIES: [i64; 5] = [10, 60, 300, 1800, 7200];
const REPEAT_WINDOW: i64 = 600;
const OUTCOME_TIMEOUT: i64 = 1800;
const VERIFY: i64 = 3600;
const DAY: i64 = 86_400;

/// The engine, event type and remediation of each problem.
const PROBLEMS: [(&str, &str, Action); 3] = [
    ("billing", "invoice_sync_failed", Action::BillingSyncRepair),
    ("compliance", "permission_escalated", Action::PermissionReset),
    ("maos", "task_lost", Action::MaosAutoFix),
];

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    Event { problem: usize, critical: bool },
    Outcome { of: usize, succeeded: bool },
    Approval { of: usize, approve: bool },
    Change { problem: usize, resolve: bool },
    Wait { seconds: i64 },
    Sweep { at_once: usize },
    Sns { refusing: bool },
}

/// A fault at one call of a step. If it is lasting, all later calls fail as well, as if the function had ended there.
#[derive(Debug, Clone, Copy)]
struct Crash {
    at: usize,
    how: Fault,
    lasting: bool,
}

fn step() -> impl Strategy<Value = (Step, Option<Crash>)> {
    let seconds = prop::sample::select(vec![1, 10, 31, 60, 300, 601, 1801, 3601, 7201, DAY + 1]);
    let step = prop_oneof![
        5 => (0..PROBLEMS.len(), any::<bool>()).prop_map(|(problem, critical)| Step::Event { problem, critical }),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(of, succeeded)| Step::Outcome { of, succeeded }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(of, approve)| Step::Approval { of, approve }),
        1 => (0..PROBLEMS.len(), any::<bool>()).prop_map(|(problem, resolve)| Step::Change { problem, resolve }),
        4 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        4 => (1..3_usize).prop_map(|at_once| Step::Sweep { at_once }),
        1 => any::<bool>().prop_map(|refusing| Step::Sns { refusing }),
    ];
    let how = prop::sample::select(vec![Fault::Refuse, Fault::DropResponse]);
    let crash = (any::<usize>(), how, any::<bool>()).prop_map(|(at, how, lasting)| Crash { at, how, lasting });
    (step, prop::option::weighted(0.25, crash)).prop_map(|(step, crash)| {
        // About the number of calls that the step makes, so that a crash may come at any of them, or sometimes after the last.
        let calls = match &step {
            Step::Event { .. } => 18,
            Step::Sweep { .. } => 70,
            _ => 12,
        };
        (step, crash.map(|crash| Crash { at: crash.at % calls, ..crash }))
    })
}

type ActionKey = (EventId, Action);

/// The model's state of one problem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ProblemState {
    ineffective: Vec<Timestamp>,
    /// The event count and the failed remediations of the incident that is not resolved.
    incident: Option<(u64, u64)>,
    /// Whether the incident has a `notify_admin` action.
    has_notify_admin: bool,
    /// Whether the incident is acknowledged.
    is_acknowledged: bool,
    /// The time of the last event, failed remediation or acknowledgement.
    last_occurrence: Option<Timestamp>,
}

impl ProblemState {
    /// Whether AGE may have resolved the incident. The model does not know whether it did: that also depends on the e-mails.
    fn may_be_resolved(&self, now: Timestamp) -> bool {
        self.is_acknowledged && self.last_occurrence.is_some_and(|at| at.plus_seconds(DAY) <= now)
    }
}

/// The expected state of the system.
#[derive(Debug, Clone)]
struct Model {
    now: Timestamp,
    sns: bool,
    items: BTreeMap<ActionKey, ActionItem>,
    problems: [ProblemState; 3],
    /// The action requests that the current step must publish.
    sent: BTreeSet<ActionKey>,
}

fn problem_of(item: &ActionItem) -> usize {
    PROBLEMS.iter().position(|(engine, _, _)| *engine == item.engine.as_str()).unwrap()
}

/// Returns when the status of an action changes without a request. Notifications about an approval come before.
fn next_step_at(item: &ActionItem) -> Option<Timestamp> {
    match item.status {
        PendingApproval => item.approve_by,
        Expired => None,
        _ => item.due_at,
    }
}

impl Model {
    fn event(&mut self, id: EventId, problem: usize, critical: bool, template: &ActionItem) {
        let now = self.now;
        let is_disproved = |item: &&mut ActionItem| {
            let verified_at = |at: Timestamp| at < now && now <= at.plus_seconds(VERIFY);
            let is_remediation = problem_of(item) == problem && item.action == PROBLEMS[problem].2;
            is_remediation && item.status == Succeeded && item.completed_at.is_some_and(verified_at)
        };
        let mut failed_remediations = 0;
        for item in self.items.values_mut().filter(is_disproved) {
            (item.status, item.due_at) = (Ineffective, None);
            failed_remediations += 1;
        }
        let state = &mut self.problems[problem];
        state.ineffective.extend((0..failed_remediations).map(|_| now));
        state.ineffective.retain(|at| at.plus_seconds(DAY) > now);
        let given_up = state.ineffective.len() >= 3;
        if state.incident.is_none() && (failed_remediations > 0 || critical || given_up) {
            // The incident counts the event of the ineffective remediation.
            (state.incident, state.has_notify_admin) = (Some((u64::from(failed_remediations > 0), 0)), false);
        }
        if let Some((counted, failed_remediations_counted)) = &mut state.incident {
            *counted += 1;
            *failed_remediations_counted += failed_remediations;
            state.last_occurrence = Some(now);
        }
        if critical {
            let status = if std::mem::replace(&mut state.has_notify_admin, true) { Suppressed } else { Pending };
            self.add(ActionItem {
                event_id: id,
                action: Action::NotifyAdmin,
                status,
                due_at: None,
                ..template.clone()
            });
        }
        let action = PROBLEMS[problem].2;
        let running = |item: &ActionItem| {
            let recent = item.created_at.plus_seconds(REPEAT_WINDOW) > now;
            problem_of(item) == problem && item.action == action && item.status.is_running() && recent
        };
        let item = ActionItem { event_id: id, action, due_at: None, ..template.clone() };
        if given_up || self.items.values().any(running) {
            self.add(ActionItem { status: Suppressed, ..item });
        } else if action == Action::PermissionReset {
            let approve_by = Some(now.plus_seconds(DAY));
            self.add(ActionItem { status: PendingApproval, attempt: 0, approve_by, ..item });
        } else {
            self.add(ActionItem { status: Pending, attempt: 0, due_at: Some(now), ..item });
            self.dispatch((id, action));
        }
    }

    fn add(&mut self, item: ActionItem) {
        self.items.insert((item.event_id, item.action), item);
    }

    /// Makes one attempt to dispatch an action.
    fn dispatch(&mut self, key: ActionKey) {
        let (now, up) = (self.now, self.sns);
        let item = self.items.get_mut(&key).unwrap();
        item.attempt += 1;
        if up {
            (item.status, item.due_at, item.last_failed_at) =
                (Dispatched, Some(now.plus_seconds(OUTCOME_TIMEOUT)), None);
            self.sent.insert(key);
            return;
        }
        item.last_failed_at = Some(now);
        match RETRIES.get(item.attempt as usize - 1) {
            Some(wait) => item.due_at = Some(now.plus_seconds(*wait)),
            None => self.end(key, Undeliverable),
        }
    }

    fn end(&mut self, key: ActionKey, status: ActionStatus) {
        let now = self.now;
        let item = self.items.get_mut(&key).unwrap();
        (item.status, item.due_at) = (status, None);
        if [Failed, TimedOut, Undeliverable].contains(&status) {
            let state = &mut self.problems[problem_of(item)];
            if state.incident.is_none() {
                (state.incident, state.has_notify_admin) = (Some((1, 0)), false);
            }
            state.incident.as_mut().unwrap().1 += 1;
            state.last_occurrence = Some(now);
        }
    }

    fn outcome(&mut self, key: ActionKey, succeeded: bool) {
        let now = self.now;
        let Some(item) = self.items.get_mut(&key).filter(|item| [Pending, Dispatched].contains(&item.status)) else {
            return;
        };
        item.completed_at = Some(now);
        if succeeded {
            (item.status, item.due_at) = (Succeeded, Some(now.plus_seconds(VERIFY)));
        } else {
            self.end(key, Failed);
        }
    }

    fn approval(&mut self, key: ActionKey, approve: bool) {
        let now = self.now;
        let waits =
            |item: &&mut ActionItem| item.status == PendingApproval && item.approve_by.is_some_and(|at| at > now);
        let Some(item) = self.items.get_mut(&key).filter(waits) else { return };
        (item.status, item.due_at) = if approve { (Pending, Some(now)) } else { (Denied, None) };
    }

    fn sweep(&mut self) {
        let now = self.now;
        let due: Vec<ActionKey> = self
            .items
            .iter()
            .filter(|(_, item)| next_step_at(item).is_some_and(|due_at| due_at <= now))
            .map(|(key, _)| *key)
            .collect();
        let mut retries = Vec::new();
        for key in due {
            match self.items[&key].status {
                Pending => retries.push(key),
                PendingApproval => self.end(key, Expired),
                Dispatched => self.end(key, TimedOut),
                Succeeded => self.end(key, Verified),
                status => panic!("a due action is {status}"),
            }
        }
        if retries.is_empty() {
            return;
        }
        // If SNS works again, the sweep also dispatches the actions that wait for their next attempt.
        let waits = |item: &ActionItem| item.status == Pending && item.last_failed_at.is_some();
        let waiting: Vec<ActionKey> = self.items.iter().filter(|(_, item)| waits(item)).map(|(key, _)| *key).collect();
        for key in waiting.into_iter().filter(|key| self.sns && !retries.contains(key)).collect::<Vec<_>>() {
            self.dispatch(key);
        }
        for key in retries {
            self.dispatch(key);
        }
    }
}

/// A system and its model, during a history.
struct CrashHistory {
    world: World,
    model: Model,
    events: Vec<(EventId, usize, bool)>,
    requests: usize,
    crashes: usize,
}

impl CrashHistory {
    async fn new() -> Self {
        let world = World::new().await;
        let model = Model {
            now: world.clock.now(),
            sns: true,
            items: BTreeMap::new(),
            problems: Default::default(),
            sent: BTreeSet::new(),
        };
        Self { world, model, events: Vec::new(), requests: 0, crashes: 0 }
    }

    async fn step(&mut self, number: usize, step: &Step, crash: Option<Crash>) {
        let before = self.model.clone();
        let unresolved = match step {
            Step::Change { problem, .. } => self.world.unresolved_incident(*problem).await,
            _ => None,
        };
        match crash {
            None => self.world.dynamodb.reset(),
            Some(Crash { at, how, lasting }) => {
                self.crashes += 1;
                self.world.dynamodb.set_fault_at(at, how, if lasting { Fault::Refuse } else { Fault::None });
            }
        }
        self.model.sent.clear();
        match *step {
            Step::Event { problem, critical } => self.event(number, problem, critical).await,
            Step::Outcome { of, succeeded } => self.outcome(of, succeeded).await,
            Step::Approval { of, approve } => self.approval(of, approve).await,
            Step::Change { problem, resolve } => self.change_incident(problem, resolve, unresolved).await,
            Step::Wait { seconds } => {
                self.world.clock.advance(seconds);
                self.model.now = self.world.clock.now();
            }
            Step::Sweep { at_once } => {
                let sweepers: Vec<_> = (0..at_once).map(|_| self.world.sweeper()).collect();
                join_all(sweepers.iter().map(age_governance::Sweep::run)).await;
                self.model.sweep();
            }
            Step::Sns { refusing } => {
                self.world.sns.set_refusing(refusing);
                self.model.sns = !refusing;
            }
        }
        self.world.dynamodb.reset();
        self.compare(&before, crash.is_some(), step).await;
    }

    async fn event(&mut self, number: usize, problem: usize, critical: bool) {
        let (engine, event_type, _) = PROBLEMS[problem];
        let (sent, key) =
            (event(engine, event_type, if critical { "CRITICAL" } else { "HIGH" }), format!("step-{number}"));
        let mut response = self.world.post_keyed(&sent, &key).await;
        if response.status == 503 {
            self.world.dynamodb.reset();
            response = self.world.post_keyed(&sent, &key).await;
        }
        assert!(matches!(response.status, 200 | 201), "{response:?}");
        let id: EventId = response.text("/id").parse().unwrap();
        self.events.push((id, problem, critical));
        let template: ActionItem = serde_json::from_value(response.list("/actions")[0].clone()).unwrap();
        let template = ActionItem { completed_at: None, last_failed_at: None, dispatched_at: None, ..template };
        self.model.event(id, problem, critical, &template);
    }

    async fn outcome(&mut self, of: usize, succeeded: bool) {
        let Some((id, problem, _)) = pick(&self.events, of) else { return };
        let action = PROBLEMS[problem].2;
        let path = format!("/api/governance/events/{id}/actions/{action}/outcome");
        let body = json!({ "outcome": if succeeded { "succeeded" } else { "failed" } });
        let response = self.world.post_json(&path, &body).await;
        assert!(matches!(response.status, 200 | 409 | 503), "{response:?}");
        self.model.outcome((id, action), succeeded);
    }

    async fn approval(&mut self, of: usize, approve: bool) {
        let Some((id, problem, _)) = pick(&self.events, of) else { return };
        let key = (id, PROBLEMS[problem].2);
        let digest = self.model.items[&key].digest.clone();
        let path = format!("/api/governance/events/{id}/actions/{}/approval", key.1);
        let body = json!({ "decision": if approve { "approve" } else { "deny" }, "digest": digest });
        let response = self.world.post_json(&path, &body).await;
        assert!(matches!(response.status, 200 | 409 | 503), "{response:?}");
        self.model.approval(key, approve);
    }

    async fn change_incident(&mut self, problem: usize, resolve: bool, unresolved: Option<Value>) {
        let Some(id) = unresolved.as_ref().and_then(|incident| incident["id"].as_str()) else { return };
        let path = format!("/api/governance/incidents/{id}/{}", if resolve { "resolve" } else { "acknowledge" });
        let response = self.world.post_json(&path, &json!({})).await;
        assert!(matches!(response.status, 200 | 409 | 503), "{response:?}");
        let state = &mut self.model.problems[problem];
        if resolve {
            state.incident = None;
        } else if !state.is_acknowledged {
            state.last_occurrence = Some(self.model.now);
        }
    }

    /// Compares the system with the model, and sets the model to the system's state.
    async fn compare(&mut self, before: &Model, crashed: bool, step: &Step) {
        let mut seen = BTreeMap::new();
        for (id, _, _) in &self.events {
            for item in self.world.items(*id).await {
                seen.insert((item.event_id, item.action), item);
            }
        }
        let keys = |items: &BTreeMap<ActionKey, ActionItem>| items.keys().copied().collect::<Vec<_>>();
        assert_eq!(keys(&seen), keys(&self.model.items), "an event lacks an action: {step:?}");
        for (key, item) in &seen {
            let expected = &self.model.items[key];
            if key.1 == Action::NotifyAdmin {
                // The status of this action follows the incident. Only whether it is suppressed is compared.
                assert_eq!(item.status == Suppressed, expected.status == Suppressed, "{step:?}: {item:?}");
                continue;
            }
            let progress = |item: &ActionItem| (item.status, item.attempt, next_step_at(item));
            if !crashed {
                assert_eq!(progress(item), progress(expected), "{step:?}: {item:?}");
                continue;
            }
            let previous = before.items.get(key);
            let is_in_between = item.status == Pending && previous.is_none_or(|previous| previous.status == Pending)
                || item.status == Undeliverable
                    && previous.is_some_and(|previous| previous.status == Pending && previous.attempt >= 5);
            let is_unchanged = previous.is_some_and(|previous| progress(previous) == progress(item));
            assert!(
                is_unchanged || is_in_between || item.status == expected.status,
                "{step:?}: {item:?} beside {expected:?}"
            );
        }
        let due_times = self.world.due_times().await;
        for (key, item) in &seen {
            let is_due_in_time = match (due_times.get(key), item.due_at) {
                (Some(at), Some(due_at)) => *at <= due_at,
                (at, due_at) => at.is_none() && due_at.is_none(),
            };
            assert!(is_due_in_time, "{step:?}: {item:?} is indexed at {:?}", due_times.get(key));
        }
        let requests = self.world.requests();
        let new = requests.get(self.requests..).unwrap();
        if !crashed {
            let mut sent: Vec<ActionKey> = self.model.sent.iter().copied().collect();
            let mut got = new.to_vec();
            sent.sort();
            got.sort();
            assert_eq!(got, sent, "{step:?}");
        }
        self.requests = requests.len();
        for (problem, state) in self.model.problems.iter_mut().enumerate() {
            let unresolved = self.world.unresolved_incident(problem).await;
            let counted = unresolved
                .as_ref()
                .map(|it| (it["eventCount"].as_u64().unwrap(), it["failedRemediationCount"].as_u64().unwrap()));
            let may_be_resolved = counted.is_none() && state.may_be_resolved(self.model.now);
            if !crashed && !may_be_resolved {
                assert_eq!(counted, state.incident, "{step:?}: {}", PROBLEMS[problem].0);
            }
            state.incident = counted;
            state.is_acknowledged = unresolved.is_some_and(|it| it["status"] == "acknowledged");
        }
        self.model.items = seen;
    }

    /// Ends all faults, runs sweeps until every action must be completed, and checks the end state.
    async fn end(mut self) {
        self.world.sns.set_refusing(false);
        for (of, _) in self.events.clone().iter().enumerate() {
            self.approval(of, false).await;
        }
        for _ in 0..5 {
            self.world.clock.advance(VERIFY + 1);
            self.world.sweep().await;
        }
        let mut sent: BTreeMap<ActionKey, usize> = BTreeMap::new();
        for key in self.world.requests() {
            *sent.entry(key).or_default() += 1;
        }
        let mut failures = [0; 3];
        for (id, problem, _) in &self.events {
            for item in self.world.items(*id).await {
                let notified = item.action == Action::NotifyAdmin && item.status == Dispatched;
                assert!(notified || item.has_ended(), "stuck: {item:?}");
                assert_eq!(item.due_at, None, "completed, but still due: {item:?}");
                failures[*problem] += u64::from(item.status.is_failure());
                let times = sent.remove(&(item.event_id, item.action)).unwrap_or_default();
                assert!(item.dispatched_at.is_none() || times >= 1 || notified || item.action == Action::NotifyAdmin);
                // Only a crash during a dispatch makes AGE send a request again; the SDK may then repeat it once.
                assert!(times <= 1 + 2 * self.crashes, "sent {times} times: {item:?}");
            }
        }
        assert_eq!(sent, BTreeMap::new(), "requests without a stored action");
        self.assert_incidents(failures).await;
        self.assert_emails();
    }

    async fn assert_incidents(&self, failures: [u64; 3]) {
        let all = self.world.list_incidents("").await;
        for (problem, (engine, event_type, _)) in PROBLEMS.iter().enumerate() {
            let of_problem = all.iter().filter(|it| it["engine"] == *engine && it["eventType"] == *event_type);
            let (mut counted, mut failed_remediations) = (0, 0);
            for incident in of_problem {
                let path = format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap());
                let timeline = self.world.get(&path).await;
                let notifications = timeline.list("/timeline").iter().filter(|entry| entry["type"] == "notification");
                let notified: u64 =
                    notifications.map(|entry| entry["notification"]["newEventCount"].as_u64().unwrap()).sum();
                let number = |field: &str| incident[field].as_u64().unwrap();
                let by_a_person = incident.pointer("/resolved/by").is_some();
                assert!(
                    notified == number("eventCount") || by_a_person,
                    "people are notified of {notified} events: {incident}"
                );
                assert!(number("notificationCount") > 0 || by_a_person, "people are not notified: {incident}");
                counted += number("eventCount");
                failed_remediations += number("failedRemediationCount");
            }
            let critical = self.events.iter().filter(|(_, of, critical)| *of == problem && *critical).count() as u64;
            assert!(counted >= critical, "{counted} counted of {critical}: {engine}");
            assert_eq!(failed_remediations, failures[problem], "each failed action is counted once: {engine}");
        }
    }

    fn assert_emails(&self) {
        for emails in [self.world.emails(), self.world.sns.published("second-line")] {
            let sent: Vec<Timestamp> = emails.iter().map(|email| email.at).collect();
            for at in &sent {
                let within =
                    |seconds| sent.iter().filter(|other| *at <= **other && **other < at.plus_seconds(seconds)).count();
                // The rate limiter does not count the SDK's retries after lost responses.
                assert!(within(1) <= 5 + self.crashes && within(60) <= 11 + self.crashes, "{sent:?}");
            }
        }
        let notified: u64 = self.world.emails().iter().map(count_new_events).sum();
        assert!(
            self.crashes > 0 || notified >= self.events.iter().filter(|(_, _, critical)| *critical).count() as u64 / 2
        );
    }
}

impl World {
    async fn items(&self, id: EventId) -> Vec<ActionItem> {
        let shown = self.get(&format!("/api/governance/events/{id}")).await;
        serde_json::from_value(shown.json["actions"].clone()).unwrap_or_else(|error| panic!("{error}: {shown:?}"))
    }

    /// Returns the time at which the sweep looks at each open action.
    async fn due_times(&self) -> BTreeMap<ActionKey, Timestamp> {
        let open_actions = Actions::new(&self.db(), "Actions").open().await.unwrap();
        open_actions.into_iter().map(Result::unwrap).map(|row| ((row.event_id, row.action), row.due_at)).collect()
    }

    /// Returns the incident of a problem that is not resolved.
    async fn unresolved_incident(&self, problem: usize) -> Option<Value> {
        let (engine, event_type, _) = PROBLEMS[problem];
        let is_it = |it: &Value| it["engine"] == engine && it["eventType"] == event_type && it["status"] != "resolved";
        self.list_incidents("").await.into_iter().find(is_it)
    }

    /// Returns the published action requests, the oldest first.
    fn requests(&self) -> Vec<ActionKey> {
        let published = self.sns.published("actions");
        let request = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let requests = published.iter().map(|message| request(&message.message));
        requests
            .map(|request| {
                let key = (request["eventId"].as_str().unwrap(), request["action"].as_str().unwrap());
                assert_eq!(request["id"], format!("{}/{}", key.0, key.1), "the same id in every delivery");
                (key.0.parse().unwrap(), key.1.parse().unwrap())
            })
            .collect()
    }
}

fn pick<T: Copy>(among: &[T], place: usize) -> Option<T> {
    among.get(place.checked_rem(among.len())?).copied()
}

fn run_history(steps: &[(Step, Option<Crash>)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut history = CrashHistory::new().await;
        for (number, (step, crash)) in steps.iter().enumerate() {
            history.step(number, step, *crash).await;
        }
        Box::pin(history.end()).await;
    });
}

/// A thousand histories in eight tests that run in parallel: they mostly wait for I/O.
macro_rules! histories {
    ($($name:ident),+) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(125))]
            $(
                #[test]
                fn $name(steps in prop::collection::vec(step(), 1..16)) {
                    run_history(&steps);
                }
            )+
        }
    };
}

histories!(
    every_action_completes_despite_crashes_a,
    every_action_completes_despite_crashes_b,
    every_action_completes_despite_crashes_c,
    every_action_completes_despite_crashes_d,
    every_action_completes_despite_crashes_e,
    every_action_completes_despite_crashes_f,
    every_action_completes_despite_crashes_g,
    every_action_completes_despite_crashes_h
);
