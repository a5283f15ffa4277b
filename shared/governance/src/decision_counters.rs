//! The counters of decisions, which the transaction that records them adds to.

use age_model::{Clock, DecisionCounts, Engine, StoreError, Timestamp};
use age_store::{NewDecision, Rollups, ShardedCounters, Write};

use crate::rollup_shards::{RollupShards, ShardChooser};

/// Counts decisions. Knows which shards this execution environment writes; build one per environment.
#[derive(Debug)]
pub(crate) struct DecisionCounters(ShardChooser);

impl DecisionCounters {
    pub(crate) fn new(rollups: Rollups) -> Self {
        Self(ShardChooser::new(rollups, ShardedCounters::Decisions))
    }

    /// Returns the shard in which the decisions of each engine are counted, all of which are made at `now`.
    pub(crate) fn choose(&self, decisions: &[NewDecision], now: Timestamp) -> RollupShards {
        self.0.choose(decisions.iter().map(|new| (new.decision.engine, now.day())))
    }

    /// Returns the writes that count `decisions`, made at `now`, in the order of `shards`.
    pub(crate) fn writes(
        &self,
        decisions: &[NewDecision],
        shards: &RollupShards,
        now: Timestamp,
    ) -> Result<Vec<Write>, StoreError> {
        let counts = |engine: Engine| {
            let mut counts = DecisionCounts::default();
            let of_engine = decisions.iter().map(|new| &new.decision).filter(|decision| decision.engine == engine);
            of_engine.for_each(|decision| counts.add(&DecisionCounts::of(decision)));
            counts
        };
        let write = |((engine, _), shard): (&(Engine, _), &u32)| {
            self.0.rollups().count_decisions((*engine, now), *shard, &counts(*engine))
        };
        shards.iter().map(write).collect()
    }

    /// Moves to other shards where other environments were writing: `conflicts` are indexes in the order of `shards`.
    pub(crate) async fn reassign(&self, shards: RollupShards, conflicts: &[usize], clock: &dyn Clock) {
        for (index, (engine, day)) in shards.into_keys().enumerate() {
            if conflicts.contains(&index) {
                self.0.reassign(engine, day, clock).await;
            }
        }
    }
}
