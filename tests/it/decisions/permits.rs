//! Permits and the events that report their operations: each side without the other is found, counted once, and notified of.

use std::collections::BTreeMap;

use age_governance::SweepReport;
use age_model::Clock;
use age_policy::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Death, EVALUATION, counted, decide, id, operation, sweep_that_dies, with_approval};
use crate::world::World;
use crate::world::proxy::Fault;
use crate::world::sns::Published;
use crate::world::test_credentials::ANOTHER_ENGINE;

/// Within how many seconds the event of a permit is expected, and how much longer AGE waits for it.
pub(super) const EXPECTED_WITHIN: i64 = 600;
const GRACE: i64 = 60;

const DECISIONS: &str = "/api/governance/decisions";

/// Returns [`super::policy`], in which events report charges and transfers. Transfers run while AGE is unavailable.
pub(super) fn policy() -> Policy {
    let mut document = serde_json::to_value(super::policy()).unwrap();
    document["decisions"]["expect_event_within_seconds"] = EXPECTED_WITHIN.into();
    document["decisions"]["event_types"] = json!({ "charged": "charge", "moved": "transfer" });
    document["decisions"]["on_unavailable"] = json!({ "transfer": "allow" });
    Policy::from_value(&document).unwrap()
}

async fn world() -> World {
    World::with_policy(&policy()).await
}

/// Asks for an operation of billing, and returns the id of the decision.
async fn ask(world: &World, action: &str) -> String {
    let answer = super::ask(world, &operation(action, 1)).await;
    id(&answer).to_owned()
}

/// Returns the id of a permit of the engine qa.
async fn ask_of_qa(world: &World) -> String {
    let request = json!({
        "subject": { "type": "user", "id": "a" }, "action": { "name": "charge" }, "resource": { "type": "t", "id": "1" },
        "context": { "engine": "qa" },
    });
    let answer = world.as_caller(ANOTHER_ENGINE).post_json(EVALUATION, &request).await;
    assert_eq!(answer.json["decision"], true, "{answer:?}");
    id(&answer).to_owned()
}

/// Reports an event of billing, and returns its id.
async fn report(world: &World, event_type: &str, decision: Option<&str>) -> String {
    let mut event = json!({ "engine": "billing", "eventType": event_type });
    if let Some(decision) = decision {
        event["decisionId"] = decision.into();
    }
    let created = world.post(&event).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.text("/id").to_owned()
}

async fn decision(world: &World, id: &str) -> Value {
    world.get(&format!("{DECISIONS}/{id}")).await.json
}

/// Returns the number of followed permits, of permits without an event, and of operations without a permit and while unavailable.
fn counts(report: &SweepReport) -> [u64; 4] {
    [
        report.permits_followed,
        report.permits_without_event,
        report.operations_without_permit,
        report.operations_while_unavailable,
    ]
}

async fn swept(world: &World) -> [u64; 4] {
    counts(&world.sweep().await)
}

/// Returns what the incident of billing with this event type has counted; 0 if there is none.
async fn occurrences(world: &World, event_type: &str) -> u64 {
    let listed = world.get("/api/governance/incidents?engine=billing").await;
    let of_type = |incident: &&Value| incident["eventType"] == event_type;
    listed.list("/incidents").iter().filter(of_type).map(|incident| incident["eventCount"].as_u64().unwrap()).sum()
}

/// Returns the incident of billing with this event type.
async fn incident(world: &World, event_type: &str) -> Value {
    let listed = world.get("/api/governance/incidents?engine=billing").await;
    listed.list("/incidents").iter().find(|incident| incident["eventType"] == event_type).unwrap().clone()
}

#[tokio::test]
async fn permit_is_followed_by_the_first_event_that_names_it() {
    let world = world().await;
    let permit = ask(&world, "charge").await;
    let asked = decision(&world, &permit).await;
    assert_eq!(
        (&asked["eventStatus"], &asked["eventExpectedBy"], asked.get("followedBy")),
        (&json!("awaited"), &json!("2026-11-23T00:15:00.000Z"), None)
    );
    world.clock.advance(60);
    assert_eq!(swept(&world).await, [0; 4], "its time has not come");
    let event = report(&world, "charged", Some(&permit)).await;
    assert_eq!(swept(&world).await, [1, 0, 0, 0]);
    let followed = decision(&world, &permit).await;
    assert_eq!((&followed["eventStatus"], &followed["followedBy"]), (&json!("followed"), &json!(event)));
    world.clock.advance(86_400);
    assert_eq!(swept(&world).await, [0; 4], "nothing is due any more");
    assert_eq!(world.get(&format!("{DECISIONS}?event=followed")).await.list("/decisions").len(), 1);
    assert!(world.get(&format!("{DECISIONS}?event=awaited&event=missing")).await.list("/decisions").is_empty());
}

#[tokio::test]
async fn operation_without_a_permit_opens_an_incident_that_counts_each_once() {
    let world = world().await;
    let permit = ask(&world, "charge").await;
    let (denied, unapproved) = (ask(&world, "drop").await, ask(&world, "transfer").await);
    let foreign = ask_of_qa(&world).await;
    let first = report(&world, "charged", Some(&permit)).await;
    assert_eq!(swept(&world).await, [1, 0, 0, 0]);
    let mut refused = Vec::new();
    for named in [
        None,
        Some("01936f2e-0000-7000-8000-00000000000d"),
        Some(denied.as_str()),
        Some(unapproved.as_str()),
        Some(foreign.as_str()),
        Some(permit.as_str()),
    ] {
        world.clock.advance(1);
        refused.push(report(&world, "charged", named).await);
    }
    assert_eq!(swept(&world).await, [0, 0, 6, 0]);
    assert_eq!(swept(&world).await, [0; 4]);
    assert_eq!(decision(&world, &permit).await["followedBy"], json!(first));
    assert_eq!(decision(&world, &foreign).await.get("followedBy"), None);
    let incident = incident(&world, "operation_without_permit").await;
    assert_eq!(
        (&incident["cause"], &incident["severity"], &incident["eventCount"], &incident["eventId"]),
        (&json!("operation_without_permit"), &json!("CRITICAL"), &json!(6), &json!(refused[0]))
    );
    // The other one is about the decision that waits for an approval.
    let about_permits = |email: &&Published| email.subject == "[AGE] CRITICAL Billing: operations without a permit";
    let sent = world.sns.published("notifications");
    let sent: Vec<_> = sent.iter().filter(about_permits).collect();
    let [email] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(email.message.contains("Operations  6 new, 6 in total"), "{}", email.message);
    world.clock.advance(400);
    report(&world, "charged", None).await;
    assert_eq!(swept(&world).await, [0, 0, 1, 0]);
    assert_eq!(occurrences(&world, "operation_without_permit").await, 7);
    assert!(world.sns.published("notifications").last().unwrap().message.contains("1 new, 7 in total"));
}

#[tokio::test]
async fn operation_of_another_name_and_an_event_that_needs_no_permit_follow_nothing() {
    let world = world().await;
    let permit = ask(&world, "charge").await;
    report(&world, "charge_begun", Some(&permit)).await;
    report(&world, "moved", Some(&permit)).await;
    assert_eq!(swept(&world).await, [0, 0, 1, 0], "a transfer was not permitted");
    assert_eq!(decision(&world, &permit).await.get("followedBy"), None);
    let charged = report(&world, "charged", Some(&permit)).await;
    assert_eq!(swept(&world).await, [1, 0, 0, 0]);
    assert_eq!(decision(&world, &permit).await["followedBy"], json!(charged));
}

#[tokio::test]
async fn approved_operation_is_a_permit_of_its_own() {
    let world = world().await;
    let asked = ask(&world, "transfer").await;
    assert_eq!(decision(&world, &asked).await.get("eventStatus"), None, "it permits nothing");
    assert_eq!(decide(&world, &asked, "approve").await.status, 200);
    let used = super::ask(&world, &with_approval(operation("transfer", 1), &asked)).await;
    assert_eq!(decision(&world, id(&used)).await["eventStatus"], "awaited");
    report(&world, "moved", Some(id(&used))).await;
    report(&world, "moved", Some(&asked)).await;
    assert_eq!(swept(&world).await, [1, 0, 1, 0]);
}

#[tokio::test]
async fn operation_that_engines_run_while_age_is_unavailable_opens_no_incident() {
    let world = world().await;
    report(&world, "moved", None).await;
    assert_eq!(swept(&world).await, [0, 0, 0, 1]);
    assert_eq!(swept(&world).await, [0; 4]);
    assert_eq!(counted(&world).await.operations_while_unavailable, 1);
    assert_eq!(occurrences(&world, "operation_without_permit").await, 0);
}

#[tokio::test]
async fn permit_without_an_event_is_found_after_its_time_and_an_event_that_comes_later_still_follows_it() {
    let world = world().await;
    let permits = [ask(&world, "charge").await, ask(&world, "charge").await];
    world.clock.advance(EXPECTED_WITHIN + GRACE - 1);
    assert_eq!(swept(&world).await, [0; 4]);
    world.clock.advance(1);
    assert_eq!(swept(&world).await, [0, 2, 0, 0]);
    assert_eq!(swept(&world).await, [0; 4]);
    let missing = world.get(&format!("{DECISIONS}?event=missing")).await;
    assert_eq!(missing.list("/decisions").len(), 2);
    let incident = incident(&world, "permit_without_event").await;
    assert_eq!(
        (&incident["cause"], &incident["severity"], &incident["eventCount"]),
        (&json!("permit_without_event"), &json!("CRITICAL"), &json!(2))
    );
    let event = report(&world, "charged", Some(&permits[0])).await;
    assert_eq!(swept(&world).await, [1, 0, 0, 0]);
    let late = decision(&world, &permits[0]).await;
    assert_eq!((&late["eventStatus"], &late["followedBy"]), (&json!("followed"), &json!(event)));
    assert_eq!(occurrences(&world, "permit_without_event").await, 2, "it stays counted");
}

#[tokio::test]
async fn permits_expect_any_event_if_no_event_types_are_named_and_none_without_a_time() {
    let mut document = serde_json::to_value(policy()).unwrap();
    document["decisions"].as_object_mut().unwrap().remove("event_types");
    let world = World::with_policy(&Policy::from_value(&document).unwrap()).await;
    let permit = ask(&world, "charge").await;
    report(&world, "anything", Some(&permit)).await;
    report(&world, "charged", None).await;
    assert_eq!(swept(&world).await, [1, 0, 0, 0]);

    document["decisions"].as_object_mut().unwrap().remove("expect_event_within_seconds");
    let world = World::with_policy(&Policy::from_value(&document).unwrap()).await;
    let permit = ask(&world, "charge").await;
    assert_eq!(decision(&world, &permit).await.get("eventStatus"), None);
    let event = report(&world, "anything", Some(&permit)).await;
    world.clock.advance(86_400);
    assert_eq!(swept(&world).await, [1, 0, 0, 0]);
    assert_eq!(decision(&world, &permit).await["followedBy"], json!(event));
}

#[tokio::test]
async fn unreadable_decision_keeps_no_other_event_from_being_compared() {
    let world = world().await;
    let (broken, permit) = (ask(&world, "charge").await, ask(&world, "charge").await);
    let update = json!({
        "TableName": "Decisions", "Key": { "id": { "S": broken } }, "UpdateExpression": "SET reasons = :x",
        "ExpressionAttributeValues": { ":x": { "S": "?" } },
    });
    world.dynamodb.call("UpdateItem", &update);
    report(&world, "charged", Some(&broken)).await;
    report(&world, "charged", Some(&permit)).await;
    let report = world.sweep().await;
    assert_eq!((counts(&report), report.failed), ([1, 0, 0, 0], 1));
    assert!(decision(&world, &permit).await["followedBy"].is_string());
}

#[tokio::test]
async fn engine_with_many_events_does_not_delay_another_one() {
    let world = world().await;
    let events: Vec<Value> = (0..130).map(|_| json!({ "engine": "billing", "eventType": "charged" })).collect();
    let sent = world.post_json("/api/governance/events", &Value::from(events)).await;
    assert_eq!(sent.status, 200);
    let permit = ask_of_qa(&world).await;
    let event = json!({ "engine": "qa", "eventType": "charged", "decisionId": permit });
    assert_eq!(world.post(&event).await.status, 201);
    assert_eq!(swept(&world).await, [1, 0, 130, 0], "pages of each engine, in turn");
    assert_eq!(occurrences(&world, "operation_without_permit").await, 130);
}

#[tokio::test]
async fn sweep_that_dies_at_any_call_counts_nothing_twice_and_forgets_nothing() {
    for fault in [Fault::Refuse, Fault::DropResponse] {
        for passing in 0..40 {
            let world = world().await;
            let (permit, due) = (ask(&world, "charge").await, ask(&world, "charge").await);
            world.clock.advance(EXPECTED_WITHIN + GRACE);
            for named in [Some(permit.as_str()), Some(permit.as_str()), None] {
                report(&world, "charged", named).await;
            }
            if sweep_that_dies(&world, passing, fault).await == Death::AtARead && fault == Fault::DropResponse {
                // As if it was refused.
                continue;
            }
            world.clock.advance(60);
            world.sweep().await;
            world.sweep().await;
            let found = (
                occurrences(&world, "operation_without_permit").await,
                occurrences(&world, "permit_without_event").await,
            );
            assert_eq!(found, (2, 1), "{fault:?} {passing}");
            let counts = counted(&world).await;
            assert_eq!((counts.operations_without_permit, counts.permits_without_event), found, "{fault:?} {passing}");
            assert_eq!(decision(&world, &permit).await["eventStatus"], "followed", "{fault:?} {passing}");
            assert_eq!(decision(&world, &due).await["eventStatus"], "missing", "{fault:?} {passing}");
        }
    }
}

/// A step of a random history of billing, or of qa where it says so.
#[derive(Debug, Clone)]
enum Step {
    /// Asks for a charge, which is allowed; a transfer, which needs approval; or something that is denied.
    Ask(usize),
    AskOfQa,
    /// Reports an event of this type, which names the decision at this place, if there is one.
    Report(usize, Option<usize>),
    Wait(i64),
    /// Sweeps once, or twice at the same time; if given, the call with this number has a fault, and the sweep dies of it or not.
    Sweep {
        at_once: usize,
        crash: Option<(usize, bool, bool)>,
    },
}

const ACTIONS: [&str; 3] = ["charge", "transfer", "drop"];
const EVENT_TYPES: [&str; 3] = ["charged", "moved", "something_else"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![3 => Just(0_usize), 1 => 0..ACTIONS.len()].prop_map(Step::Ask),
        1 => Just(Step::AskOfQa),
        6 => (prop_oneof![3 => Just(0_usize), 1 => 0..EVENT_TYPES.len()], prop::option::weighted(0.8, 0..12_usize))
            .prop_map(|(event_type, named)| Step::Report(event_type, named)),
        3 => prop_oneof![Just(1), Just(61), Just(EXPECTED_WITHIN)].prop_map(Step::Wait),
        4 => (1..3_usize, prop::option::of((0..40_usize, any::<bool>(), any::<bool>())))
            .prop_map(|(at_once, crash)| Step::Sweep { at_once, crash }),
    ]
}

/// An event that was reported.
#[derive(Debug)]
struct Reported {
    id: String,
    event_type: &'static str,
    named: Option<String>,
    at: i64,
}

/// A decision that was made: the action, and whether it permits an operation of billing.
#[derive(Debug)]
struct Asked {
    action: &'static str,
    is_permit: bool,
    is_of_qa: bool,
    at: i64,
}

#[derive(Default)]
struct History {
    asked: BTreeMap<String, Asked>,
    order: Vec<String>,
    reported: Vec<Reported>,
}

impl History {
    async fn take(&mut self, world: &World, step: &Step) {
        let at = world.clock.now().seconds();
        match *step {
            Step::Ask(action) => {
                let action = ACTIONS[action];
                let id = ask(world, action).await;
                self.order.push(id.clone());
                self.asked.insert(id, Asked { action, is_permit: action == "charge", is_of_qa: false, at });
            }
            Step::AskOfQa => {
                let id = ask_of_qa(world).await;
                self.order.push(id.clone());
                self.asked.insert(id, Asked { action: "charge", is_permit: false, is_of_qa: true, at });
            }
            Step::Report(event_type, named) => {
                let (event_type, named) = (EVENT_TYPES[event_type], named.and_then(|place| self.order.get(place)));
                let id = report(world, event_type, named.map(String::as_str)).await;
                self.reported.push(Reported { id, event_type, named: named.cloned(), at });
            }
            Step::Wait(seconds) => world.clock.advance(seconds),
            Step::Sweep { at_once, crash } => {
                if let Some((passing, drops, dies)) = crash {
                    let fault = if drops { Fault::DropResponse } else { Fault::Refuse };
                    if dies {
                        sweep_that_dies(world, passing, fault).await;
                        return;
                    }
                    world.dynamodb.set_fault_at(passing, fault, Fault::None);
                }
                let sweepers: Vec<_> = (0..at_once).map(|_| world.sweeper()).collect();
                futures_util::future::join_all(sweepers.iter().map(age_governance::Sweep::run)).await;
                world.dynamodb.reset();
            }
        }
    }

    /// Checks what is left when every event was compared and every permit is due.
    async fn check(&self, world: &World) {
        let mut followed_by = BTreeMap::new();
        let (mut missing, mut late) = (0, 0);
        for (id, asked) in &self.asked {
            let decision = decision(world, id).await;
            let candidates: Vec<&Reported> = self
                .reported
                .iter()
                .filter(|event| event.named.as_ref() == Some(id) && event.event_type == "charged" && asked.is_permit)
                .collect();
            if let Some(event) = decision["followedBy"].as_str() {
                let follower = candidates.iter().find(|it| it.id == event);
                let follower = follower.unwrap_or_else(|| panic!("{id} is no permit of {event}: {decision}"));
                assert_eq!(decision["eventStatus"], "followed");
                late += u64::from(follower.at > asked.at + EXPECTED_WITHIN);
                assert_eq!(followed_by.insert(event.to_owned(), id.clone()), None, "{event} follows two permits");
            } else {
                assert!(candidates.is_empty(), "{id}, a {}, is not followed by {candidates:?}", asked.action);
                let is_billing = decision["engine"] == "billing";
                if decision["verdict"] == "allow" {
                    assert_eq!(decision["eventStatus"], "missing", "{decision}");
                    missing += u64::from(is_billing);
                } else {
                    assert_eq!(decision.get("eventStatus"), None, "{decision}");
                }
            }
        }
        let counts = counted(world).await;
        let found = occurrences(world, "permit_without_event").await;
        assert!((missing..=missing + late).contains(&found), "{missing} missing, {late} late, {found} found");
        let missing_of_qa = self.asked.values().filter(|asked| asked.is_of_qa).count() as u64;
        assert_eq!(counts.permits_without_event, found + missing_of_qa);
        let (mut without_permit, mut while_unavailable) = (0, 0);
        for event in self.reported.iter().filter(|event| !followed_by.contains_key(&event.id)) {
            match (event.event_type, &event.named) {
                ("charged", _) | ("moved", Some(_)) => without_permit += 1,
                ("moved", None) => while_unavailable += 1,
                _ => {}
            }
        }
        assert_eq!(occurrences(world, "operation_without_permit").await, without_permit);
        assert_eq!(counts.operations_without_permit, without_permit);
        assert_eq!(counts.operations_while_unavailable, while_unavailable);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_permit_and_every_operation_is_matched_or_counted_once(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world().await;
            let mut history = History::default();
            for step in &steps {
                history.take(&world, step).await;
            }
            world.clock.advance(EXPECTED_WITHIN + GRACE);
            for _ in 0..8 {
                world.sweep().await;
            }
            history.check(&world).await;
        });
    }
}
