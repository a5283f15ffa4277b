//! Reports and lists, compared with a naive model that reads all events.

use age_model::{Engine, Severity, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use crate::world::proxy::Fault;
use crate::world::{ENGINES, World, event};

#[derive(Debug, Clone)]
struct Step {
    minutes: i64,
    engine: Engine,
    severity: Severity,
}

fn step() -> impl Strategy<Value = Step> {
    let minutes = prop_oneof![0..5_i64, 30..90_i64, 1000..3000_i64];
    (minutes, prop::sample::select(&ENGINES[..]), prop::sample::select(Severity::ALL))
        .prop_map(|(minutes, engine, severity)| Step { minutes, engine, severity })
}

/// An event in the model.
struct StoredEvent {
    id: String,
    at: Timestamp,
    engine: Engine,
    severity: Severity,
}

fn events_between<'a>(stored: &'a [StoredEvent], from: &'a str, to: &'a str) -> impl Iterator<Item = &'a StoredEvent> {
    let (from, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
    stored.iter().filter(move |event| from <= event.at && event.at < to)
}

/// Posts the events of `steps`, and compares report and lists with the model.
async fn assert_counters_agree(steps: Vec<Step>) {
    let world = World::new().await;
    world.set_time("2026-11-01T00:00:00Z");
    // Every third transaction conflicts on the counter, so that days have several shards.
    world.dynamodb.set_fault(|call| match call.operation.as_str() {
        "TransactWriteItems" if call.earlier % 3 == 1 => Fault::Cancel("TransactionConflict"),
        _ => Fault::None,
    });
    let mut stored = Vec::new();
    for Step { minutes, engine, severity } in steps {
        world.clock.advance(minutes * 60);
        let created = world.post(&event(engine.as_str(), "x", severity.as_str())).await;
        let at = created.text("/occurredAt").parse().unwrap();
        stored.push(StoredEvent { id: created.text("/id").to_owned(), at, engine, severity });
    }
    world.clock.advance(1);

    let report = world.generate_report().await;
    let (from, to) = (report.text("/from").to_owned(), report.text("/to").to_owned());
    let in_report = |matches: &dyn Fn(&StoredEvent) -> bool| {
        events_between(&stored, &from, &to).filter(|event| matches(event)).count() as u64
    };
    assert_eq!(report.number("/summary/totalEvents"), in_report(&|_| true));
    for engine in ENGINES {
        assert_eq!(report.number(&format!("/summary/byEngine/{engine}")), in_report(&|event| event.engine == engine));
    }
    for severity in Severity::ALL {
        assert_eq!(
            report.number(&format!("/summary/bySeverity/{severity}")),
            in_report(&|event| event.severity == *severity)
        );
    }
    let weight = |event: &StoredEvent| match event.severity {
        Severity::Critical => 25,
        Severity::High => 15,
        Severity::Medium => 5,
        Severity::Low => 1,
        Severity::Unknown(_) => unreachable!(),
    };
    let security: u64 = events_between(&stored, &from, &to)
        .filter(|event| ["compliance", "maos"].contains(&event.engine.as_str()))
        .map(weight)
        .sum();
    assert_eq!(report.number("/summary/rawScores/security_risk"), security);

    let newest_first = |matches: &dyn Fn(&StoredEvent) -> bool| {
        let mut events: Vec<&StoredEvent> = stored.iter().filter(|event| matches(event)).collect();
        events.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        events.into_iter().map(|event| event.id.clone()).collect::<Vec<_>>()
    };
    let listed = async |query: &str| {
        let events = world.list_events(&format!("/api/governance/events?{query}")).await;
        events.iter().map(|event: &Value| event["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("limit=3").await, newest_first(&|_| true));
    assert_eq!(listed("limit=2&severity=HIGH").await, newest_first(&|event| event.severity == Severity::High));
    assert_eq!(listed("limit=5&engine=qa").await, newest_first(&|event| event.engine == Engine::from_static("qa")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn report_and_lists_agree_with_reading_all_events(steps in prop::collection::vec(step(), 0..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(assert_counters_agree(steps));
    }
}
