//! Positions in lists.

use std::fmt;
use std::str::FromStr;

use age_model::{DecisionId, EventId, ReportId, Timestamp};
use thiserror::Error;

/// A position in a list that is ordered by time and id: the text is `time#id`, or a time alone, which sorts before all
/// entries of that time. It is the sort key of the timelines (`events.at` and `actions.at`) and of the reports
/// (`reports.generated_at`). The position of an action is `time#id#number`: the id of its event, and how many actions of the event come
/// after it in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(String);

/// The text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a position in a list such as 2026-11-23T00:05:00.000Z#01936f2e-0000-7000-8000-00000000000a")]
pub struct InvalidPosition;

impl Position {
    /// Returns the position before all entries of `time`, at which a list of newer entries ends.
    #[must_use]
    pub fn before(time: Timestamp) -> Self {
        Self(time.to_string())
    }

    /// The sort key of a row, which may not be of the form that this version writes.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn of_event(at: Timestamp, id: EventId) -> Self {
        Self(format!("{at}#{id}"))
    }

    pub(crate) fn of_decision(at: Timestamp, id: DecisionId) -> Self {
        Self(format!("{at}#{id}"))
    }

    pub(crate) fn of_report(at: Timestamp, id: ReportId) -> Self {
        Self(format!("{at}#{id}"))
    }

    pub(crate) fn of_action(at: Timestamp, event: EventId, following: usize) -> Self {
        Self(format!("{at}#{event}#{following}"))
    }

    /// Returns the time of the position.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.0.split('#').next()?.parse().ok()
    }

    /// The text, `time#id` or `time`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let mut parts = text.splitn(3, '#');
        let time: Timestamp = parts.next().and_then(|time| time.parse().ok()).ok_or(InvalidPosition)?;
        let id: Option<EventId> = parts.next().map(str::parse).transpose().map_err(|_| InvalidPosition)?;
        let following: Option<usize> = parts.next().map(str::parse).transpose().map_err(|_| InvalidPosition)?;
        let position = match (id, following) {
            (Some(id), Some(following)) => Self::of_action(time, id, following),
            (Some(id), None) => Self::of_event(time, id),
            (None, _) => Self::before(time),
        };
        if position.0 == text { Ok(position) } else { Err(InvalidPosition) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_round_trips_and_other_text_is_refused() {
        let time = "2026-11-23T00:05:00.000Z";
        let id = "01936f2e-0000-7000-8000-00000000000a";
        for good in [time.to_owned(), format!("{time}#{id}"), format!("{time}#{id}#2")] {
            assert_eq!(good.parse::<Position>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "#",
            time.trim_end_matches('Z'),
            &format!("{time}#"),
            &format!("{time}#{id}#"),
            &format!("{time}#{id}#02"),
            "2026-11-23T00:05:00Z",
        ] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
        let whole: Position = time.parse().unwrap();
        let one: Position = format!("{time}#{id}").parse().unwrap();
        assert!(whole < one, "a time sorts before all of its entries");
        let event: EventId = id.parse().unwrap();
        let [last, first] = [0, 1].map(|following| Position::of_action(time.parse().unwrap(), event, following));
        let newer = Position::of_event(time.parse().unwrap(), "01936f2e-0000-7000-8000-00000000000b".parse().unwrap());
        assert!(one < last && last < first && first < newer, "newest first, an event's actions are together");
    }
}
