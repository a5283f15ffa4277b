//! The engines on the overview: how many events each has reported, and when it reported the last one.

use std::collections::BTreeSet;

use age_model::{Engine, Period, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{IncidentSummary, OpenAction};

use crate::engine_state::{format_in_progress, silent_incident_path};
use crate::engine_title::engine_title;
use crate::format::format_count;
use crate::overview::event_counts::{self, HourlyCounts};
use crate::policy::category_titles;
use crate::safe_text::SafeText;

/// The width of a day, in units of the sparkline.
const DAY_WIDTH: u64 = 4;
/// The height of a sparkline, in its units.
const HEIGHT: u64 = 24;

pub(super) struct EngineTile {
    pub(super) title: SafeText,
    /// The categories that score the engine's events.
    pub(super) categories: String,
    /// Whether only an earlier policy version had the engine.
    pub(super) is_retired: bool,
    /// The points of the sparkline, one a day.
    pub(super) points: String,
    /// The events of the last 30 days.
    pub(super) month: String,
    /// The number of events of the last 168 hours.
    pub(super) week: u64,
    /// The hour of the last event. None if there was none in the last 30 days.
    pub(super) last_event_hour: Option<Timestamp>,
    /// Whether the engine has reported, or has a credential of its own.
    pub(super) is_expected: bool,
    pub(super) silent_incident_path: Option<String>,
    pub(super) in_progress: String,
}

/// Returns the engines without an event in the last 30 days.
pub(super) fn without_events(policy: &Policy, hours: &HourlyCounts) -> impl Iterator<Item = Engine> {
    let has_events = |engine: Engine| hours.values().any(|counts| counts.engine(engine).total() > 0);
    policy.engines.keys().copied().filter(move |engine| !has_events(*engine))
}

/// Returns a tile for each engine that the policy has, and for each other one that has events in the last 30 days; AGE does not expect the `unexpected` ones to report.
pub(super) fn tiles(
    policy: &Policy,
    hours: &HourlyCounts,
    unresolved: &[IncidentSummary],
    open_actions: &[Result<OpenAction, StoreError>],
    unexpected: &BTreeSet<Engine>,
    now: Timestamp,
) -> Vec<EngineTile> {
    let days = event_counts::daily(hours, now);
    let week = event_counts::sum(hours, Period::trailing_week(now));
    let tile = |engine: &Engine| {
        let numbers: Vec<u64> = days.iter().map(|(_, counts)| counts.engine(*engine).total()).collect();
        let last = hours.iter().rev().find(|(_, counts)| counts.engine(*engine).total() > 0);
        EngineTile {
            title: engine_title(policy, *engine),
            categories: category_titles(policy, *engine),
            is_retired: *engine != Engine::AGE && !policy.engines.contains_key(engine),
            points: sparkline_points(&numbers),
            month: format_count(numbers.iter().copied().fold(0, u64::saturating_add), "event"),
            week: week.engine(*engine).total(),
            last_event_hour: last.map(|(hour, _)| *hour),
            is_expected: !unexpected.contains(engine),
            in_progress: format_in_progress(*engine, open_actions),
            silent_incident_path: silent_incident_path(*engine, unresolved),
        }
    };
    event_counts::engines(policy, hours).iter().map(tile).collect()
}

fn sparkline_points(numbers: &[u64]) -> String {
    let highest = u128::from(numbers.iter().copied().max().unwrap_or(0).max(1));
    let point = |(index, number): (u64, &u64)| {
        let share = u128::from(*number) * u128::from(HEIGHT - 2) / highest;
        format!("{},{}", index * DAY_WIDTH, HEIGHT - 1 - u64::try_from(share).unwrap_or(0))
    };
    (0..).zip(numbers).map(point).collect::<Vec<_>>().join(" ")
}
