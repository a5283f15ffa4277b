//! The rows of the `rollups` table.

use std::collections::BTreeMap;

use age_model::{ActionStatus, Day, Engine, Hour, Severity, SeverityCounts, StoreError, Timestamp};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::client::Table;
use crate::dynamodb::keys;
use crate::rollups::attributes::{SHARD_COUNT, count, shard_count, signed_count, time};
use crate::rollups::decision_rows::DecisionRollup;

pub(super) const PLANNED: &str = "planned";
pub(super) const SUPPRESSED: &str = "suppressed";
pub(super) const OUTCOMES: &str = "outcomes";
pub(super) const OUTCOME_MILLIS: &str = "outcome_millis";
pub(super) const LAST_HEARD_AT: &str = "last_heard_at";
pub(super) const LAST_INEFFECTIVE_AT: &str = "last_ineffective_at";

/// The counters of one engine's events, one day, one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// The engine.
    pub engine: Engine,
    /// The shard, from 0.
    pub shard: u32,
    /// The day.
    pub day: Day,
    /// How many shards the day has. Only the row of shard 0 has more than 1.
    pub shard_count: u32,
    /// The events of each hour that has any.
    pub hours: BTreeMap<Hour, SeverityCounts>,
    /// How many remediations were planned for the events.
    pub planned: u64,
    /// How many remediations of the events were suppressed at once.
    pub suppressed: u64,
    /// When the engine was last heard on the day, as far as this shard knows.
    pub last_heard_at: Option<Timestamp>,
    /// Why the counters are incomplete, if they are: the row has some that this version does not know.
    pub uncounted: Option<StoreError>,
}

/// The outcomes of one engine's remediations that were planned on one day: those of one shard, or the sum of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DayOutcomes {
    /// Negative in a shard if a remediation has reached its status in another one, and has left it in this one.
    pub(super) by_status: BTreeMap<ActionStatus, i64>,
    pub(super) outcomes: u64,
    pub(super) outcome_millis: u64,
    /// The engine, and when a remediation of it was last found ineffective on the day, if one was.
    pub(super) last_ineffective: Option<(Engine, Timestamp)>,
    /// Why the counters are incomplete, if they are: the row has some that this version does not know.
    pub(super) uncounted: Option<StoreError>,
}

impl DayOutcomes {
    /// Adds the outcomes of another shard of the same day.
    pub(super) fn merge(&mut self, shard: Self) {
        for (status, number) in shard.by_status {
            let sum = self.by_status.entry(status).or_default();
            *sum = sum.saturating_add(number);
        }
        self.outcomes = self.outcomes.saturating_add(shard.outcomes);
        self.outcome_millis = self.outcome_millis.saturating_add(shard.outcome_millis);
        self.last_ineffective = self.last_ineffective.max(shard.last_ineffective);
        self.uncounted = self.uncounted.take().or(shard.uncounted);
    }

    /// Returns a status that fewer remediations have reached than have left it, which cannot be.
    pub(super) fn negative(&self) -> Option<ActionStatus> {
        self.by_status.iter().find(|(_, number)| **number < 0).map(|(status, _)| *status)
    }
}

/// A row of one engine.
pub(super) enum Row {
    Events(Rollup),
    Decisions(DecisionRollup),
    /// The outcomes of one shard of a day, and how many shards the day has.
    Outcomes(Day, u32, DayOutcomes),
    /// A row of another kind, which a later version has added.
    Other,
}

impl Row {
    /// Parses a row of `engine` and `shard`.
    pub(super) fn parse(table: &Table, engine: Engine, shard: u32, item: &Item) -> Result<Self, StoreError> {
        let text = item.get("day").and_then(|value| value.as_s().ok()).map_or("", String::as_str);
        let day = text.split('#').next().and_then(|day| day.parse().ok());
        let day = day.ok_or_else(|| table.corrupt(item, "day", "must begin with a day such as 2026-11-23"))?;
        if text == keys::outcomes(day) {
            return Ok(Self::Outcomes(day, shard_count(table, item)?, outcomes(table, engine, item)));
        }
        if text == keys::decisions(day) {
            return Ok(Self::Decisions(DecisionRollup::parse(table, (engine, day), item)?));
        }
        let has_counters = item.keys().any(|name| keys::is_counter(name));
        if text != day.to_string() && !has_counters {
            return Ok(Self::Other);
        }
        Ok(Self::Events(rollup(table, engine, shard, day, item)?))
    }

    /// Returns the day, and how many shards its counters of this kind have, if the row is one of those.
    pub(super) const fn shards(&self) -> Option<(Day, u32)> {
        match self {
            Self::Events(rollup) => Some((rollup.day, rollup.shard_count)),
            Self::Decisions(rollup) => Some((rollup.day, rollup.shard_count)),
            Self::Outcomes(day, shard_count, _) => Some((*day, *shard_count)),
            Self::Other => None,
        }
    }
}

fn rollup(table: &Table, engine: Engine, shard: u32, day: Day, item: &Item) -> Result<Rollup, StoreError> {
    let shard_count = shard_count(table, item)?;
    let mut hours: BTreeMap<Hour, SeverityCounts> = BTreeMap::new();
    let (mut counters, mut uncounted) = (0, None);
    for hour in Hour::all() {
        for severity in Severity::ALL {
            match count(table, item, &keys::counter(hour, *severity)) {
                Ok(Some(count)) => hours.entry(hour).or_default().add(*severity, count),
                Ok(None) => continue,
                Err(error) => uncounted = Some(error),
            }
            counters += 1;
        }
    }
    // A counter with an unknown name would be missing from every sum. Other unknown attributes belong to a later version.
    let unknown = item.keys().filter(|name| keys::is_counter(name)).count() != counters;
    let unknown = unknown.then(|| table.corrupt(item, "counters", "has a counter of an unknown hour or severity"));
    let is_of_this_day = item.get("day").and_then(|text| text.as_s().ok()).is_some_and(|text| *text == day.to_string());
    let other = (!is_of_this_day).then(|| table.corrupt(item, "day", "has counters and is not the row of a day"));
    let mut optional = |field| {
        count(table, item, field).unwrap_or_else(|error| {
            uncounted = Some(error);
            None
        })
    };
    let [planned, suppressed] = [PLANNED, SUPPRESSED].map(&mut optional);
    let uncounted = uncounted.or(unknown).or(other);
    Ok(Rollup {
        engine,
        shard,
        day,
        shard_count,
        hours,
        planned: planned.unwrap_or(0),
        suppressed: suppressed.unwrap_or(0),
        last_heard_at: item.get(LAST_HEARD_AT).and_then(|at| at.as_s().ok()?.parse().ok()),
        uncounted,
    })
}

fn outcomes(table: &Table, engine: Engine, item: &Item) -> DayOutcomes {
    let mut uncounted = None;
    let by_status = ActionStatus::settled().map(|status| {
        let number = signed_count(table, item, status.as_str()).unwrap_or_else(|error| {
            uncounted = Some(error);
            None
        });
        (status, number.unwrap_or(0))
    });
    let by_status: BTreeMap<ActionStatus, i64> = by_status.collect();
    let [outcomes, outcome_millis] = [OUTCOMES, OUTCOME_MILLIS].map(|name| {
        let number = count(table, item, name).unwrap_or_else(|error| {
            uncounted = Some(error);
            None
        });
        number.unwrap_or(0)
    });
    // A number with an unknown name counts an unknown status: without it, too many remediations would be in progress.
    let is_known = |name: &str| {
        ["v", "expires_at", SHARD_COUNT, OUTCOMES, OUTCOME_MILLIS].contains(&name)
            || name.parse::<ActionStatus>().is_ok_and(|status| by_status.contains_key(&status))
    };
    let unknown = item.iter().find(|(name, value)| value.is_n() && !is_known(name));
    let unknown = unknown.map(|(name, _)| table.corrupt(item, name.clone(), "counts a status that is not known"));
    let ineffective_at = time(table, item, LAST_INEFFECTIVE_AT).unwrap_or_else(|error| {
        uncounted = Some(error);
        None
    });
    let last_ineffective = ineffective_at.map(|at| (engine, at));
    DayOutcomes { by_status, outcomes, outcome_millis, last_ineffective, uncounted: uncounted.or(unknown) }
}
