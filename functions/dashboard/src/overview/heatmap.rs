//! The events of each engine in each of the last 24 hours, and their weight.

use age_model::{Engine, Severity, Timestamp};
use age_policy::Policy;

use crate::engine_title::engine_title;
use crate::overview::event_counts::{self, HourlyCounts};
use crate::safe_text::SafeText;

/// How many hours the heatmap has, the current one among them.
const HOURS: i64 = 24;
const HOUR_SECONDS: i64 = 3600;

/// The CSS classes of cells, each with the fewest points that it is for. 75 points in a week make a category CRITICAL.
const SHADES: [(u64, &str); 5] = [(75, "heat5"), (50, "heat4"), (25, "heat3"), (5, "heat2"), (1, "heat1")];

pub(super) struct Heatmap {
    /// The time at which each hour begins, the latest first.
    pub(super) hours: Vec<Timestamp>,
    pub(super) rows: Vec<HeatmapRow>,
}

/// The hours of one engine.
pub(super) struct HeatmapRow {
    pub(super) title: SafeText,
    pub(super) cells: Vec<HeatmapCell>,
}

/// The events of one engine in one hour.
pub(super) struct HeatmapCell {
    pub(super) events: u64,
    pub(super) shade: &'static str,
    pub(super) has_critical: bool,
}

impl Heatmap {
    pub(super) fn of(policy: &Policy, counts: &HourlyCounts, now: Timestamp) -> Self {
        let current = now.floor_hour();
        let hours: Vec<Timestamp> =
            (0..HOURS).map(|hours_ago| current.plus_seconds(-hours_ago * HOUR_SECONDS)).collect();
        let row = |engine: &Engine| {
            let cell = |hour: &Timestamp| {
                let counts = counts.get(hour).map(|counts| counts.engine(*engine)).unwrap_or_default();
                let points = age_scoring::severity_weight(policy, &counts);
                let shade = SHADES.iter().find(|(fewest, _)| points >= *fewest).map_or("heat0", |(_, shade)| shade);
                HeatmapCell { events: counts.total(), shade, has_critical: counts.of(Severity::Critical) > 0 }
            };
            HeatmapRow { title: engine_title(policy, *engine), cells: hours.iter().map(cell).collect() }
        };
        Self { rows: event_counts::engines(policy, counts).iter().map(row).collect(), hours }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_hour_comes_first() {
        let now: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let mut hours: HourlyCounts = HourlyCounts::new();
        let mut report = |at: &str, severity, number| {
            hours.entry(at.parse().unwrap()).or_default().add(Engine::from_static("billing"), severity, number);
        };
        report("2026-11-23T09:00:00Z", Severity::Critical, 3);
        report("2026-11-22T10:00:00Z", Severity::Low, 2);
        report("2026-11-22T09:00:00Z", Severity::High, 1);
        let heatmap = Heatmap::of(&Policy::compiled().unwrap(), &hours, now);
        assert_eq!((heatmap.hours.len(), heatmap.hours[23].to_string().as_str()), (24, "2026-11-22T10:00:00.000Z"));
        let billing = heatmap.rows.iter().find(|row| row.title == SafeText::new("Billing")).unwrap();
        let cell = |index: usize| (billing.cells[index].events, billing.cells[index].shade);
        assert_eq!((cell(23), cell(22), cell(0)), ((2, "heat1"), (0, "heat0"), (3, "heat5")));
        assert!(billing.cells[0].has_critical && !billing.cells[23].has_critical);
    }
}
