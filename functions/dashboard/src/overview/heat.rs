//! How much each engine reported in each of the last hours, and how bad it was.

use std::collections::BTreeMap;

use age_model::{Engine, EventCounts, Severity, Timestamp};
use age_scoring::Policy;

/// How many hours are shown, the running one among them.
const HOURS: i64 = 24;
const HOUR_SECONDS: i64 = 3600;

/// The shades, by how many points an hour brings: a category that gets as many as the last in a week is CRITICAL.
const SHADES: [(u64, &str); 5] = [(75, "heat5"), (50, "heat4"), (25, "heat3"), (5, "heat2"), (1, "heat1")];

/// The last hours.
pub(super) struct Heat {
    /// When each began, the latest first.
    pub(super) hours: Vec<Timestamp>,
    pub(super) rows: Vec<Row>,
}

/// One engine.
pub(super) struct Row {
    pub(super) title: String,
    pub(super) cells: Vec<Cell>,
}

/// One engine's hour.
pub(super) struct Cell {
    pub(super) number: u64,
    pub(super) shade: &'static str,
    pub(super) is_critical: bool,
}

impl Heat {
    pub(super) fn of(policy: &Policy, hours: &BTreeMap<Timestamp, EventCounts>, now: Timestamp) -> Self {
        let last = now.floor_hour();
        let shown: Vec<Timestamp> = (0..HOURS).map(|back| last.plus_seconds(-back * HOUR_SECONDS)).collect();
        let row = |engine: &Engine| {
            let cell = |hour: &Timestamp| {
                let counts = hours.get(hour).map(|counts| counts.engine(*engine)).unwrap_or_default();
                let points = age_scoring::severity_weight(policy, &counts);
                let shade = SHADES.iter().find(|(from, _)| points >= *from).map_or("heat0", |(_, shade)| shade);
                Cell { number: counts.total(), shade, is_critical: counts.of(Severity::Critical) > 0 }
            };
            Row { title: policy.title(*engine).to_owned(), cells: shown.iter().map(cell).collect() }
        };
        Self { rows: Engine::ALL.iter().map(row).collect(), hours: shown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_hour_comes_first() {
        let now: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let mut hours: BTreeMap<Timestamp, EventCounts> = BTreeMap::new();
        let mut report = |at: &str, severity, number| {
            hours.entry(at.parse().unwrap()).or_default().add(Engine::Billing, severity, number);
        };
        report("2026-11-23T09:00:00Z", Severity::Critical, 3);
        report("2026-11-22T10:00:00Z", Severity::Low, 2);
        report("2026-11-22T09:00:00Z", Severity::High, 1);
        let heat = Heat::of(&Policy::compiled().unwrap(), &hours, now);
        assert_eq!((heat.hours.len(), heat.hours[23].to_string().as_str()), (24, "2026-11-22T10:00:00.000Z"));
        let billing = heat.rows.iter().find(|row| row.title == "Billing").unwrap();
        let cell = |place: usize| (billing.cells[place].number, billing.cells[place].shade);
        assert_eq!((cell(23), cell(22), cell(0)), ((2, "heat1"), (0, "heat0"), (3, "heat5")));
        assert!(billing.cells[0].is_critical && !billing.cells[23].is_critical);
    }
}
