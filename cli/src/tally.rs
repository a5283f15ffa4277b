//! What became of the lines of an import.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::table::number_of;

/// What became of a line.
pub(crate) enum Outcome {
    Blank,
    /// It comes before the line to begin at.
    Skipped,
    Stored,
    AlreadyThere,
    /// It will never be stored as it is, and why.
    Refused(String),
    /// It may yet be stored.
    Failed(Error),
}

/// What became of all lines so far.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tally {
    lines: u64,
    stored: u64,
    already_there: u64,
    refused: u64,
    skipped: u64,
    /// All lines up to this one are done.
    #[serde(skip)]
    done: u64,
    /// Those that are done after it.
    #[serde(skip)]
    done_ahead: BTreeSet<u64>,
}

impl Tally {
    /// Counts the line with this number. An error is given back: nobody is done with that line.
    pub(crate) fn count(&mut self, number: u64, outcome: Outcome) -> Option<Error> {
        let counter = match outcome {
            Outcome::Blank => None,
            Outcome::Skipped => Some(&mut self.skipped),
            Outcome::Stored => Some(&mut self.stored),
            Outcome::AlreadyThere => Some(&mut self.already_there),
            Outcome::Refused(_) => Some(&mut self.refused),
            Outcome::Failed(error) => return Some(error),
        };
        if let Some(counter) = counter {
            *counter = counter.saturating_add(1);
            self.lines = self.lines.saturating_add(1);
        }
        self.done_ahead.insert(number);
        while self.done_ahead.remove(&self.done.saturating_add(1)) {
            self.done = self.done.saturating_add(1);
        }
        None
    }

    /// How many lines AGE has.
    pub(crate) fn are_in(&self) -> u64 {
        self.skipped.saturating_add(self.stored).saturating_add(self.already_there)
    }

    /// `command` is what has to be said to go on with the same batch.
    pub(crate) fn where_to_go_on(&self, command: &str) -> String {
        let first = self.done.saturating_add(1);
        format!("{command} goes on where it stopped; the first line that is not done is {first}")
    }

    pub(crate) fn json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Senseless(error.to_string()))
    }

    /// Whether all is well.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.refused == 0 { Ok(()) } else { Err(Error::LinesRefused(number_of(self.refused, "line"))) }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, already_there, refused, skipped, .. } = self;
        let lines = number_of(self.lines, "line");
        write!(f, "{lines}: {stored} stored, {already_there} already there, {refused} refused")?;
        if *skipped > 0 { write!(f, ", {skipped} skipped") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_is_not_done_is_known_in_any_order() {
        let mut tally = Tally::default();
        for number in [3, 1, 5] {
            assert!(tally.count(number, Outcome::Stored).is_none());
        }
        assert_eq!(tally.done, 1);
        assert!(tally.count(2, Outcome::Failed(Error::Interrupted)).is_some());
        assert_eq!((tally.done, tally.are_in()), (1, 3));
        tally.count(2, Outcome::Blank);
        assert_eq!((tally.done, tally.done_ahead.len()), (3, 1));
        tally.count(4, Outcome::Refused(String::new()));
        assert_eq!((tally.done, tally.done_ahead.len()), (5, 0));
        assert_eq!(tally.to_string(), "4 lines: 3 stored, 0 already there, 1 refused");
    }
}
