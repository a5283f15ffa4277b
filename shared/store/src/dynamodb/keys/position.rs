//! Positions in lists.

use std::fmt;
use std::str::FromStr;

use age_model::{DecisionId, EventId, ReportId, Timestamp};
use thiserror::Error;

/// A position in a list that is ordered by time and id: the text is `time#id`, or a time alone, which sorts before all
/// entries of that time. It is the sort key of the timeline (`events.at`) and of the reports (`reports.generated_at`). In a list of
/// actions, `time#id#number` is the position after so many actions of an event, which sorts right after the event.
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

    /// Returns the position after the first `number` actions of an event.
    pub(crate) fn after_actions(at: Timestamp, event: EventId, number: usize) -> Self {
        Self(format!("{at}#{event}#{number}"))
    }

    /// Returns how many actions of the event `id` come before this position, if it is one between them.
    pub(crate) fn actions_before(&self, event: EventId) -> usize {
        let mut parts = self.0.split('#').skip(1);
        let is_of_event = parts.next() == Some(event.to_string().as_str());
        parts.next().filter(|_| is_of_event).and_then(|number| number.parse().ok()).unwrap_or_default()
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
        let number: Option<usize> = parts.next().map(str::parse).transpose().map_err(|_| InvalidPosition)?;
        let position = match (id, number) {
            (Some(id), Some(number)) => Self::after_actions(time, id, number),
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
        let between = Position::after_actions(time.parse().unwrap(), event, 2);
        let newer = Position::of_event(time.parse().unwrap(), "01936f2e-0000-7000-8000-00000000000b".parse().unwrap());
        assert!(one < between && between < newer, "a position between actions sorts right after their event");
        assert_eq!((between.actions_before(event), one.actions_before(event)), (2, 0));
        assert_eq!(between.actions_before("01936f2e-0000-7000-8000-00000000000b".parse().unwrap()), 0);
    }
}
