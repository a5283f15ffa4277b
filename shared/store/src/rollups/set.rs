//! The rollups of some days, and their sums.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use age_model::{
    ActionCounts, ActionStatus, Day, DecisionCounts, Engine, EventCounts, Hour, Period, StoreError, Timestamp,
};

use crate::rollups::decision_rows::DecisionRollup;
use crate::rollups::rows::{DayOutcomes, Rollup};

/// The rollups of one engine's day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EngineDay {
    /// One per shard.
    pub(super) rollups: Vec<Rollup>,
    /// One per shard that has any.
    pub(super) decisions: Vec<DecisionRollup>,
    pub(super) outcomes: DayOutcomes,
}

impl EngineDay {
    /// Whether this version can count all of it.
    pub(super) fn is_complete(&self) -> bool {
        self.outcomes.uncounted.is_none()
            && self.rollups.iter().all(|rollup| rollup.uncounted.is_none())
            && self.decisions.iter().all(|rollup| rollup.uncounted.is_none())
    }
}

/// The rollups of some engines' days.
#[derive(Debug, Clone, Default)]
pub struct RollupSet(pub(super) Vec<(Day, Arc<EngineDay>)>);

impl RollupSet {
    /// Returns the rollups of events, one per shard and day.
    pub fn rollups(&self) -> impl Iterator<Item = &Rollup> {
        self.0.iter().flat_map(|(_, day)| &day.rollups)
    }

    /// Returns the events of `period`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row of the period has counters that this version cannot count.
    pub fn events(&self, period: Period) -> Result<EventCounts, StoreError> {
        let mut counts = EventCounts::default();
        for counted in self.by_hour(period)?.values() {
            counts.merge(counted);
        }
        Ok(counts)
    }

    /// Returns the events of `period` by the beginning of each hour that has any.
    ///
    /// # Errors
    /// As [`RollupSet::events`].
    pub fn by_hour(&self, period: Period) -> Result<BTreeMap<Timestamp, EventCounts>, StoreError> {
        let mut hours: BTreeMap<Timestamp, EventCounts> = BTreeMap::new();
        for rollup in self.rollups() {
            let is_of_period = || Hour::all().any(|hour| period.counts(rollup.day, hour));
            if let Some(error) = rollup.uncounted.as_ref().filter(|_| is_of_period()) {
                return Err(error.clone());
            }
            for (hour, counted) in &rollup.hours {
                if period.counts(rollup.day, *hour) {
                    hours.entry(rollup.day.at(*hour)).or_default().add_all(rollup.engine, counted);
                }
            }
        }
        Ok(hours)
    }

    /// Returns when each engine was last heard, of those that were heard on one of the days. A day whose events were counted without a
    /// time was heard at its beginning, or later.
    #[must_use]
    pub fn last_heard(&self) -> BTreeMap<Engine, Timestamp> {
        let mut last: BTreeMap<Engine, Timestamp> = BTreeMap::new();
        for rollup in self.rollups() {
            let at = rollup.last_heard_at.unwrap_or_else(|| rollup.day.start());
            last.entry(rollup.engine).and_modify(|last| *last = at.max(*last)).or_insert(at);
        }
        last
    }

    /// Returns when a remediation of each engine was last found ineffective, of those of which one was on one of the days.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if this version cannot read a row of outcomes.
    pub fn last_ineffective(&self) -> Result<BTreeMap<Engine, Timestamp>, StoreError> {
        let mut last: BTreeMap<Engine, Timestamp> = BTreeMap::new();
        for (_, day) in &self.0 {
            if let Some(error) = &day.outcomes.uncounted {
                return Err(error.clone());
            }
            // The days of an engine are in order.
            last.extend(day.outcomes.last_ineffective);
        }
        Ok(last)
    }

    /// Returns the outcomes of the remediations that were planned on the days of `period`.
    ///
    /// # Errors
    /// As [`RollupSet::events`].
    pub fn actions(&self, period: Period) -> Result<ActionCounts, StoreError> {
        let mut counts = ActionCounts::default();
        let days = period.first_day()..=period.last_day();
        for (_, day) in self.0.iter().filter(|(day, _)| days.contains(day)) {
            let incomplete = day.rollups.iter().find_map(|rollup| rollup.uncounted.as_ref());
            if let Some(error) = incomplete.or(day.outcomes.uncounted.as_ref()) {
                return Err(error.clone());
            }
            for rollup in &day.rollups {
                counts.planned = counts.planned.saturating_add(rollup.planned);
                *counts.by_status.entry(ActionStatus::Suppressed).or_default() += rollup.suppressed;
            }
            for (status, number) in &day.outcomes.by_status {
                *counts.by_status.entry(*status).or_default() += u64::try_from(*number).unwrap_or(0);
            }
            counts.outcomes += day.outcomes.outcomes;
            counts.outcome_millis += day.outcomes.outcome_millis;
        }
        Ok(counts)
    }

    /// Returns the engines that have counted decisions on one of the days.
    #[must_use]
    pub fn engines_with_decisions(&self) -> BTreeSet<Engine> {
        self.decision_rollups().map(|rollup| rollup.engine).collect()
    }

    /// Returns the decisions of `period`. Guardrails and reasons are counted by the days of the period.
    ///
    /// # Errors
    /// As [`RollupSet::events`].
    pub fn decisions(&self, period: Period) -> Result<DecisionCounts, StoreError> {
        Ok(self.decisions_by_engine(period)?.values().collect())
    }

    /// Returns the decisions of `period` of each engine that has any, as [`RollupSet::decisions`].
    ///
    /// # Errors
    /// As [`RollupSet::events`].
    pub fn decisions_by_engine(&self, period: Period) -> Result<BTreeMap<Engine, DecisionCounts>, StoreError> {
        let days = period.first_day()..=period.last_day();
        let mut engines: BTreeMap<Engine, DecisionCounts> = BTreeMap::new();
        for rollup in self.decision_rollups().filter(|rollup| days.contains(&rollup.day)) {
            if let Some(error) = &rollup.uncounted {
                return Err(error.clone());
            }
            let counts = engines.entry(rollup.engine).or_default();
            counts.add(&rollup.of_day);
            for (_, of_hour) in rollup.hours.iter().filter(|(hour, _)| period.counts(rollup.day, **hour)) {
                counts.add(of_hour);
            }
        }
        engines.retain(|_, counts| !counts.is_empty());
        Ok(engines)
    }

    fn decision_rollups(&self) -> impl Iterator<Item = &DecisionRollup> {
        self.0.iter().flat_map(|(_, day)| &day.decisions)
    }
}
