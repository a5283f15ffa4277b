//! Moments, days and hours, all UTC, all with one textual form whose order is the order of time.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use utoipa::ToSchema;

const HOUR_SECONDS: i64 = 3600;

/// A moment, UTC, to the millisecond. Its text is always `2026-11-23T00:05:00.000Z`.
///
/// INVARIANT: the year is between 0001 and 9999, so that texts sort as moments do; sort keys rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(DateTime<Utc>);

/// A text that is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be an RFC 3339 time such as 2026-11-23T00:05:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The moment `millis` after 1970, held within the years 0001 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        let moment = DateTime::from_timestamp_millis(millis).unwrap_or(if millis < 0 { first } else { last });
        Self::within_years(moment).unwrap_or_else(|| {
            let year = if millis < 0 { 1 } else { 9999 };
            let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
            Self(day.and_time(chrono::NaiveTime::MIN).and_utc())
        })
    }

    fn within_years(moment: DateTime<Utc>) -> Option<Self> {
        // A leap second is the last millisecond of its minute: it has no text of its own that sorts.
        let millis = moment.timestamp_subsec_millis().min(999);
        let moment = moment.with_nanosecond(millis * 1_000_000)?;
        (1..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Seconds since 1970: the unit of a DynamoDB time to live.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// The moment `millis` later, or earlier if negative.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.millis().saturating_add(millis))
    }

    /// The moment `seconds` later, or earlier if negative.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.millis().saturating_add(seconds.saturating_mul(1000)))
    }

    /// The moment `days` later, or earlier if negative.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(24 * HOUR_SECONDS))
    }

    /// The beginning of this moment's hour.
    #[must_use]
    pub fn floor_hour(self) -> Self {
        let millis = HOUR_SECONDS * 1000;
        Self::from_millis(self.millis().div_euclid(millis).saturating_mul(millis))
    }

    /// The moment in words, to the second, such as `Mon 23 Nov 2026, 00:05:00 UTC`.
    #[must_use]
    pub fn in_words(self) -> String {
        self.0.format("%a %d %b %Y, %H:%M:%S UTC").to_string()
    }

    /// The day this moment belongs to.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.0.date_naive())
    }

    /// The hour of the day this moment belongs to.
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
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp)?;
        Self::within_years(moment.to_utc()).ok_or(InvalidTimestamp)
    }
}

/// A UTC day. Its text is `2026-11-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

/// A text that is not a day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a day such as 2026-11-23")]
pub struct InvalidDay;

impl Day {
    /// Midnight, the first moment of the day.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.and_time(chrono::NaiveTime::MIN).and_utc())
    }

    /// The beginning of `hour` on this day.
    #[must_use]
    pub fn at(self, hour: Hour) -> Timestamp {
        self.start().plus_seconds(i64::from(hour.0) * HOUR_SECONDS)
    }

    /// The day in words, such as `Mon 23 Nov 2026`.
    #[must_use]
    pub fn in_words(self) -> String {
        self.0.format("%a %d %b %Y").to_string()
    }

    /// The day `days` earlier.
    #[must_use]
    pub fn minus(self, days: u64) -> Self {
        Self(self.0.checked_sub_days(Days::new(days)).unwrap_or(self.0))
    }

    /// The Monday of its week.
    #[must_use]
    pub fn monday(self) -> Self {
        self.minus(u64::from(self.0.weekday().num_days_from_monday()))
    }

    /// The next day.
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
        // Keys are compared as text, so a day has one text only: not "2026-1-5", not "+026-01-01".
        if day.to_string() == text && day.0.year() >= 1 { Ok(day) } else { Err(InvalidDay) }
    }
}

/// An hour of a day, 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(u8);

impl Hour {
    /// The hour `number`, if a day has it.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 24 { Some(Self(number)) } else { None }
    }

    /// All twenty-four, from midnight.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..24).map(Self)
    }

    /// 0 to 23.
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
    fn text_has_a_fixed_form() {
        let moment: Timestamp = "2026-11-23T01:05:00+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-23T00:05:00.000Z");
        assert_eq!(moment.day().to_string(), "2026-11-23");
        assert_eq!(moment.hour().number(), 0);
    }

    #[test]
    fn leap_second_is_kept_within_its_minute() {
        let moment: Timestamp = "2016-12-31T23:59:60Z".parse().unwrap();
        assert_eq!(moment.to_string(), "2016-12-31T23:59:59.999Z");
    }

    #[test]
    fn refuses_what_would_not_sort() {
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
    fn a_week_begins_on_monday() {
        for day in ["2026-11-23", "2026-11-26", "2026-11-29"] {
            assert_eq!(day.parse::<Day>().unwrap().monday().to_string(), "2026-11-23");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_sorts(a in -62_000_000_000_000_i64..250_000_000_000_000, b in -62_000_000_000_000_i64..250_000_000_000_000) {
            let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
            prop_assert_eq!(a.to_string().parse::<Timestamp>().unwrap(), a);
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
            prop_assert_eq!(a.day().at(a.hour()), a.floor_hour());
        }

        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,40}") {
            if let Ok(moment) = text.parse::<Timestamp>() {
                prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
            }
        }

        #[test]
        fn any_number_is_held_within_the_years(millis in any::<i64>()) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(moment.to_string().len(), 24);
        }
    }
}
