//! Due incidents are found in the index `due`, whatever else is in it.

use std::collections::BTreeMap;

use age_model::{Clock, Engine, Timestamp};
use age_store::{DueIncident, IncidentStates};

use crate::world::{ENGINES, World, event};

/// How many entries an engine has for a step.
#[derive(Clone, Copy)]
struct Entries {
    due: i64,
    waiting: i64,
}

/// The entries of each engine: incidents that nobody was notified of, and others. A read has pages of 32 and of 500 entries.
const ENTRIES: [[Entries; 2]; 8] = {
    const fn of(new: (i64, i64), notified: (i64, i64)) -> [Entries; 2] {
        [Entries { due: new.0, waiting: new.1 }, Entries { due: notified.0, waiting: notified.1 }]
    }
    [
        of((0, 0), (1, 0)),
        of((32, 0), (31, 0)),
        of((0, 100), (3, 0)),
        of((1100, 0), (0, 700)),
        of((2, 33), (33, 1)),
        of((0, 0), (0, 0)),
        of((1, 1), (500, 0)),
        of((64, 65), (501, 2)),
    ]
};

/// Returns the world with these entries, and their times by engine and whether nobody was notified.
async fn world_with_entries() -> (World, BTreeMap<(Engine, bool), Vec<Timestamp>>) {
    let world = World::new().await;
    let mut times = BTreeMap::new();
    for engine in ENGINES {
        assert_eq!(world.post(&event(engine.as_str(), "lost", "CRITICAL")).await.status, 201);
    }
    let now = world.clock.now();
    for (engine, of_engine) in ENGINES.into_iter().zip(ENTRIES) {
        let mut keys = Vec::new();
        for (step, Entries { due, waiting }) in ["new", "notified"].into_iter().zip(of_engine) {
            let at = |minutes: i64| now.plus_seconds(60 * minutes);
            let due: Vec<Timestamp> = (1 - due..=0).map(at).collect();
            let waiting = (1..=waiting).map(at);
            keys.extend(due.iter().copied().chain(waiting).map(|at| Some(format!("{engine}#{step}#{at}"))));
            times.insert((engine, step == "new"), due);
        }
        world.copy_incident_with(&format!("{engine}#lost"), keys);
    }
    (world, times)
}

#[tokio::test]
async fn due_incidents_of_each_engine_are_found_however_many_others_there_are() {
    let (world, times) = world_with_entries().await;
    let states = IncidentStates::new(&world.db(), "Incidents", 400);
    for limit in [0, 1, 32, 64, 500, 5000] {
        let found = states.due(world.clock.now(), limit).await.unwrap();
        let items: Vec<DueIncident> = found.items.into_iter().map(Result::unwrap).collect();
        assert!(items.is_sorted(), "the earliest first");
        let mut by_group: BTreeMap<(Engine, bool), Vec<Timestamp>> = BTreeMap::new();
        for DueIncident { due_at, key, is_new } in items {
            by_group.entry((key.engine, is_new)).or_default().push(due_at);
        }
        for (group, due) in &times {
            let found = by_group.remove(group).unwrap_or_default();
            assert_eq!(found, due[..limit.min(due.len())], "{group:?}, limit {limit}");
        }
        assert!(by_group.is_empty(), "{by_group:?}");
        let first_unread = times.values().filter_map(|due| due.get(limit)).min();
        assert_eq!(found.unread_since.as_ref(), first_unread, "limit {limit}");
    }
}

#[tokio::test]
async fn unresolved_types_of_an_engine_are_its_own_and_bounded() {
    let (world, _) = world_with_entries().await;
    let states = IncidentStates::new(&world.db(), "Incidents", 400);
    for (engine, [new, notified]) in ENGINES.into_iter().zip(ENTRIES) {
        // The copies, and the incident of which they are copies.
        let all = new.due + new.waiting + notified.due + notified.waiting + 1;
        for limit in [1, 600, 5000] {
            let types = states.unresolved_types(engine, limit).await.unwrap();
            assert_eq!(types.len() as u64, all.unsigned_abs().min(limit), "{engine}");
        }
    }
}
