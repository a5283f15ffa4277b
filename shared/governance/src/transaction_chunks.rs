//! Splitting events into transactions.

use age_model::Engine;

/// The most items of one transaction (DynamoDB). A transaction may have 4 MB; so many events have less than half of that.
pub(crate) const MAX_ITEMS: usize = 100;

/// Splits `events` that lead to nothing into chunks that each fit into one transaction with their rollups: into as few as
/// possible, or one more. Events of an engine stay together, in their order, so that few rollups are written.
pub(crate) fn transaction_chunks<T>(mut events: Vec<T>, engine: impl Fn(&T) -> Engine) -> Vec<Vec<T>> {
    events.sort_by_key(&engine);
    let mut chunks: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for event in events {
        let counted = chunks.last().and_then(|chunk| chunk.last()).map(&engine);
        let items = if counted == Some(engine(&event)) { 1 } else { 2 };
        if let Some(chunk) = chunks.last_mut().filter(|_| items <= room) {
            room -= items;
            chunk.push(event);
        } else {
            room = MAX_ITEMS - 2;
            chunks.push(vec![event]);
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn chunks_of(engines: &[Engine]) -> Vec<Vec<(Engine, usize)>> {
        transaction_chunks(engines.iter().copied().zip(0..).collect(), |(engine, _)| *engine)
    }

    fn engines_of(chunk: &[(Engine, usize)]) -> usize {
        chunk.iter().map(|(engine, _)| engine).collect::<BTreeSet<_>>().len()
    }

    fn engine() -> impl Strategy<Value = Engine> {
        (0..64).prop_map(|number| format!("engine_{number:02}").parse().unwrap())
    }

    #[test]
    fn events_of_one_engine_take_one_transaction_per_99() {
        for (events, transactions) in [(0, 0), (1, 1), (99, 1), (100, 2), (198, 2), (199, 3), (500, 6)] {
            assert_eq!(chunks_of(&vec![Engine::from_static("qa"); events]).len(), transactions, "{events}");
        }
    }

    proptest! {
        #[test]
        fn each_chunk_fits_and_nothing_is_lost(engines in prop::collection::vec(engine(), 0..600)) {
            let chunks = chunks_of(&engines);
            prop_assert!(chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() + engines_of(chunk) <= MAX_ITEMS));
            let all: Vec<_> = chunks.concat();
            let mut sorted: Vec<_> = engines.iter().copied().zip(0..).collect();
            sorted.sort_unstable();
            prop_assert_eq!(&all, &sorted, "events of an engine keep their order");
            let least = (engines.len() + engines_of(&all)).div_ceil(MAX_ITEMS);
            prop_assert!(chunks.len() <= least + 1, "{} chunks instead of {}", chunks.len(), least);
            let rollups: usize = chunks.iter().map(|chunk| engines_of(chunk)).sum();
            prop_assert!(rollups < engines_of(&all) + chunks.len().max(1), "{} rollups", rollups);
        }
    }
}
