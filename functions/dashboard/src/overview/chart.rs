//! The events of each day by severity, as a chart and as a table.

use age_model::{Day, EventCounts, Severity, Timestamp};

use crate::format::format_count;
use crate::overview::event_counts::{self, HourlyCounts};

/// The width of a day, in units of the chart.
const BAR_WIDTH: u64 = 20;
/// The height of the chart, in its units.
const HEIGHT: u64 = 200;

/// The events of each day by severity.
pub(super) struct EventChart {
    pub(super) days: Vec<DayBar>,
    pub(super) width: u64,
    pub(super) height: u64,
    /// The chart in one sentence.
    pub(super) summary: String,
    pub(super) is_empty: bool,
}

/// The events of one day.
pub(super) struct DayBar {
    pub(super) day: Day,
    pub(super) summary: String,
    pub(super) x: u64,
    /// The number of events of each severity in ascending order, and of all.
    pub(super) numbers: Vec<u64>,
    /// One segment for each severity that has events, from the bottom.
    pub(super) segments: Vec<BarSegment>,
}

/// The events of one day and one severity.
pub(super) struct BarSegment {
    pub(super) severity: Severity,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl EventChart {
    pub(super) fn of(hours: &HourlyCounts, now: Timestamp) -> Self {
        let days = event_counts::daily(hours, now);
        let highest = days.iter().map(|(_, counts)| counts.total()).max().unwrap_or(0);
        let mut all = EventCounts::default();
        for (_, counts) in &days {
            all.merge(counts);
        }
        Self {
            width: BAR_WIDTH.saturating_mul(days.len() as u64),
            height: HEIGHT,
            summary: format!("{}; {highest} on the busiest day", summarize(&all)),
            is_empty: highest == 0,
            days: (0..)
                .zip(days)
                .map(|(index, (day, counts))| DayBar::new(index * BAR_WIDTH, day, &counts, highest))
                .collect(),
        }
    }
}

impl DayBar {
    fn new(x: u64, day: Day, counts: &EventCounts, highest: u64) -> Self {
        let numbers = Severity::ALL.iter().map(|severity| counts.of(*severity)).chain([counts.total()]).collect();
        Self { day, summary: summarize(counts), x, numbers, segments: segments(x, counts, highest) }
    }
}

fn summarize(counts: &EventCounts) -> String {
    format!("{}, {} of them CRITICAL", format_count(counts.total(), "event"), counts.of(Severity::Critical))
}

/// Returns the segments of the bar at `x`. Each is at least a hundredth of the chart high, so that it can be seen.
fn segments(x: u64, counts: &EventCounts, highest: u64) -> Vec<BarSegment> {
    let mut y = HEIGHT;
    let mut segments = Vec::new();
    for severity in Severity::ALL {
        let number = counts.of(*severity);
        if number > 0 {
            let share = u128::from(number) * u128::from(HEIGHT) / u128::from(highest.max(1));
            let height = u64::try_from(share).unwrap_or(HEIGHT).max(HEIGHT / 100).min(y);
            y -= height;
            segments.push(BarSegment { severity: *severity, x: x + 2, y, width: BAR_WIDTH - 4, height });
        }
    }
    segments
}
