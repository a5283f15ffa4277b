//! Incidents whose events are counted in shards, because many environments report them at once: every event is counted once and
//! notified of once, and the shards are merged when the storm is over.

use dynoxide::{AttributeValue, Item};
use futures_util::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::incidents::count_new_events;
use crate::world::proxy::Fault;
use crate::world::{Api, World, event};

/// The interval of digests of the default policy, in seconds.
const DIGEST: i64 = 900;
const EVENT_TYPE: &str = "suite_lost";
const DAY: i64 = 86_400;

impl World {
    /// Returns the number of shards that have events.
    fn incident_shards(&self) -> usize {
        let rows = self.rows("Incidents");
        let is_shard = |row: &&Item| matches!(&row["opened_at"], AttributeValue::S(key) if key.contains('+'));
        let has_events = |row: &&Item| row["events"] != AttributeValue::N("0".to_owned());
        rows.iter().filter(is_shard).filter(has_events).count()
    }

    /// Returns the sum of the numbers of new events in all e-mails to the first line.
    fn notified_events(&self) -> u64 {
        self.emails().iter().map(count_new_events).sum()
    }

    /// Returns the incidents of the events, the newest first.
    async fn storm_incidents(&self) -> Vec<Value> {
        let incidents = self.list_incidents("").await.into_iter();
        incidents.filter(|incident| incident["eventType"] == EVENT_TYPE).collect()
    }

    /// Returns the number of events of each incident, the newest incident first.
    async fn event_counts(&self) -> Vec<u64> {
        self.storm_incidents().await.iter().map(|incident| incident["eventCount"].as_u64().unwrap()).collect()
    }

    async fn change_newest(&self, change: &str) -> u16 {
        let incidents = self.storm_incidents().await;
        let Some(newest) = incidents.first() else { return 404 };
        let path = format!("/api/governance/incidents/{}/{change}", newest["id"].as_str().unwrap());
        self.post_json(&path, &json!({})).await.status
    }

    /// Posts an event that meets other writers of its incident, until its incident has shards.
    async fn post_contended(&self, api: &Api) {
        self.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
            ("TransactWriteItems", 0..2) => Fault::ConflictOfIncidents,
            _ => Fault::None,
        });
        let response = api.post(&critical(), None).await;
        assert_eq!(response.status, 201, "{response:?}");
        self.dynamodb.reset();
    }
}

/// An event that leads to no remediation, whose end would open an incident that counts the event once more.
fn critical() -> Value {
    event("qa", EVENT_TYPE, "CRITICAL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_events_of_one_incident_are_all_accepted_counted_and_notified_of() {
    const WRITERS: usize = 48;
    const EACH: usize = 8;
    let world = World::new().await;
    let environments = join_all((0..WRITERS).map(|_| world.new_environment())).await;
    world.dynamodb.conflict_on_overlap();
    let writers = environments.iter().map(async |api| {
        for _ in 0..EACH {
            let response = api.post(&event("billing", EVENT_TYPE, "CRITICAL"), None).await;
            assert_eq!(response.status, 201, "{response:?}");
        }
    });
    join_all(writers).await;
    assert!(world.dynamodb.conflicts() > 0, "no write conflicted, so the test has no effect");
    let shards = world.incident_shards();
    assert!((2..=WRITERS).contains(&shards), "{shards} shards");
    let total = (WRITERS * EACH) as u64;
    assert_eq!(world.event_counts().await, [total]);

    world.sweep().await;
    world.clock.advance(DIGEST);
    world.sweep().await;
    assert_eq!(world.notified_events(), total);
    // The storm is over: the next look at the incident ends the counting in shards, a later one merges them.
    world.clock.advance(DIGEST);
    world.sweep_every_minute(3).await;
    assert_eq!((world.incident_shards(), world.event_counts().await), (0, vec![total]));
    assert_eq!(world.change_newest("acknowledge").await, 200);
    world.clock.advance(DAY);
    world.sweep().await;
    assert_eq!(world.storm_incidents().await[0]["status"], "resolved");
    assert_eq!((world.notified_events(), world.event_counts().await), (total, vec![total]));
}

#[tokio::test]
async fn single_conflict_is_no_reason_to_count_in_shards() {
    let world = World::new().await;
    world.post(&critical()).await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::ConflictOfIncidents,
        _ => Fault::None,
    });
    for _ in 0..3 {
        assert_eq!(world.post(&critical()).await.status, 201);
    }
    assert_eq!((world.incident_shards(), world.event_counts().await), (0, vec![4]));
}

#[tokio::test]
async fn events_of_a_resolved_incident_stay_in_its_shards_and_the_next_incident_has_none() {
    let world = World::new().await;
    let api = world.new_environment().await;
    world.post(&critical()).await;
    world.post_contended(&api).await;
    for _ in 0..3 {
        api.post(&critical(), None).await;
    }
    assert_eq!((world.incident_shards(), world.event_counts().await), (1, vec![5]));
    assert_eq!(world.change_newest("resolve").await, 200);
    world.clock.advance(60);
    for _ in 0..2 {
        assert_eq!(api.post(&critical(), None).await.status, 201);
    }
    assert_eq!((world.incident_shards(), world.event_counts().await), (1, vec![2, 5]));
    world.clock.advance(DIGEST);
    world.sweep_every_minute(3).await;
    assert_eq!(world.event_counts().await, [2, 5]);
}

/// A writer may have read that events are counted in shards long before it writes: until its function ends.
#[tokio::test(flavor = "multi_thread")]
async fn event_in_flight_while_the_shards_are_to_be_merged_is_counted() {
    let world = World::new().await;
    let api = world.new_environment().await;
    world.post(&critical()).await;
    world.post_contended(&api).await;
    api.post(&critical(), None).await;
    world.clock.advance(DIGEST);
    world.sweep().await;
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::Hold,
        _ => Fault::None,
    });
    let writer = tokio::spawn(async move { api.post(&critical(), None).await.status });
    while world.dynamodb.calls("TransactWriteItems") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // The sweep ends the counting in shards while the write is in flight.
    world.clock.advance(60);
    world.sweep().await;
    world.dynamodb.release();
    assert_eq!(writer.await.unwrap(), 201);
    assert_eq!(world.event_counts().await, [4]);
    world.clock.advance(DIGEST);
    world.sweep_every_minute(3).await;
    assert_eq!((world.incident_shards(), world.event_counts().await, world.notified_events()), (0, vec![4], 4));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Events of so many environments, of which the first meets other writers twice.
    Events {
        environments: usize,
        is_contended: bool,
    },
    Acknowledge,
    Resolve,
    Wait {
        seconds: i64,
    },
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..4_usize, any::<bool>())
            .prop_map(|(environments, is_contended)| Step::Events { environments, is_contended }),
        1 => Just(Step::Acknowledge),
        1 => Just(Step::Resolve),
        3 => prop::sample::select(vec![1, 59, 60, 61, DIGEST, DAY + 1]).prop_map(|seconds| Step::Wait { seconds }),
        5 => Just(Step::Sweep),
    ]
}

/// Runs a history. Asserts after each step that the incidents count all events, and at its end that people were notified of each event
/// once, except of those of incidents that a person has resolved before.
async fn run(steps: Vec<Step>) {
    let world = World::new().await;
    let environments = join_all((0..4).map(|_| world.new_environment())).await;
    let (mut accepted, mut resolved_by_people) = (0_u64, 0_usize);
    for step in &steps {
        match *step {
            Step::Events { environments: number, is_contended } => {
                for (place, api) in environments.iter().take(number).enumerate() {
                    if place == 0 && is_contended {
                        world.post_contended(api).await;
                    } else {
                        assert_eq!(api.post(&critical(), None).await.status, 201);
                    }
                    accepted += 1;
                }
            }
            Step::Acknowledge => drop(world.change_newest("acknowledge").await),
            Step::Resolve => resolved_by_people += usize::from(world.change_newest("resolve").await == 200),
            Step::Wait { seconds } => world.clock.advance(seconds),
            Step::Sweep => drop(world.sweep().await),
        }
        assert_eq!(world.event_counts().await.iter().sum::<u64>(), accepted, "after {step:?} of {steps:?}");
    }
    world.clock.advance(DIGEST);
    world.sweep_every_minute(18).await;
    let mut notified = 0;
    for incident in world.storm_incidents().await {
        let timeline = world.timeline(&incident["id"]).await;
        let numbers = timeline.list("/timeline").iter().filter(|entry| entry["type"] == "notification");
        let of_incident: u64 = numbers.map(|it| it["notification"]["newEventCount"].as_u64().unwrap()).sum();
        if incident["resolved"]["by"].is_null() {
            assert_eq!(incident["eventCount"], of_incident, "{incident} of {steps:?}");
        }
        notified += of_incident;
    }
    assert_eq!(world.notified_events(), notified, "{steps:?}");
    assert!(notified == accepted || resolved_by_people > 0, "{notified} of {accepted}: {steps:?}");
    // Nothing is left in shards but events of incidents that people resolved before the shards were merged.
    assert!(world.incident_shards() == 0 || resolved_by_people > 0, "{steps:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_histories_of_storms_count_and_notify_of_every_event_once(steps in prop::collection::vec(step(), 1..24)) {
        tokio::runtime::Runtime::new().unwrap().block_on(run(steps));
    }
}
