//! Sums of the hourly event counts of the last 30 days.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Day, Engine, EventCounts, Period, Timestamp};
use age_policy::Policy;

/// How many days the overview covers, today among them.
pub(super) const DAYS: i64 = 30;

/// The events of each hour, by the time at which the hour begins. Hours without events may be missing.
pub(super) type HourlyCounts = BTreeMap<Timestamp, EventCounts>;

/// Returns the period that the overview covers.
pub(super) fn period(now: Timestamp) -> Period {
    Period::trailing_hours(now, DAYS * 24)
}

/// Returns the sum of the hours in `period`.
pub(super) fn sum(hours: &HourlyCounts, period: Period) -> EventCounts {
    sum_between(hours, period.from(), period.to())
}

/// Returns the counts of each of the last [`DAYS`] days, today's last.
pub(super) fn daily(hours: &HourlyCounts, now: Timestamp) -> Vec<(Day, EventCounts)> {
    let today = now.day();
    let days = (0..DAYS.unsigned_abs()).rev().map(|days_ago| today.minus(days_ago));
    days.map(|day| (day, sum_between(hours, day.start(), day.next().start()))).collect()
}

/// Returns the engines of the policy, and those others that have events, such as retired ones.
pub(super) fn engines(policy: &Policy, hours: &HourlyCounts) -> BTreeSet<Engine> {
    let mut engines: BTreeSet<Engine> = policy.engines.keys().copied().collect();
    engines.extend(hours.values().flat_map(|counts| counts.by_engine([]).into_keys()));
    engines
}

fn sum_between(hours: &HourlyCounts, from: Timestamp, to: Timestamp) -> EventCounts {
    let mut counts = EventCounts::default();
    for (_, counted) in hours.range(from..to) {
        counts.merge(counted);
    }
    counts
}
