//! Spans of time that are counted by whole hours.

use crate::{Day, Hour, Timestamp};

const WEEK_HOURS: i64 = 168;

/// A half-open span: `from` is in it, `to` is not.
///
/// INVARIANT: `from` is the beginning of an hour, because rollups count by the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

impl Period {
    /// The last `hours` whole hours and the running one, up to `now`.
    #[must_use]
    pub fn trailing_hours(now: Timestamp, hours: i64) -> Self {
        Self { from: now.floor_hour().plus_seconds(-hours * 3600), to: now }
    }

    /// The last 168 whole hours and the running one, up to `now`.
    #[must_use]
    pub fn trailing_week(now: Timestamp) -> Self {
        Self::trailing_hours(now, WEEK_HOURS)
    }

    /// The seven whole days before `day`.
    #[must_use]
    pub fn week_before(day: Day) -> Self {
        Self { from: day.minus(7).start(), to: day.start() }
    }

    /// The 168 hours before this period.
    #[must_use]
    pub fn previous_week(self) -> Self {
        Self { from: self.from.plus_seconds(-WEEK_HOURS * 3600), to: self.from }
    }

    /// The first moment.
    #[must_use]
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// The first moment after the period.
    #[must_use]
    pub const fn to(self) -> Timestamp {
        self.to
    }

    /// Whether the events of `hour` on `day` are counted. The hour in which the period ends is: it is the running one.
    #[must_use]
    pub fn counts(self, day: Day, hour: Hour) -> bool {
        let start = day.at(hour);
        self.from <= start && start < self.to
    }

    /// The first day that has an hour in the period.
    #[must_use]
    pub fn first_day(self) -> Day {
        self.from.day()
    }

    /// The last day that has an hour in the period.
    #[must_use]
    pub fn last_day(self) -> Day {
        self.to.plus_seconds(-1).day().max(self.from.day())
    }

    /// The seed's `YYYY-MM-DD_YYYY-MM-DD`: the dates of both ends.
    #[must_use]
    pub fn label(self) -> String {
        format!("{}_{}", self.from.day(), self.to.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_seven_whole_days() {
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
    fn a_trailing_week_has_the_running_hour() {
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
    fn at_the_full_hour_no_hour_is_running() {
        let week = Period::trailing_week("2026-11-23T00:00:00Z".parse().unwrap());
        assert_eq!(week.last_day().to_string(), "2026-11-22");
    }
}
