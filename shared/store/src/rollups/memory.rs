//! Days that are long over do not change: what was read of them need not be read again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use age_model::{Day, Engine, Timestamp};

use super::counted::EngineDay;

/// A day is taken as it was read once it ended so long ago: no clock is that far behind, and no remedy that came to be owed on
/// it is still on its way, unless the sweep has stood still for a day.
const OVER_AFTER_DAYS: i64 = 3;

/// Days further back are not remembered: a list may go back 400 of them, statistics go back 30.
const REMEMBERED_DAYS: i64 = 34;

type EngineDays = BTreeMap<(Engine, Day), Arc<EngineDay>>;

/// What an execution environment has read of days that are over.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<EngineDays>>);

impl Memory {
    /// What is remembered of `engine` from the first of `days` on without a gap.
    pub(super) fn recall(&self, engine: Engine, (first, last): (Day, Day)) -> Vec<(Day, Arc<EngineDay>)> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recalled = Vec::new();
        let mut day = first;
        while let Some(counted) = record.get(&(engine, day)).filter(|_| day <= last) {
            recalled.push((day, Arc::clone(counted)));
            day = day.next();
        }
        recalled
    }

    /// Remembers what was read of `engine` at `now`, as far as it is of days that are over, and forgets what is long past.
    pub(super) fn keep(&self, engine: Engine, read: &[(Day, Arc<EngineDay>)], now: Timestamp) {
        let over = now.plus_days(-OVER_AFTER_DAYS).day();
        let oldest = now.plus_days(-REMEMBERED_DAYS).day();
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        record.retain(|(_, day), _| *day >= oldest);
        let lasting = read.iter().filter(|(day, _)| (oldest..over).contains(day));
        record.extend(lasting.map(|(day, counted)| ((engine, *day), Arc::clone(counted))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_are_over_are_remembered() {
        let memory = Memory::default();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let day = |day: &str| day.parse::<Day>().unwrap();
        let days = ["2026-10-19", "2026-10-20", "2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"];
        let read: Vec<_> = days.iter().map(|it| (day(it), Arc::new(EngineDay::default()))).collect();
        memory.keep(Engine::Billing, &read, now);
        let recalled = |first: &str, last: &str| memory.recall(Engine::Billing, (day(first), day(last))).len();
        assert_eq!(recalled("2026-11-18", "2026-11-23"), 2, "the 20th ended less than three days ago");
        assert_eq!((recalled("2026-11-18", "2026-11-18"), recalled("2026-11-17", "2026-11-23")), (1, 0));
        assert_eq!((recalled("2026-10-19", "2026-10-19"), recalled("2026-10-20", "2026-10-20")), (0, 1));
        assert!(memory.recall(Engine::Qa, (day("2026-11-18"), day("2026-11-18"))).is_empty());
        memory.keep(Engine::Billing, &[], now.plus_days(2));
        assert_eq!(recalled("2026-10-20", "2026-10-20"), 0, "what is long past is forgotten");
    }
}
