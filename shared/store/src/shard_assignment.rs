//! Which shard of an engine's day this execution environment writes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use age_model::{Day, Engine};

/// The most shards of one engine's day. Each supports about 500 transactions per second (1,000 WCU per partition, two per
/// counter).
pub const MAX_SHARD_COUNT: u32 = 512;

/// How many other shards are tried before the shard count grows. Few shards make reads cheap.
const MOVES: u32 = 1;

/// The shard of each engine's present day. A new day starts with shard 0 of 1: a quiet system reads one row per engine.
///
/// An environment handles one request at a time, so it never conflicts with itself. It stays on a shard until it conflicts with
/// another environment there; then one of the two moves. Before long most environments have a shard of their own.
#[derive(Debug, Default)]
pub struct ShardAssignments(Mutex<BTreeMap<Engine, Assignment>>);

#[derive(Debug, Clone, Copy)]
struct Assignment {
    day: Day,
    shard_count: u32,
    shard: u32,
    /// How many other shards of the same shard count may still be tried.
    moves_left: u32,
}

impl ShardAssignments {
    fn assignments(&self) -> MutexGuard<'_, BTreeMap<Engine, Assignment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assignment(&self, engine: Engine, day: Day) -> Assignment {
        let current = self.assignments().get(&engine).copied().filter(|assignment| assignment.day == day);
        current.unwrap_or(Assignment { day, shard_count: 1, shard: 0, moves_left: 0 })
    }

    /// Returns the shard count of `engine` on `day`, as far as this environment knows.
    #[must_use]
    pub fn shard_count(&self, engine: Engine, day: Day) -> u32 {
        self.assignment(engine, day).shard_count
    }

    /// Whether to try another shard of the same shard count, rather than to raise it.
    #[must_use]
    pub fn may_move(&self, engine: Engine, day: Day) -> bool {
        self.assignment(engine, day).moves_left > 0
    }

    /// Returns the shard for the next write.
    #[must_use]
    pub fn shard(&self, engine: Engine, day: Day) -> u32 {
        self.assignment(engine, day).shard
    }

    /// Assigns another shard, chosen by `random` among `shard_count`.
    ///
    /// INVARIANT: called only after the row of shard 0 has this shard count. Otherwise readers would miss the new shard.
    pub fn reassign(&self, engine: Engine, day: Day, shard_count: u32, random: u128) {
        let current = self.assignment(engine, day);
        let shard_count = shard_count.clamp(current.shard_count, MAX_SHARD_COUNT);
        let others = u128::from(shard_count - 1).max(1);
        let steps = 1 + u32::try_from(random % others).unwrap_or(0);
        let moves_left = if shard_count == current.shard_count { current.moves_left.saturating_sub(1) } else { MOVES };
        let shard = (current.shard + steps) % shard_count;
        self.assignments().insert(engine, Assignment { day, shard_count, shard, moves_left });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignment_lasts_for_the_day_and_shard_count_never_shrinks() {
        let (today, tomorrow): (Day, Day) = ("2026-11-23".parse().unwrap(), "2026-11-24".parse().unwrap());
        let shards = ShardAssignments::default();
        let at = |engine, day| (shards.shard(engine, day), shards.shard_count(engine, day));
        assert_eq!(at(Engine::from_static("qa"), today), (0, 1));
        shards.reassign(Engine::from_static("qa"), today, 8, 9);
        assert_eq!(at(Engine::from_static("qa"), today), (3, 8));
        assert_eq!(at(Engine::from_static("qa"), today), (3, 8));
        shards.reassign(Engine::from_static("qa"), today, 4, 0);
        assert_eq!(at(Engine::from_static("qa"), today), (4, 8));
        assert_eq!(
            (at(Engine::from_static("billing"), today), at(Engine::from_static("qa"), tomorrow)),
            ((0, 1), (0, 1))
        );
        shards.reassign(Engine::from_static("qa"), today, 1000, 0);
        assert_eq!(at(Engine::from_static("qa"), today), (5, MAX_SHARD_COUNT));
    }

    #[test]
    fn other_shards_are_tried_before_the_shard_count_grows() {
        let today: Day = "2026-11-23".parse().unwrap();
        let shards = ShardAssignments::default();
        assert!(!shards.may_move(Engine::from_static("qa"), today), "one shard has no other");
        for shard_count in [2, 4] {
            shards.reassign(Engine::from_static("qa"), today, shard_count, 0);
            for _ in 0..MOVES {
                assert!(shards.may_move(Engine::from_static("qa"), today));
                shards.reassign(Engine::from_static("qa"), today, shard_count, 0);
            }
            assert!(!shards.may_move(Engine::from_static("qa"), today));
        }
    }

    #[test]
    fn reassignment_reaches_every_other_shard_and_never_the_same() {
        let today: Day = "2026-11-23".parse().unwrap();
        let reached = |random: u128| {
            let shards = ShardAssignments::default();
            shards.reassign(Engine::from_static("qa"), today, 8, 4);
            shards.reassign(Engine::from_static("qa"), today, 8, random);
            shards.shard(Engine::from_static("qa"), today)
        };
        let shards: std::collections::BTreeSet<_> = (0..100).map(reached).collect();
        assert_eq!(shards.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 6, 7]);
    }
}
