//! Over how many rollup rows this execution environment spreads its writes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Day, Engine};

/// The most rows one engine's day is spread over. Each takes some 500 transactions a second (1,000 WCU, two a counter).
pub(crate) const MAX_WIDTH: u32 = 64;

/// The width of each engine's present day. A new day starts at 1 again: a quiet system reads one row an engine.
///
/// An environment handles one request at a time, so it never conflicts with itself; only a conflict widens.
#[derive(Debug, Default)]
pub(crate) struct Shards(Mutex<BTreeMap<Engine, (Day, u32)>>);

impl Shards {
    fn known(&self) -> MutexGuard<'_, BTreeMap<Engine, (Day, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The width that `engine` has on `day`.
    pub(crate) fn width(&self, engine: Engine, day: Day) -> u32 {
        self.known().get(&engine).filter(|(known, _)| *known == day).map_or(1, |(_, width)| *width)
    }

    /// Remembers that readers of `engine` on `day` look at `width` rows.
    ///
    /// INVARIANT: called only after shard 0's row says so, or readers would miss what is written beyond it.
    pub(crate) fn widen(&self, engine: Engine, day: Day, width: u32) {
        let width = width.clamp(self.width(engine, day), MAX_WIDTH);
        self.known().insert(engine, (day, width));
    }

    /// A shard for the next write.
    pub(crate) fn pick(&self, engine: Engine, day: Day, random: u128) -> u32 {
        let width = u128::from(self.width(engine, day));
        u32::try_from(random % width).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widens_for_the_day_only_and_never_narrows() {
        let (today, tomorrow): (Day, Day) = ("2026-11-23".parse().unwrap(), "2026-11-24".parse().unwrap());
        let shards = Shards::default();
        assert_eq!(shards.width(Engine::Qa, today), 1);
        shards.widen(Engine::Qa, today, 8);
        shards.widen(Engine::Qa, today, 4);
        assert_eq!(shards.width(Engine::Qa, today), 8);
        assert_eq!((shards.width(Engine::Billing, today), shards.width(Engine::Qa, tomorrow)), (1, 1));
        shards.widen(Engine::Qa, today, 1000);
        assert_eq!(shards.width(Engine::Qa, today), MAX_WIDTH);
        let picked: std::collections::BTreeSet<_> = (0..1000).map(|n| shards.pick(Engine::Qa, today, n)).collect();
        assert_eq!(picked.len(), 64);
    }
}
