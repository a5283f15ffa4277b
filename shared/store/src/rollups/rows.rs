//! What the rows of the `rollups` table hold.

use std::collections::BTreeMap;

use age_model::{ActionStatus, Day, Engine, Hour, Severity, SeverityCounts};

use super::{KEY, OUTCOME_MILLIS, OUTCOMES, PLANNED, SUPPRESSED, WIDTH};
use crate::row::{Item, RowName};
use crate::{StoreError, keys};

/// The counters of one engine's events, one day, one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// Whose events.
    pub engine: Engine,
    /// Which shard.
    pub shard: u32,
    /// Which day.
    pub day: Day,
    /// How many rows the day is spread over. Only shard 0 knows more than 1.
    pub width: u32,
    /// How many events in each hour that had any.
    pub hours: BTreeMap<Hour, SeverityCounts>,
    /// How many remedies its events made owed.
    pub planned: u64,
    /// How many remedies of its events were suppressed at once.
    pub suppressed: u64,
}

/// What became of the remedies of one engine that came to be owed on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) by_status: BTreeMap<ActionStatus, u64>,
    pub(super) outcomes: u64,
    pub(super) outcome_millis: u64,
}

/// A row of one engine.
pub(super) enum Row {
    Events(Rollup),
    Settled(Day, Settled),
}

impl Row {
    /// Reads a row of `engine` and `shard` in the table called `table`.
    pub(super) fn read(table: &str, engine: Engine, shard: u32, item: &Item) -> Result<Self, StoreError> {
        let name = RowName { table, key: KEY };
        let text = item.get("day").and_then(|value| value.as_s().ok()).map_or("", String::as_str);
        let day = text.split('#').next().and_then(|day| day.parse().ok());
        let day = day.ok_or_else(|| name.corrupt(item, "day", "is not a day"))?;
        if text == keys::settled(day) {
            return Ok(Self::Settled(day, settled(&name, item)?));
        }
        Ok(Self::Events(rollup(&name, engine, shard, day, item)?))
    }
}

pub(super) fn rollup(
    name: &RowName<'_>,
    engine: Engine,
    shard: u32,
    day: Day,
    item: &Item,
) -> Result<Rollup, StoreError> {
    let width = width(name, item)?;
    let mut hours: BTreeMap<Hour, SeverityCounts> = BTreeMap::new();
    let mut counters = 0;
    for hour in Hour::all() {
        for severity in Severity::ALL {
            if let Some(count) = numeral(name, item, &keys::counter(hour, *severity))? {
                counters += 1;
                hours.entry(hour).or_default().add(*severity, count);
            }
        }
    }
    // A counter under a name that nobody reads would be a count that nobody sees. Other attributes are a later version's.
    if counters != item.keys().filter(|name| keys::is_counter(name)).count() {
        return Err(name.corrupt(item, "counters", "has one of no hour or severity"));
    }
    let [planned, suppressed] = [PLANNED, SUPPRESSED].map(|field| numeral(name, item, field));
    Ok(Rollup {
        engine,
        shard,
        day,
        width,
        hours,
        planned: planned?.unwrap_or(0),
        suppressed: suppressed?.unwrap_or(0),
    })
}

/// Over how many rows the day of a row of shard 0 is spread.
pub(super) fn width(name: &RowName<'_>, item: &Item) -> Result<u32, StoreError> {
    let width = u32::try_from(numeral(name, item, WIDTH)?.unwrap_or(1));
    width.map_err(|_| name.corrupt(item, WIDTH, "is too large"))
}

fn settled(name: &RowName<'_>, item: &Item) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    for status in ActionStatus::settled() {
        settled.by_status.insert(status, numeral(name, item, status.as_str())?.unwrap_or(0));
    }
    settled.outcomes = numeral(name, item, OUTCOMES)?.unwrap_or(0);
    settled.outcome_millis = numeral(name, item, OUTCOME_MILLIS)?.unwrap_or(0);
    Ok(settled)
}

fn numeral(name: &RowName<'_>, item: &Item, field: &str) -> Result<Option<u64>, StoreError> {
    let Some(value) = item.get(field) else { return Ok(None) };
    let count = value.as_n().ok().and_then(|digits| digits.parse().ok());
    count.map(Some).ok_or_else(|| name.corrupt(item, field, "is not a whole number"))
}
