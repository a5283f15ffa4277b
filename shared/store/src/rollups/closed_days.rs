//! A cache of closed days, whose rollups do not change any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use age_model::{Day, Engine, Timestamp};

use crate::rollups::set::EngineDay;

/// A day is closed this many days after its end: no clock is that far behind, and no remediation that was planned on the day is
/// still open, unless the sweep has not run for a day.
const CLOSED_AFTER_DAYS: i64 = 3;

/// Days further back are not cached: a list may go back 400 days, statistics go back 30.
const CACHED_DAYS: i64 = 34;

type EngineDays = BTreeMap<(Engine, Day), Arc<EngineDay>>;

/// The closed days that this execution environment has read.
#[derive(Debug, Clone, Default)]
pub(super) struct ClosedDayCache(Arc<Mutex<EngineDays>>);

impl ClosedDayCache {
    /// Returns the cached days of `engine` from the first of `days` on, without a gap.
    pub(super) fn get(&self, engine: Engine, (first, last): (Day, Day)) -> Vec<(Day, Arc<EngineDay>)> {
        let days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cached = Vec::new();
        let mut day = first;
        while let Some(counted) = days.get(&(engine, day)).filter(|_| day <= last) {
            cached.push((day, Arc::clone(counted)));
            day = day.next();
        }
        cached
    }

    /// Caches the closed days of what was read of `engine` at `now`, and drops the oldest days.
    pub(super) fn insert(&self, engine: Engine, read: &[(Day, Arc<EngineDay>)], now: Timestamp) {
        let closed = now.plus_days(-CLOSED_AFTER_DAYS).day();
        let oldest = now.plus_days(-CACHED_DAYS).day();
        let mut days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        days.retain(|(_, day), _| *day >= oldest);
        // A day that cannot be counted is read again: an operator may mend it.
        let is_closed =
            |(day, counted): &&(Day, Arc<EngineDay>)| (oldest..closed).contains(day) && counted.is_complete();
        let closed = read.iter().filter(is_closed);
        days.extend(closed.map(|(day, counted)| ((engine, *day), Arc::clone(counted))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closed_days_are_cached() {
        let cache = ClosedDayCache::default();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let day = |day: &str| day.parse::<Day>().unwrap();
        let days = ["2026-10-19", "2026-10-20", "2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"];
        let read: Vec<_> = days.iter().map(|it| (day(it), Arc::new(EngineDay::default()))).collect();
        cache.insert(Engine::from_static("billing"), &read, now);
        let cached = |first: &str, last: &str| cache.get(Engine::from_static("billing"), (day(first), day(last))).len();
        assert_eq!(cached("2026-11-18", "2026-11-23"), 2, "the 20th ended less than three days ago");
        assert_eq!((cached("2026-11-18", "2026-11-18"), cached("2026-11-17", "2026-11-23")), (1, 0));
        assert_eq!((cached("2026-10-19", "2026-10-19"), cached("2026-10-20", "2026-10-20")), (0, 1));
        assert!(cache.get(Engine::from_static("qa"), (day("2026-11-18"), day("2026-11-18"))).is_empty());
        cache.insert(Engine::from_static("billing"), &[], now.plus_days(2));
        assert_eq!(cached("2026-10-20", "2026-10-20"), 0, "the oldest days are dropped");
    }
}
