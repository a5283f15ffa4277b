//! Periods: spans of time that are counted by whole hours.

use crate::time::{Day, Hour, Timestamp};

const WEEK_HOURS: i64 = 168;

/// A half-open span of time: it includes `from` and excludes `to`.
///
/// INVARIANT: `from` is the beginning of an hour, because rollups count by hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

impl Period {
    /// Returns the last `hours` whole hours and the current one, up to `now`.
    #[must_use]
    pub fn trailing_hours(now: Timestamp, hours: i64) -> Self {
        Self { from: now.floor_hour().plus_seconds(-hours * 3600), to: now }
    }

    /// Returns the last 168 whole hours and the current one, up to `now`.
    #[must_use]
    pub fn trailing_week(now: Timestamp) -> Self {
        Self::trailing_hours(now, WEEK_HOURS)
    }

    /// Returns the hours from that of `from` up to `to`.
    #[must_use]
    pub fn hours(from: Timestamp, to: Timestamp) -> Self {
        Self { from: from.floor_hour(), to }
    }

    /// Returns the seven whole days before `day`.
    #[must_use]
    pub fn week_before(day: Day) -> Self {
        Self { from: day.minus(7).start(), to: day.start() }
    }

    /// Returns the 168 hours before this period.
    #[must_use]
    pub fn previous_week(self) -> Self {
        Self { from: self.from.plus_seconds(-WEEK_HOURS * 3600), to: self.from }
    }

    /// Returns the beginning.
    #[must_use]
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// Returns the end, which is not part of the period.
    #[must_use]
    pub const fn to(self) -> Timestamp {
        self.to
    }

    /// Whether the period counts the events of `hour` on `day`. The hour in which the period ends is counted: it is the current
    /// hour.
    #[must_use]
    pub fn counts(self, day: Day, hour: Hour) -> bool {
        let start = day.at(hour);
        self.from <= start && start < self.to
    }

    /// Returns the first day with an hour in the period.
    #[must_use]
    pub fn first_day(self) -> Day {
        self.from.day()
    }

    /// Returns the last day with an hour in the period.
    #[must_use]
    pub fn last_day(self) -> Day {
        self.to.plus_seconds(-1).day().max(self.from.day())
    }

    /// Returns the dates of both ends as `YYYY-MM-DD_YYYY-MM-DD`, the form of the original sketch.
    #[must_use]
    pub fn label(self) -> String {
        format!("{}_{}", self.from.day(), self.to.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn week_before_a_day_is_seven_whole_days() {
        let week = Period::week_before("2026-11-23".parse().unwrap());
        assert_eq!(week.label(), "2026-11-16_2026-11-23");
        assert_eq!(week.first_day().to_string(), "2026-11-16");
        assert_eq!(week.last_day().to_string(), "2026-11-22");
        assert_eq!(week.previous_week().label(), "2026-11-09_2026-11-16");
        let (last, next) = (Hour::new(23).unwrap(), Hour::new(0).unwrap());
        assert!(week.counts(week.last_day(), last));
        assert!(!week.counts(week.to().day(), next));
    }

    #[test]
    fn trailing_week_includes_the_current_hour() {
        let now: Timestamp = "2026-11-23T14:20:00Z".parse().unwrap();
        let week = Period::trailing_week(now);
        assert_eq!(week.from().to_string(), "2026-11-16T14:00:00.000Z");
        let hours: usize = (0..9)
            .map(|back| now.day().minus(back))
            .map(|day| Hour::all().filter(|hour| week.counts(day, *hour)).count())
            .sum();
        assert_eq!(hours, 169);
    }

    #[test]
    fn trailing_week_at_the_full_hour_ends_with_the_hour_before() {
        let week = Period::trailing_week("2026-11-23T00:00:00Z".parse().unwrap());
        assert_eq!(week.last_day().to_string(), "2026-11-22");
    }
}
