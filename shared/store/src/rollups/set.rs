//! The rollups of some days, and their sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use age_model::{ActionCounts, ActionStatus, Day, EventCounts, Period, Timestamp};

use crate::rollups::rows::{DayOutcomes, Rollup};

/// The rollups of one engine's day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EngineDay {
    /// One per shard.
    pub(super) rollups: Vec<Rollup>,
    pub(super) outcomes: DayOutcomes,
}

/// The rollups of some engines' days.
#[derive(Debug, Clone, Default)]
pub struct RollupSet(pub(super) Vec<(Day, Arc<EngineDay>)>);

impl RollupSet {
    /// Returns the rollups of events, one per shard and day.
    pub(crate) fn rollups(&self) -> impl Iterator<Item = &Rollup> {
        self.0.iter().flat_map(|(_, day)| &day.rollups)
    }

    /// Returns the events of `period`.
    #[must_use]
    pub fn events(&self, period: Period) -> EventCounts {
        let mut counts = EventCounts::default();
        for counted in self.by_hour(period).values() {
            counts.merge(counted);
        }
        counts
    }

    /// Returns the events of `period` by the beginning of each hour that has any.
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

    /// Returns the outcomes of the remediations that were planned on the days of `period`.
    #[must_use]
    pub fn actions(&self, period: Period) -> ActionCounts {
        let mut counts = ActionCounts::default();
        let days = period.first_day()..=period.last_day();
        for (_, day) in self.0.iter().filter(|(day, _)| days.contains(day)) {
            for rollup in &day.rollups {
                counts.planned = counts.planned.saturating_add(rollup.planned);
                *counts.by_status.entry(ActionStatus::Suppressed).or_default() += rollup.suppressed;
            }
            for (status, number) in &day.outcomes.by_status {
                *counts.by_status.entry(*status).or_default() += number;
            }
            counts.outcomes += day.outcomes.outcomes;
            counts.outcome_millis += day.outcomes.outcome_millis;
        }
        counts
    }
}
