//! What is counted of some days, seen from several sides.

use std::collections::BTreeMap;
use std::sync::Arc;

use age_model::{ActionCounts, ActionStatus, Day, EventCounts, Period, Timestamp};

use super::rows::{Rollup, Settled};

/// All that is counted of one engine's day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EngineDay {
    /// One for each shard.
    pub(super) rollups: Vec<Rollup>,
    pub(super) settled: Settled,
}

/// What is counted of some engines' days.
#[derive(Debug, Clone, Default)]
pub struct RollupSet(pub(super) Vec<(Day, Arc<EngineDay>)>);

impl RollupSet {
    /// Every row that counts events.
    pub(crate) fn rollups(&self) -> impl Iterator<Item = &Rollup> {
        self.0.iter().flat_map(|(_, day)| &day.rollups)
    }

    /// The events of `period`.
    #[must_use]
    pub fn events(&self, period: Period) -> EventCounts {
        let mut counts = EventCounts::default();
        for counted in self.by_hour(period).values() {
            counts.merge(counted);
        }
        counts
    }

    /// The events of `period` by the beginning of each hour that has any.
    #[must_use]
    pub fn by_hour(&self, period: Period) -> BTreeMap<Timestamp, EventCounts> {
        let mut hours: BTreeMap<Timestamp, EventCounts> = BTreeMap::new();
        for rollup in self.rollups() {
            for (hour, counted) in &rollup.hours {
                if period.counts(rollup.day, *hour) {
                    hours.entry(rollup.day.at(*hour)).or_default().add_all(rollup.engine, counted);
                }
            }
        }
        hours
    }

    /// What became of the remedies that came to be owed on the days of `period`.
    #[must_use]
    pub fn actions(&self, period: Period) -> ActionCounts {
        let mut counts = ActionCounts::default();
        let days = period.first_day()..=period.last_day();
        for (_, day) in self.0.iter().filter(|(day, _)| days.contains(day)) {
            for rollup in &day.rollups {
                counts.planned = counts.planned.saturating_add(rollup.planned);
                *counts.by_status.entry(ActionStatus::Suppressed).or_default() += rollup.suppressed;
            }
            for (status, number) in &day.settled.by_status {
                *counts.by_status.entry(*status).or_default() += number;
            }
            counts.outcomes += day.settled.outcomes;
            counts.outcome_millis += day.settled.outcome_millis;
        }
        counts
    }
}
