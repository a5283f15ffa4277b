//! Which rollup rows this execution environment writes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use age_model::{Day, Engine};

/// The most rows one engine's day is spread over. Each takes some 500 transactions a second (1,000 WCU, two a counter).
pub(crate) const MAX_WIDTH: u32 = 512;

/// How many other rows are tried before there are more of them: readers pay for each.
const MOVES: u32 = 1;

/// Where each engine's present day is counted. A new day starts at row 0 of 1 again: a quiet system reads one row an engine.
///
/// An environment handles one request at a time, so it never conflicts with itself. It stays on a row until it meets another
/// environment there, and then one of the two goes: so before long most are alone, and meet hardly anybody any more.
#[derive(Debug, Default)]
pub(crate) struct Shards(Mutex<BTreeMap<Engine, Place>>);

#[derive(Debug, Clone, Copy)]
struct Place {
    day: Day,
    width: u32,
    shard: u32,
    /// How many other rows of as many may still be tried.
    moves_left: u32,
}

impl Shards {
    fn record(&self) -> MutexGuard<'_, BTreeMap<Engine, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, engine: Engine, day: Day) -> Place {
        let record = self.record().get(&engine).copied().filter(|record| record.day == day);
        record.unwrap_or(Place { day, width: 1, shard: 0, moves_left: 0 })
    }

    /// Over how many rows `engine` is spread on `day`, as far as this environment knows.
    pub(crate) fn width(&self, engine: Engine, day: Day) -> u32 {
        self.place(engine, day).width
    }

    /// Whether to try another row of as many, rather than to make more.
    pub(crate) fn may_move(&self, engine: Engine, day: Day) -> bool {
        self.place(engine, day).moves_left > 0
    }

    /// The row for the next write.
    pub(crate) fn shard(&self, engine: Engine, day: Day) -> u32 {
        self.place(engine, day).shard
    }

    /// Goes to another row, of `width`.
    ///
    /// INVARIANT: called only after shard 0's row says so, or readers would miss what is written beyond it.
    pub(crate) fn leave(&self, engine: Engine, day: Day, width: u32, random: u128) {
        let left = self.place(engine, day);
        let width = width.clamp(left.width, MAX_WIDTH);
        let others = u128::from(width - 1).max(1);
        let steps = 1 + u32::try_from(random % others).unwrap_or(0);
        let moves_left = if width == left.width { left.moves_left.saturating_sub(1) } else { MOVES };
        self.record().insert(engine, Place { day, width, shard: (left.shard + steps) % width, moves_left });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_for_the_day_and_never_narrows() {
        let (today, tomorrow): (Day, Day) = ("2026-11-23".parse().unwrap(), "2026-11-24".parse().unwrap());
        let shards = Shards::default();
        let at = |engine, day| (shards.shard(engine, day), shards.width(engine, day));
        assert_eq!(at(Engine::Qa, today), (0, 1));
        shards.leave(Engine::Qa, today, 8, 9);
        assert_eq!(at(Engine::Qa, today), (3, 8));
        assert_eq!(at(Engine::Qa, today), (3, 8));
        shards.leave(Engine::Qa, today, 4, 0);
        assert_eq!(at(Engine::Qa, today), (4, 8));
        assert_eq!((at(Engine::Billing, today), at(Engine::Qa, tomorrow)), ((0, 1), (0, 1)));
        shards.leave(Engine::Qa, today, 1000, 0);
        assert_eq!(at(Engine::Qa, today), (5, MAX_WIDTH));
    }

    #[test]
    fn some_rows_are_tried_before_there_are_more() {
        let today: Day = "2026-11-23".parse().unwrap();
        let shards = Shards::default();
        assert!(!shards.may_move(Engine::Qa, today), "there is no other");
        for width in [2, 4] {
            shards.leave(Engine::Qa, today, width, 0);
            for _ in 0..MOVES {
                assert!(shards.may_move(Engine::Qa, today));
                shards.leave(Engine::Qa, today, width, 0);
            }
            assert!(!shards.may_move(Engine::Qa, today));
        }
    }

    #[test]
    fn whoever_leaves_may_come_to_any_other_row_and_to_no_other() {
        let today: Day = "2026-11-23".parse().unwrap();
        let came_to = |random: u128| {
            let shards = Shards::default();
            shards.leave(Engine::Qa, today, 8, 4);
            shards.leave(Engine::Qa, today, 8, random);
            shards.shard(Engine::Qa, today)
        };
        let rows: std::collections::BTreeSet<_> = (0..100).map(came_to).collect();
        assert_eq!(rows.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 6, 7]);
    }
}
