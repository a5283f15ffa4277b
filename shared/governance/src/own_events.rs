//! Recording AGE's own events, in the transaction of what they are about. No actions and no incidents follow from them.

use age_model::{Event, StoreError};
use age_store::{Events, PlannedRemediations, Rollups, Write};

/// The shard of the rollups that count AGE's own events. They are few.
const SHARD: u32 = 0;

/// Records AGE's own events.
#[derive(Debug, Clone)]
pub struct OwnEvents {
    events: Events,
    rollups: Rollups,
}

impl OwnEvents {
    /// Writes to these tables.
    #[must_use]
    pub const fn new(events: Events, rollups: Rollups) -> Self {
        Self { events, rollups }
    }

    /// Returns the writes that store `event` and count it, on the condition that it is new.
    pub(crate) fn writes(&self, event: &Event) -> Result<[Write; 2], StoreError> {
        let (engine, at) = (event.reported.engine, event.occurred_at);
        let counted = std::iter::once((at.hour(), event.reported.severity));
        let rollup = (engine, at.day());
        Ok([
            self.events.insertion(event, SHARD, None)?,
            self.rollups.count_events(rollup, SHARD, counted, PlannedRemediations::default(), at)?,
        ])
    }
}
