//! Packing events into transactions.

use age_model::Engine;

/// The most items that DynamoDB takes in a transaction. They may have 4 MB; so many events have not half of that.
const MAX_ITEMS: usize = 100;

/// Packs `events` that lead to nothing, so that each pack fits into one transaction with its counters: into as few as can be,
/// or one more. Those of an engine stay together, in their order, so that few counters are written.
#[must_use]
pub fn packs<T>(mut events: Vec<T>, engine: impl Fn(&T) -> Engine) -> Vec<Vec<T>> {
    events.sort_by_key(&engine);
    let mut packs: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for event in events {
        let counted = packs.last().and_then(|pack| pack.last()).map(&engine);
        let items = if counted == Some(engine(&event)) { 1 } else { 2 };
        if let Some(pack) = packs.last_mut().filter(|_| items <= room) {
            room -= items;
            pack.push(event);
        } else {
            room = MAX_ITEMS - 2;
            packs.push(vec![event]);
        }
    }
    packs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use age_model::{Event, MAX_DETAILS_BYTES, NewEvent, Severity};
    use aws_config::{BehaviorVersion, SdkConfig};
    use proptest::prelude::*;

    use super::*;
    use crate::{Db, Events};

    fn packed(engines: &[Engine]) -> Vec<Vec<(Engine, usize)>> {
        packs(engines.iter().copied().zip(0..).collect(), |(engine, _)| *engine)
    }

    fn engines_of(pack: &[(Engine, usize)]) -> usize {
        pack.iter().map(|(engine, _)| engine).collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn the_events_of_one_engine_take_one_transaction_for_99() {
        for (events, transactions) in [(0, 0), (1, 1), (99, 1), (100, 2), (198, 2), (199, 3), (500, 6)] {
            assert_eq!(packed(&vec![Engine::Qa; events]).len(), transactions, "{events}");
        }
    }

    #[test]
    fn the_largest_events_stay_far_below_what_a_transaction_may_have() {
        let details = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_DETAILS_BYTES - 8));
        let now = "2026-11-23T00:05:00Z".parse().unwrap();
        let event = Event {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            reported: NewEvent {
                engine: Engine::Documentation,
                event_type: "\u{1f600}".repeat(128).parse().unwrap(),
                severity: Severity::Critical,
                details: details.parse().unwrap(),
                source_time: Some(now),
            },
            occurred_at: now,
            reported_by: Some("k".repeat(32).parse().unwrap()),
        };
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let put = Events::new(&Db::new(&config), "Events", 400).put(&event, 511).unwrap();
        let bytes: usize =
            put.put().unwrap().item().iter().map(|(name, value)| name.len() + format!("{value:?}").len()).sum();
        assert!(bytes > MAX_DETAILS_BYTES && bytes * MAX_ITEMS < 2_000_000, "{bytes}");
    }

    proptest! {
        #[test]
        fn each_pack_fits_and_nothing_is_lost(engines in prop::collection::vec(prop::sample::select(Engine::ALL), 0..600)) {
            let packs = packed(&engines);
            prop_assert!(packs.iter().all(|pack| !pack.is_empty() && pack.len() + engines_of(pack) <= MAX_ITEMS));
            let all: Vec<_> = packs.concat();
            let mut sorted: Vec<_> = engines.iter().copied().zip(0..).collect();
            sorted.sort_unstable();
            prop_assert_eq!(&all, &sorted, "those of an engine in their order");
            let least = (engines.len() + engines_of(&all)).div_ceil(MAX_ITEMS);
            prop_assert!(packs.len() <= least + 1, "{} packs instead of {}", packs.len(), least);
            let counters: usize = packs.iter().map(|pack| engines_of(pack)).sum();
            prop_assert!(counters < engines_of(&all) + packs.len().max(1), "{} counters", counters);
        }
    }
}
