//! Timestamps, days and hours in UTC. Their texts sort by time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use utoipa::ToSchema;

const HOUR_SECONDS: i64 = 3600;

/// A point in time, UTC, to the millisecond. Its text always has the form `2026-11-23T00:05:00.000Z`.
// INVARIANT: the year is between 0001 and 9999, so that texts sort by time; sort keys rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(DateTime<Utc>);

/// The text is not a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be an RFC 3339 time such as 2026-11-23T00:05:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// Returns the time `millis` milliseconds after 1970, clamped to the years 0001 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        let time = DateTime::from_timestamp_millis(millis).unwrap_or(if millis < 0 { first } else { last });
        Self::within_years(time).unwrap_or_else(|| {
            let year = if millis < 0 { 1 } else { 9999 };
            let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
            Self(day.and_time(chrono::NaiveTime::MIN).and_utc())
        })
    }

    fn within_years(time: DateTime<Utc>) -> Option<Self> {
        // A leap second becomes the last millisecond of its minute: second 60 would not sort.
        let millis = time.timestamp_subsec_millis().min(999);
        let time = time.with_nanosecond(millis * 1_000_000)?;
        (1..=9999).contains(&time.year()).then_some(Self(time))
    }

    /// Returns the milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Returns the seconds since 1970, the unit of DynamoDB's time to live.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// Returns the time `millis` milliseconds later, or earlier if negative.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.millis().saturating_add(millis))
    }

    /// Returns the time `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        self.plus_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }

    /// Returns how long it is from `earlier` until this time; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis().saturating_sub(earlier.millis())).unwrap_or(0))
    }

    /// Returns the time `seconds` later, or earlier if negative.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.millis().saturating_add(seconds.saturating_mul(1000)))
    }

    /// Returns the time `days` later, or earlier if negative.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(24 * HOUR_SECONDS))
    }

    /// Returns the beginning of this hour.
    #[must_use]
    pub fn floor_hour(self) -> Self {
        let millis = HOUR_SECONDS * 1000;
        Self::from_millis(self.millis().div_euclid(millis).saturating_mul(millis))
    }

    /// Formats the time for people, to the second, such as `Mon 23 Nov 2026, 00:05:00 UTC`.
    #[must_use]
    pub fn in_words(self) -> String {
        self.0.format("%a %d %b %Y, %H:%M:%S UTC").to_string()
    }

    /// Returns the day of this time.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.0.date_naive())
    }

    /// Returns the hour of the day of this time.
    #[must_use]
    pub fn hour(self) -> Hour {
        Hour(u8::try_from(self.0.hour()).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp)?;
        Self::within_years(time.to_utc()).ok_or(InvalidTimestamp)
    }
}

/// A UTC day. Its text is `2026-11-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

/// The text is not a day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a day such as 2026-11-23")]
pub struct InvalidDay;

impl Day {
    /// Returns midnight, at which the day begins.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.and_time(chrono::NaiveTime::MIN).and_utc())
    }

    /// Returns the beginning of `hour` on this day.
    #[must_use]
    pub fn at(self, hour: Hour) -> Timestamp {
        self.start().plus_seconds(i64::from(hour.0) * HOUR_SECONDS)
    }

    /// Formats the day for people, such as `Mon 23 Nov 2026`.
    #[must_use]
    pub fn in_words(self) -> String {
        self.0.format("%a %d %b %Y").to_string()
    }

    /// Returns the day `days` earlier.
    #[must_use]
    pub fn minus(self, days: u64) -> Self {
        Self(self.0.checked_sub_days(Days::new(days)).unwrap_or(self.0))
    }

    /// Returns the Monday of this day's week.
    #[must_use]
    pub fn monday(self) -> Self {
        self.minus(u64::from(self.0.weekday().num_days_from_monday()))
    }

    /// Returns the next day.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_signed(TimeDelta::days(1)).unwrap_or(self.0))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self).map_err(|_| InvalidDay)?;
        // Keys are compared as text, so a day has one text only: "2026-1-5" and "+026-01-01" are refused.
        if day.to_string() == text && day.0.year() >= 1 { Ok(day) } else { Err(InvalidDay) }
    }
}

/// An hour of a day, 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u8);

impl Hour {
    /// Returns the hour `number`; None if it is above 23.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 24 { Some(Self(number)) } else { None }
    }

    /// Returns all 24 hours, from midnight.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..24).map(Self)
    }

    /// Returns the number, 0 to 23.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

macro_rules! serde_as_text {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(Timestamp, Day);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamp_text_is_utc_with_milliseconds() {
        let time: Timestamp = "2026-11-23T01:05:00+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-23T00:05:00.000Z");
        assert_eq!(time.day().to_string(), "2026-11-23");
        assert_eq!(time.hour().number(), 0);
    }

    #[test]
    fn leap_second_stays_within_its_minute() {
        let time: Timestamp = "2016-12-31T23:59:60Z".parse().unwrap();
        assert_eq!(time.to_string(), "2016-12-31T23:59:59.999Z");
    }

    #[test]
    fn texts_that_would_not_sort_are_refused() {
        for text in
            ["", "2026-11-23", "2026-11-23T00:05:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "yesterday"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        for text in ["2026-1-5", "2026-02-30", "2026-11-23T00:00:00Z", "+026-01-01"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn week_begins_on_monday() {
        for day in ["2026-11-23", "2026-11-26", "2026-11-29"] {
            assert_eq!(day.parse::<Day>().unwrap().monday().to_string(), "2026-11-23");
        }
    }

    proptest! {
        #[test]
        fn timestamp_text_round_trips_and_sorts_by_time(a in -62_000_000_000_000_i64..250_000_000_000_000, b in -62_000_000_000_000_i64..250_000_000_000_000) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(a.to_string().parse::<Timestamp>().unwrap(), a);
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
            prop_assert_eq!(a.day().at(a.hour()), a.floor_hour());
        }

        #[test]
        fn arbitrary_text_round_trips_or_is_refused(text in ".{0,40}") {
            if let Ok(time) = text.parse::<Timestamp>() {
                prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
            }
        }

        #[test]
        fn arbitrary_number_is_clamped_to_the_years(millis in any::<i64>()) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(time.to_string().len(), 24);
        }
    }
}
