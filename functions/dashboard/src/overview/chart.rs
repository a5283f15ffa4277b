//! The events of each day by severity, as a chart and as a table.

use std::collections::BTreeMap;

use age_model::{Day, EventCounts, Severity, Timestamp};

use super::DAYS;
use crate::text::count;

/// The chart's own units: as wide as this for each day, and as high as this.
const BAR: u64 = 20;
const HEIGHT: u64 = 200;

/// The events of each day by severity.
pub(super) struct Chart {
    pub(super) days: Vec<Bar>,
    pub(super) width: u64,
    pub(super) height: u64,
    /// All of it in a sentence.
    pub(super) says: String,
    pub(super) is_empty: bool,
}

/// One day.
pub(super) struct Bar {
    pub(super) day: Day,
    pub(super) says: String,
    /// Where it begins.
    pub(super) x: u64,
    /// How many of each severity, in their order, and in all.
    pub(super) cells: Vec<u64>,
    /// Its severities, from the bottom.
    pub(super) pieces: Vec<Piece>,
}

/// One day's events of one severity.
pub(super) struct Piece {
    pub(super) severity: Severity,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Chart {
    pub(super) fn of(hours: &BTreeMap<Timestamp, EventCounts>, now: Timestamp) -> Self {
        let days = daily(hours, now);
        let highest = days.iter().map(|(_, counts)| counts.total()).max().unwrap_or(0);
        let mut all = EventCounts::default();
        for (_, counts) in &days {
            all.merge(counts);
        }
        Self {
            width: BAR.saturating_mul(days.len() as u64),
            height: HEIGHT,
            says: format!("{}; {highest} on the busiest day", says(&all)),
            is_empty: highest == 0,
            days: (0..).zip(days).map(|(place, (day, counts))| Bar::new(place * BAR, day, &counts, highest)).collect(),
        }
    }
}

impl Bar {
    fn new(x: u64, day: Day, counts: &EventCounts, highest: u64) -> Self {
        let cells = Severity::ALL.iter().map(|severity| counts.of(*severity)).chain([counts.total()]).collect();
        Self { day, says: says(counts), x, cells, pieces: pieces(x, counts, highest) }
    }
}

fn says(counts: &EventCounts) -> String {
    format!("{}, {} of them CRITICAL", count(counts.total(), "event"), counts.of(Severity::Critical))
}

/// The counts of each of the last days, today's last.
pub(super) fn daily(hours: &BTreeMap<Timestamp, EventCounts>, now: Timestamp) -> Vec<(Day, EventCounts)> {
    let today = now.day();
    let back = (0..DAYS.unsigned_abs()).rev();
    let of_day = |day: Day| {
        let mut counts = EventCounts::default();
        for (_, counted) in hours.range(day.start()..day.next().start()) {
            counts.merge(counted);
        }
        (day, counts)
    };
    back.map(|back| of_day(today.minus(back))).collect()
}

/// A bar at `x`. Whatever there is can be seen: nothing is lower than a hundredth of the chart.
fn pieces(x: u64, counts: &EventCounts, highest: u64) -> Vec<Piece> {
    let mut y = HEIGHT;
    let mut pieces = Vec::new();
    for severity in Severity::ALL {
        let number = counts.of(*severity);
        if number > 0 {
            let share = u128::from(number) * u128::from(HEIGHT) / u128::from(highest.max(1));
            let height = u64::try_from(share).unwrap_or(HEIGHT).max(HEIGHT / 100).min(y);
            y -= height;
            pieces.push(Piece { severity: *severity, x: x + 2, y, width: BAR - 4, height });
        }
    }
    pieces
}
