//! The engines: how much each has reported, and when it was last heard.

use std::collections::BTreeMap;

use age_model::{Engine, EventCounts, Period, Timestamp};
use age_scoring::Policy;
use age_store::{IncidentSummary, OpenAction, StoreError};

use super::{chart, within};
use crate::text::count;
use crate::{actions, incidents};

/// A sparkline's own units: as wide as this for each day, and as high as this.
const STEP: u64 = 4;
const HEIGHT: u64 = 24;

/// One engine.
pub(super) struct Row {
    pub(super) title: String,
    /// The points of its sparkline.
    pub(super) points: String,
    pub(super) month: String,
    pub(super) week: String,
    /// The hour in which it was last heard.
    pub(super) seen: Option<Timestamp>,
    /// The page of the incident that its silence is, if it is silent.
    pub(super) silence: Option<String>,
    /// How many of its actions are under way.
    pub(super) under_way: String,
}

/// All of them, in the seed's order.
pub(super) fn rows(
    policy: &Policy,
    hours: &BTreeMap<Timestamp, EventCounts>,
    (unresolved, open_actions): (&[IncidentSummary], &[Result<OpenAction, StoreError>]),
    now: Timestamp,
) -> Vec<Row> {
    let days = chart::daily(hours, now);
    let week = within(hours, Period::trailing_week(now));
    let row = |engine: &Engine| {
        let numbers: Vec<u64> = days.iter().map(|(_, counts)| counts.engine(*engine).total()).collect();
        let is_silent = |listed: &&IncidentSummary| listed.is_silence() && listed.id.key.engine == *engine;
        let heard = hours.iter().rev().find(|(_, counts)| counts.engine(*engine).total() > 0);
        Row {
            title: policy.title(*engine).to_owned(),
            points: points(&numbers),
            month: count(numbers.iter().copied().fold(0, u64::saturating_add), "event"),
            week: week.engine(*engine).total().to_string(),
            seen: heard.map(|(hour, _)| *hour),
            under_way: actions::under_way(*engine, open_actions),
            silence: unresolved.iter().find(is_silent).map(|listed| incidents::path(&listed.id)),
        }
    };
    Engine::ALL.iter().map(row).collect()
}

fn points(numbers: &[u64]) -> String {
    let highest = u128::from(numbers.iter().copied().max().unwrap_or(0).max(1));
    let point = |(place, number): (u64, &u64)| {
        let share = u128::from(*number) * u128::from(HEIGHT - 2) / highest;
        format!("{},{}", place * STEP, HEIGHT - 1 - u64::try_from(share).unwrap_or(0))
    };
    (0..).zip(numbers).map(point).collect::<Vec<_>>().join(" ")
}
