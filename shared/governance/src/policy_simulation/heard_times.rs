//! The part of a history that the rollups have: the events of each week, and when engines were heard.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Day, Engine, EventCounts, Keyring, Period, Severity, StoreError, Timestamp};
use age_scoring::simulation::{RecordedEngine, RecordedEvent, WeekCounts};
use age_store::{Rollup, RollupSet};

use super::recorded_events::EventRange;

/// Returns the events of each week of the period. A week begins on Monday.
pub(super) fn weeks(counted: &RollupSet, (from, to): (Timestamp, Timestamp)) -> Result<Vec<WeekCounts>, StoreError> {
    let mut weeks = Vec::new();
    let mut begin = from;
    while begin < to {
        let end = begin.day().monday().start().plus_days(7).min(to);
        let counts = counted.events(Period::hours(begin, end))?;
        weeks.push(WeekCounts { from: begin, to: end, counts: by_engine(counted, &counts) });
        begin = end;
    }
    Ok(weeks)
}

fn by_engine(counted: &RollupSet, counts: &EventCounts) -> BTreeMap<Engine, BTreeMap<Severity, u64>> {
    let engines = counted.rollups().map(|rollup| rollup.engine);
    let of_engine = |engine| {
        let counts = counts.engine(engine);
        let by_severity = Severity::ALL.iter().map(|severity| (*severity, counts.of(*severity)));
        by_severity.filter(|(_, number)| *number > 0).collect::<BTreeMap<_, _>>()
    };
    engines.map(|engine| (engine, of_engine(engine))).filter(|(_, counts)| !counts.is_empty()).collect()
}

/// Returns when each of `engines` was heard, besides `events`. Whether a credential shows that an engine is in use depends on how many
/// engines the active policy has.
pub(super) fn heard(
    engines: &BTreeSet<Engine>,
    counted: &RollupSet,
    events: &[RecordedEvent],
    (from, to): (Timestamp, Timestamp),
    range: &EventRange,
    (keyring, active_engines): (&Keyring, usize),
) -> BTreeMap<Engine, RecordedEngine> {
    let mut recorded: BTreeMap<Engine, RecordedEngine> = BTreeMap::new();
    for engine in engines {
        let in_use_since = keyring.in_use_since(*engine, active_engines);
        recorded.insert(*engine, RecordedEngine { in_use_since, ..RecordedEngine::default() });
    }
    let mut last_events: BTreeMap<(Engine, Day), Timestamp> = BTreeMap::new();
    for event in events {
        last_events.insert((event.engine, event.occurred_at.day()), event.occurred_at);
    }
    for rollup in counted.rollups() {
        let Some(engine) = recorded.get_mut(&rollup.engine) else { continue };
        let before = heard_before(rollup, from);
        engine.heard_before = engine.heard_before.max(before);
        // A repeat, or an event that was not read.
        let last_event = last_events.get(&(rollup.engine, rollup.day)).copied();
        let last = rollup.last_heard_at.filter(|at| (from..to).contains(at) && last_event.is_none_or(|it| it < *at));
        engine.heard.extend(last);
        if !range.reads_all || range.from > from {
            engine.heard.extend(unread_hours(rollup, range).filter(|at| (from..to).contains(at)));
        }
    }
    for engine in recorded.values_mut() {
        engine.heard.sort_unstable();
        engine.heard.dedup();
    }
    recorded
}

/// Returns when the engine was last heard before `from`, as far as `rollup` tells: to the hour on the day of `from`.
fn heard_before(rollup: &Rollup, from: Timestamp) -> Option<Timestamp> {
    let hours = rollup.hours.keys().map(|hour| rollup.day.at(*hour)).filter(|hour| *hour < from);
    rollup.last_heard_at.filter(|at| *at < from).or_else(|| hours.max())
}

/// Returns the hours with events that were not read, each with its beginning.
fn unread_hours<'a>(rollup: &'a Rollup, range: &'a EventRange) -> impl Iterator<Item = Timestamp> + 'a {
    let with_time = rollup.hours.iter().map(|(hour, counts)| (rollup.day.at(*hour), counts));
    let is_unread = |(at, counts): &(Timestamp, &age_model::SeverityCounts)| {
        let low = Severity::ALL.iter().filter(|severity| **severity < range.min_severity).map(|it| counts.of(*it));
        *at < range.from || low.sum::<u64>() > 0
    };
    with_time.filter(is_unread).map(|(at, _)| at)
}
