//! The shard in which this execution environment counts the events of incidents that many environments report at once.

use std::sync::atomic::{AtomicU32, Ordering};

use age_model::Clock;
use age_store::INCIDENT_SHARDS;

/// A shard of an incident's counter: the same for all incidents. Build one per execution environment.
#[derive(Debug)]
pub(crate) struct IncidentShard(AtomicU32);

/// No shard was chosen yet.
const NONE: u32 = u32::MAX;

impl Default for IncidentShard {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

impl IncidentShard {
    /// Returns the shard. The first call chooses it at random.
    pub(crate) fn get(&self, clock: &dyn Clock) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            NONE => self.reassign(clock),
            shard => shard,
        }
    }

    /// Chooses another shard, because another environment writes this one. Returns it.
    pub(crate) fn reassign(&self, clock: &dyn Clock) -> u32 {
        let random = clock.random() % u128::from(INCIDENT_SHARDS);
        let shard = u32::try_from(random).unwrap_or_default();
        self.0.store(shard, Ordering::Relaxed);
        shard
    }
}
