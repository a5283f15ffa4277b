//! Lives of actions and incidents beside a reference model: random histories, with a crash between any two I/O steps.
//!
//! Where nothing failed, the system must be exactly where the model is. Where something did, each action must be where it
//! was, where the model is, or on the way; the next steps, and in the end time, must make up for it.

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

/// The numbers that the policy must have: here they stand again, as they were asked for.
const RETRIES: [i64; 5] = [10, 60, 300, 1800, 7200];
const REPEAT: i64 = 600;
const ANSWER: i64 = 1800;
const VERIFY: i64 = 3600;
const DAY: i64 = 86_400;

/// What may go wrong, and what each leads to.
const KINDS: [(&str, &str, Action); 3] = [
    ("billing", "invoice_sync_failed", Action::BillingSyncRepair),
    ("compliance", "permission_escalated", Action::PermissionReset),
    ("maos", "task_lost", Action::MaosAutoFix),
];

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Event { kind: usize, critical: bool },
    Outcome { of: usize, succeeded: bool },
    Approval { of: usize, approve: bool },
    Take { kind: usize, resolve: bool },
    Wait { seconds: i64 },
    Sweep { at_once: usize },
    Sns { refusing: bool },
}

/// At which call of a step something fails, how, and whether all calls after it fail, too, as if the function had ended there.
#[derive(Debug, Clone, Copy)]
struct Crash {
    at: usize,
    how: Fault,
    lasting: bool,
}

fn step() -> impl Strategy<Value = (Step, Option<Crash>)> {
    let seconds = prop::sample::select(vec![1, 10, 31, 60, 300, 601, 1801, 3601, 7201, DAY + 1]);
    let step = prop_oneof![
        5 => (0..KINDS.len(), any::<bool>()).prop_map(|(kind, critical)| Step::Event { kind, critical }),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(of, succeeded)| Step::Outcome { of, succeeded }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(of, approve)| Step::Approval { of, approve }),
        1 => (0..KINDS.len(), any::<bool>()).prop_map(|(kind, resolve)| Step::Take { kind, resolve }),
        4 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        4 => (1..3_usize).prop_map(|at_once| Step::Sweep { at_once }),
        1 => any::<bool>().prop_map(|refusing| Step::Sns { refusing }),
    ];
    let how = prop::sample::select(vec![Fault::Refuse, Fault::DropResponse]);
    let crash = (any::<usize>(), how, any::<bool>()).prop_map(|(at, how, lasting)| Crash { at, how, lasting });
    (step, prop::option::weighted(0.25, crash)).prop_map(|(step, crash)| {
        // Roughly as many calls as each makes: a crash may come at any of them, or, sometimes, too late.
        let calls = match &step {
            Step::Event { .. } => 18,
            Step::Sweep { .. } => 70,
            _ => 12,
        };
        (step, crash.map(|crash| Crash { at: crash.at % calls, ..crash }))
    })
}

type Name = (EventId, Action);

/// One kind of trouble, as the model has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Trouble {
    of_no_use: Vec<Timestamp>,
    /// The open incident: its events and alarms.
    incident: Option<(u64, u64)>,
    /// Whether the incident has a `notify_admin` already.
    has_notice: bool,
    /// Whether somebody has taken it.
    taken: bool,
    /// When something last came of it.
    last_sign: Option<Timestamp>,
}

impl Trouble {
    /// Whether the incident may be over by now: whether it is depends on the mails, too.
    fn may_be_over(&self, now: Timestamp) -> bool {
        self.taken && self.last_sign.is_some_and(|at| at.plus_seconds(DAY) <= now)
    }
}

/// All that is known of the system from outside.
#[derive(Debug, Clone)]
struct Model {
    now: Timestamp,
    sns: bool,
    items: BTreeMap<Name, ActionItem>,
    kinds: [Trouble; 3],
    /// Orders that the present step must have sent.
    sent: BTreeSet<Name>,
}

fn kind_of(item: &ActionItem) -> usize {
    KINDS.iter().position(|(engine, _, _)| *engine == item.engine.as_str()).unwrap()
}

impl Model {
    fn event(&mut self, id: EventId, kind: usize, critical: bool, template: &ActionItem) {
        let now = self.now;
        let proven = |item: &&mut ActionItem| {
            let verified_at = |at: Timestamp| at < now && now <= at.plus_seconds(VERIFY);
            let is_remediation = kind_of(item) == kind && item.action == KINDS[kind].2;
            is_remediation && item.status == Succeeded && item.completed_at.is_some_and(verified_at)
        };
        let mut alarms = 0;
        for item in self.items.values_mut().filter(proven) {
            (item.status, item.due_at) = (Ineffective, None);
            alarms += 1;
        }
        let trouble = &mut self.kinds[kind];
        trouble.of_no_use.extend((0..alarms).map(|_| now));
        trouble.of_no_use.retain(|at| at.plus_seconds(DAY) > now);
        let given_up = trouble.of_no_use.len() >= 3;
        if trouble.incident.is_none() && (alarms > 0 || critical || given_up) {
            // It counts the event that it began with.
            (trouble.incident, trouble.has_notice) = (Some((u64::from(alarms > 0), 0)), false);
        }
        if let Some((counted, alarmed)) = &mut trouble.incident {
            *counted += 1;
            *alarmed += alarms;
            trouble.last_sign = Some(now);
        }
        if critical {
            let status = if std::mem::replace(&mut trouble.has_notice, true) { Suppressed } else { Pending };
            self.add(ActionItem {
                event_id: id,
                action: Action::NotifyAdmin,
                status,
                due_at: None,
                ..template.clone()
            });
        }
        let action = KINDS[kind].2;
        let running = |item: &ActionItem| {
            let recent = item.created_at.plus_seconds(REPEAT) > now;
            kind_of(item) == kind && item.action == action && item.status.is_running() && recent
        };
        let item = ActionItem { event_id: id, action, due_at: None, ..template.clone() };
        if given_up || self.items.values().any(running) {
            self.add(ActionItem { status: Suppressed, ..item });
        } else if action == Action::PermissionReset {
            self.add(ActionItem { status: PendingApproval, attempt: 0, due_at: Some(now.plus_seconds(DAY)), ..item });
        } else {
            self.add(ActionItem { status: Pending, attempt: 0, due_at: Some(now), ..item });
            self.hand_over((id, action));
        }
    }

    fn add(&mut self, item: ActionItem) {
        self.items.insert((item.event_id, item.action), item);
    }

    /// A counted try.
    fn hand_over(&mut self, name: Name) {
        let (now, up) = (self.now, self.sns);
        let item = self.items.get_mut(&name).unwrap();
        item.attempt += 1;
        if up {
            (item.status, item.due_at, item.last_failed_at) = (Dispatched, Some(now.plus_seconds(ANSWER)), None);
            self.sent.insert(name);
            return;
        }
        item.last_failed_at = Some(now);
        match RETRIES.get(item.attempt as usize - 1) {
            Some(wait) => item.due_at = Some(now.plus_seconds(*wait)),
            None => self.end(name, Undeliverable),
        }
    }

    fn end(&mut self, name: Name, status: ActionStatus) {
        let now = self.now;
        let item = self.items.get_mut(&name).unwrap();
        (item.status, item.due_at) = (status, None);
        if [Failed, TimedOut, Undeliverable].contains(&status) {
            let trouble = &mut self.kinds[kind_of(item)];
            if trouble.incident.is_none() {
                (trouble.incident, trouble.has_notice) = (Some((1, 0)), false);
            }
            trouble.incident.as_mut().unwrap().1 += 1;
            trouble.last_sign = Some(now);
        }
    }

    fn outcome(&mut self, name: Name, succeeded: bool) {
        let now = self.now;
        let Some(item) = self.items.get_mut(&name).filter(|item| [Pending, Dispatched].contains(&item.status)) else {
            return;
        };
        item.completed_at = Some(now);
        if succeeded {
            (item.status, item.due_at) = (Succeeded, Some(now.plus_seconds(VERIFY)));
        } else {
            self.end(name, Failed);
        }
    }

    fn approval(&mut self, name: Name, approve: bool) {
        let now = self.now;
        let waits = |item: &&mut ActionItem| item.status == PendingApproval && item.due_at.is_some_and(|at| at > now);
        let Some(item) = self.items.get_mut(&name).filter(waits) else { return };
        (item.status, item.due_at) = if approve { (Pending, Some(now)) } else { (Denied, None) };
    }

    fn sweep(&mut self) {
        let now = self.now;
        let due: Vec<Name> = self
            .items
            .iter()
            .filter(|(_, item)| item.due_at.is_some_and(|due_at| due_at <= now))
            .map(|(name, _)| *name)
            .collect();
        let mut tries = Vec::new();
        for name in due {
            match self.items[&name].status {
                Pending => tries.push(name),
                PendingApproval => self.end(name, Expired),
                Dispatched => self.end(name, TimedOut),
                Succeeded => self.end(name, Verified),
                status => panic!("due, and {status}"),
            }
        }
        if tries.is_empty() {
            return;
        }
        // Whatever waits for a next try goes with them, if it goes; and if it does not, that was no try.
        let waits = |item: &ActionItem| item.status == Pending && item.last_failed_at.is_some();
        let waiting: Vec<Name> = self.items.iter().filter(|(_, item)| waits(item)).map(|(name, _)| *name).collect();
        for name in waiting.into_iter().filter(|name| self.sns && !tries.contains(name)).collect::<Vec<_>>() {
            self.hand_over(name);
        }
        for name in tries {
            self.hand_over(name);
        }
    }
}

/// A system and its model.
struct Lives {
    world: World,
    model: Model,
    events: Vec<(EventId, usize, bool)>,
    orders: usize,
    crashes: usize,
}

impl Lives {
    async fn new() -> Self {
        let world = World::new().await;
        let model = Model {
            now: world.clock.now(),
            sns: true,
            items: BTreeMap::new(),
            kinds: Default::default(),
            sent: BTreeSet::new(),
        };
        Self { world, model, events: Vec::new(), orders: 0, crashes: 0 }
    }

    async fn step(&mut self, number: usize, step: &Step, crash: Option<Crash>) {
        let before = self.model.clone();
        let live = match step {
            Step::Take { kind, .. } => self.world.live_incident(*kind).await,
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
            Step::Event { kind, critical } => self.event(number, kind, critical).await,
            Step::Outcome { of, succeeded } => self.outcome(of, succeeded).await,
            Step::Approval { of, approve } => self.approval(of, approve).await,
            Step::Take { kind, resolve } => self.take(kind, resolve, live).await,
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

    async fn event(&mut self, number: usize, kind: usize, critical: bool) {
        let (engine, event_type, _) = KINDS[kind];
        let (sent, key) =
            (event(engine, event_type, if critical { "CRITICAL" } else { "HIGH" }), format!("step-{number}"));
        let mut response = self.world.post_keyed(&sent, &key).await;
        if response.status == 503 {
            self.world.dynamodb.reset();
            response = self.world.post_keyed(&sent, &key).await;
        }
        assert!(matches!(response.status, 200 | 201), "{response:?}");
        let id: EventId = response.text("/id").parse().unwrap();
        self.events.push((id, kind, critical));
        let template: ActionItem = serde_json::from_value(response.list("/actions")[0].clone()).unwrap();
        let template = ActionItem { completed_at: None, last_failed_at: None, dispatched_at: None, ..template };
        self.model.event(id, kind, critical, &template);
    }

    async fn outcome(&mut self, of: usize, succeeded: bool) {
        let Some((id, kind, _)) = pick(&self.events, of) else { return };
        let action = KINDS[kind].2;
        let path = format!("/api/governance/events/{id}/actions/{action}/outcome");
        let body = json!({ "outcome": if succeeded { "succeeded" } else { "failed" } });
        let response = self.world.post_json(&path, &body).await;
        assert!(matches!(response.status, 200 | 409 | 503), "{response:?}");
        self.model.outcome((id, action), succeeded);
    }

    async fn approval(&mut self, of: usize, approve: bool) {
        let Some((id, kind, _)) = pick(&self.events, of) else { return };
        let name = (id, KINDS[kind].2);
        let digest = self.model.items[&name].digest.clone();
        let path = format!("/api/governance/events/{id}/actions/{}/approval", name.1);
        let body = json!({ "decision": if approve { "approve" } else { "deny" }, "digest": digest });
        let response = self.world.post_json(&path, &body).await;
        assert!(matches!(response.status, 200 | 409 | 503), "{response:?}");
        self.model.approval(name, approve);
    }

    async fn take(&mut self, kind: usize, resolve: bool, live: Option<Value>) {
        let Some(id) = live.as_ref().and_then(|incident| incident["id"].as_str()) else { return };
        let path = format!("/api/governance/incidents/{id}/{}", if resolve { "resolve" } else { "acknowledge" });
        let response = self.world.post_json(&path, &json!({})).await;
        assert!(matches!(response.status, 200 | 409 | 503), "{response:?}");
        let trouble = &mut self.model.kinds[kind];
        if resolve {
            trouble.incident = None;
        } else if !trouble.taken {
            trouble.last_sign = Some(self.model.now);
        }
    }

    /// Looks at the system, holds it against the model, and goes on from what is seen.
    async fn compare(&mut self, before: &Model, crashed: bool, step: &Step) {
        let mut seen = BTreeMap::new();
        for (id, _, _) in &self.events {
            for item in self.world.items(*id).await {
                seen.insert((item.event_id, item.action), item);
            }
        }
        let names = |items: &BTreeMap<Name, ActionItem>| items.keys().copied().collect::<Vec<_>>();
        assert_eq!(names(&seen), names(&self.model.items), "no event without its action: {step:?}");
        for (name, item) in &seen {
            let expected = &self.model.items[name];
            if name.1 == Action::NotifyAdmin {
                // How far that has come is the incident's matter; that there is one, or that it is counted, is not.
                assert_eq!(item.status == Suppressed, expected.status == Suppressed, "{step:?}: {item:?}");
                continue;
            }
            let place = |item: &ActionItem| (item.status, item.attempt, item.due_at);
            if !crashed {
                assert_eq!(place(item), place(expected), "{step:?}: {item:?}");
                continue;
            }
            let was = before.items.get(name);
            let on_the_way = item.status == Pending && was.is_none_or(|was| was.status == Pending)
                || item.status == Undeliverable && was.is_some_and(|was| was.status == Pending && was.attempt >= 5);
            let stayed = was.is_some_and(|was| place(was) == place(item));
            assert!(stayed || on_the_way || item.status == expected.status, "{step:?}: {item:?} beside {expected:?}");
        }
        let entries = self.world.entries().await;
        for (name, item) in &seen {
            let comes_up = match (entries.get(name), item.due_at) {
                (Some(at), Some(due_at)) => *at <= due_at,
                (at, due_at) => at.is_none() && due_at.is_none(),
            };
            assert!(comes_up, "{step:?}: {item:?} comes up {:?}", entries.get(name));
        }
        let orders = self.world.orders();
        let new = orders.get(self.orders..).unwrap();
        if !crashed {
            let mut sent: Vec<Name> = self.model.sent.iter().copied().collect();
            let mut got = new.to_vec();
            sent.sort();
            got.sort();
            assert_eq!(got, sent, "{step:?}");
        }
        self.orders = orders.len();
        for (kind, trouble) in self.model.kinds.iter_mut().enumerate() {
            let live = self.world.live_incident(kind).await;
            let counted = live
                .as_ref()
                .map(|it| (it["eventCount"].as_u64().unwrap(), it["failedRemediationCount"].as_u64().unwrap()));
            let is_over = counted.is_none() && trouble.may_be_over(self.model.now);
            if !crashed && !is_over {
                assert_eq!(counted, trouble.incident, "{step:?}: {}", KINDS[kind].0);
            }
            trouble.incident = counted;
            trouble.taken = live.is_some_and(|it| it["status"] == "acknowledged");
        }
        self.model.items = seen;
    }

    /// All is well again, and time passes.
    async fn end(mut self) {
        self.world.sns.set_refusing(false);
        for (of, _) in self.events.clone().iter().enumerate() {
            self.approval(of, false).await;
        }
        for _ in 0..5 {
            self.world.clock.advance(VERIFY + 1);
            self.world.sweep().await;
        }
        let mut sent: BTreeMap<Name, usize> = BTreeMap::new();
        for name in self.world.orders() {
            *sent.entry(name).or_default() += 1;
        }
        let mut bad_ends = [0; 3];
        for (id, kind, _) in &self.events {
            for item in self.world.items(*id).await {
                let told = item.action == Action::NotifyAdmin && item.status == Dispatched;
                assert!(told || item.has_ended(), "stuck: {item:?}");
                assert_eq!(item.due_at, None, "ended, and still due: {item:?}");
                bad_ends[*kind] += u64::from(item.status.is_failure());
                let times = sent.remove(&(item.event_id, item.action)).unwrap_or_default();
                assert!(item.dispatched_at.is_none() || times >= 1 || told || item.action == Action::NotifyAdmin);
                // A crash in the middle of a hand-over is the one reason to send an order again; the SDK may do so once, too.
                assert!(times <= 1 + 2 * self.crashes, "sent {times} times: {item:?}");
            }
        }
        assert_eq!(sent, BTreeMap::new(), "sent for nothing that is on record");
        self.incidents(bad_ends).await;
        self.emails();
    }

    async fn incidents(&self, bad_ends: [u64; 3]) {
        let all = self.world.incidents("").await;
        for (kind, (engine, event_type, _)) in KINDS.iter().enumerate() {
            let of_kind = all.iter().filter(|it| it["engine"] == *engine && it["eventType"] == *event_type);
            let (mut counted, mut alarms) = (0, 0);
            for incident in of_kind {
                let path = format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap());
                let story = self.world.get(&path).await;
                let notices = story.list("/timeline").iter().filter(|entry| entry["type"] == "notification");
                let told: u64 = notices.map(|entry| entry["notification"]["newEventCount"].as_u64().unwrap()).sum();
                let number = |field: &str| incident[field].as_u64().unwrap();
                let by_a_person = incident.pointer("/resolved/by").is_some();
                assert!(told == number("eventCount") || by_a_person, "told {told}: {incident}");
                assert!(number("notificationCount") > 0 || by_a_person, "nobody was told: {incident}");
                counted += number("eventCount");
                alarms += number("failedRemediationCount");
            }
            let critical = self.events.iter().filter(|(_, of, critical)| *of == kind && *critical).count() as u64;
            assert!(counted >= critical, "{counted} counted of {critical}: {engine}");
            assert_eq!(alarms, bad_ends[kind], "every bad end is an alarm, once: {engine}");
        }
    }

    fn emails(&self) {
        let emails = [self.world.emails(), self.world.sns.published("second-line")].concat();
        let sent: Vec<Timestamp> = emails.iter().map(|email| email.at).collect();
        for at in &sent {
            let within =
                |seconds| sent.iter().filter(|other| *at <= **other && **other < at.plus_seconds(seconds)).count();
            // What the SDK sends again after a lost answer is beyond the bucket.
            assert!(within(1) <= 5 + self.crashes && within(60) <= 11 + self.crashes, "{sent:?}");
        }
        let told: u64 = self.world.emails().iter().map(count_new_events).sum();
        assert!(self.crashes > 0 || told >= self.events.iter().filter(|(_, _, critical)| *critical).count() as u64 / 2);
    }
}

impl World {
    async fn items(&self, id: EventId) -> Vec<ActionItem> {
        let shown = self.get(&format!("/api/governance/events/{id}")).await;
        serde_json::from_value(shown.json["actions"].clone()).unwrap_or_else(|error| panic!("{error}: {shown:?}"))
    }

    /// When actions come up to be looked at.
    async fn entries(&self) -> BTreeMap<Name, Timestamp> {
        let open_actions = Actions::new(&self.db(), "Actions").open().await.unwrap();
        open_actions.into_iter().map(Result::unwrap).map(|row| ((row.event_id, row.action), row.due_at)).collect()
    }

    /// The incident of a kind that is not over.
    async fn live_incident(&self, kind: usize) -> Option<Value> {
        let (engine, event_type, _) = KINDS[kind];
        let is_it = |it: &Value| it["engine"] == engine && it["eventType"] == event_type && it["status"] != "resolved";
        self.incidents("").await.into_iter().find(is_it)
    }

    /// The orders that were published, in their order.
    fn orders(&self) -> Vec<Name> {
        let published = self.sns.published("actions");
        let order = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let orders = published.iter().map(|message| order(&message.message));
        orders
            .map(|order| {
                let name = (order["eventId"].as_str().unwrap(), order["action"].as_str().unwrap());
                assert_eq!(order["id"], format!("{}/{}", name.0, name.1), "the same id in every delivery");
                (name.0.parse().unwrap(), name.1.parse().unwrap())
            })
            .collect()
    }
}

fn pick<T: Copy>(among: &[T], place: usize) -> Option<T> {
    among.get(place.checked_rem(among.len())?).copied()
}

fn live(steps: &[(Step, Option<Crash>)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut lives = Lives::new().await;
        for (number, (step, crash)) in steps.iter().enumerate() {
            lives.step(number, step, *crash).await;
        }
        lives.end().await;
    });
}

/// A thousand histories, in parts that run at the same time: most of their time they wait.
macro_rules! histories {
    ($($name:ident),+) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(125))]
            $(
                #[test]
                fn $name(steps in prop::collection::vec(step(), 1..16)) {
                    live(&steps);
                }
            )+
        }
    };
}

histories!(
    no_action_is_lost_or_stuck_a,
    no_action_is_lost_or_stuck_b,
    no_action_is_lost_or_stuck_c,
    no_action_is_lost_or_stuck_d,
    no_action_is_lost_or_stuck_e,
    no_action_is_lost_or_stuck_f,
    no_action_is_lost_or_stuck_g,
    no_action_is_lost_or_stuck_h
);
