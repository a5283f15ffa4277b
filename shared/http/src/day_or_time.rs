//! A bound of a period in a query.

use std::fmt;
use std::str::FromStr;

use age_model::{Day, Timestamp};

/// A time, or a day, which stands for its midnight in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOrTime(pub Timestamp);

/// The text is neither a day nor a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidDayOrTime;

impl FromStr for DayOrTime {
    type Err = InvalidDayOrTime;

    fn from_str(text: &str) -> Result<Self, InvalidDayOrTime> {
        let midnight = || text.parse::<Day>().map(Day::start);
        text.parse().or_else(|_| midnight()).map(Self).map_err(|_| InvalidDayOrTime)
    }
}

impl fmt::Display for InvalidDayOrTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "must be a day such as 2026-11-23 or an RFC 3339 time such as 2026-11-23T00:05:00Z (encode + as %2B)",
        )
    }
}
