//! The shards of rollups that this execution environment counts in.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Day, Engine, StoreError};
use age_store::{MAX_SHARD_COUNT, Rollups, ShardAssignments, ShardedCounters};

/// The rollups that count some events or decisions, each with the shard that is written.
pub(crate) type RollupShards = BTreeMap<(Engine, Day), u32>;

/// Chooses shards of counters of one kind. Build one per execution environment.
#[derive(Debug)]
pub(crate) struct ShardChooser {
    assignments: ShardAssignments,
    rollups: Rollups,
    counters: ShardedCounters,
}

impl ShardChooser {
    pub(crate) fn new(rollups: Rollups, counters: ShardedCounters) -> Self {
        Self { assignments: ShardAssignments::default(), rollups, counters }
    }

    /// Returns the table of the counters.
    pub(crate) const fn rollups(&self) -> &Rollups {
        &self.rollups
    }

    /// Returns the shard of each of `rollups`.
    pub(crate) fn choose(&self, rollups: impl Iterator<Item = (Engine, Day)>) -> RollupShards {
        let rollups: BTreeSet<(Engine, Day)> = rollups.collect();
        rollups.into_iter().map(|(engine, day)| ((engine, day), self.assignments.shard(engine, day))).collect()
    }

    /// Moves to another shard of this engine's day; to one of twice as many if others were tried. If that cannot be published
    /// to readers, the next attempt uses the same shard.
    pub(crate) async fn reassign(&self, engine: Engine, day: Day, clock: &dyn Clock) {
        let shard_count = self.assignments.shard_count(engine, day);
        let published = if shard_count == MAX_SHARD_COUNT {
            Ok(Some(shard_count))
        } else {
            self.published_shard_count(engine, day, shard_count).await
        };
        match published {
            Ok(Some(published)) => self.assignments.reassign(engine, day, published, clock.random()),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, %engine, "cannot raise the shard count of engine {engine}: {error}");
            }
        }
    }

    /// Returns a shard count that readers know, with shards that this environment has not tried.
    async fn published_shard_count(
        &self,
        engine: Engine,
        day: Day,
        shard_count: u32,
    ) -> Result<Option<u32>, StoreError> {
        let may_move = self.assignments.may_move(engine, day);
        if self.counters == ShardedCounters::Outcomes {
            // Functions that settle actions may not read single rows. An update that publishes nothing returns what is published.
            if may_move {
                return Ok(Some(shard_count));
            }
        } else {
            // A read conflicts with nobody: of many environments one publishes, and the others find it.
            let published = self.rollups.shard_count((engine, day), self.counters).await?;
            if published > shard_count || may_move {
                return Ok(Some(published));
            }
        }
        // INVARIANT: readers know the larger shard count before anything is written to the new shards.
        let doubled = (shard_count * 2).min(MAX_SHARD_COUNT);
        self.rollups.publish_shard_count((engine, day), self.counters, doubled).await
    }
}
