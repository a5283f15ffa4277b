//! The results of an import, counted.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::format::format_count;

/// The result of one line.
pub(crate) enum LineOutcome {
    Blank,
    /// The line is before `--from-line`.
    Skipped,
    Stored,
    /// An earlier import with the same name stored the line.
    AlreadyThere,
    /// AGE will never store the line as it is, for this reason.
    Refused(String),
    /// The line is not stored, and a later import may store it.
    Failed(Error),
}

/// How many lines had which result. Serialized, it is what `--json` prints.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportSummary {
    /// All finished lines that are not blank.
    lines: u64,
    stored: u64,
    already_there: u64,
    refused: u64,
    skipped: u64,
    /// All lines up to this number are finished. Requests end in any order, so later lines may be finished as well.
    #[serde(skip)]
    finished_up_to: u64,
    /// The finished lines after `finished_up_to`.
    #[serde(skip)]
    finished_out_of_order: BTreeSet<u64>,
}

impl ImportSummary {
    /// Counts the line with this number, from 1. Returns the error of a line that failed: such a line is not finished.
    pub(crate) fn record(&mut self, number: u64, outcome: LineOutcome) -> Option<Error> {
        let counter = match outcome {
            LineOutcome::Blank => None,
            LineOutcome::Skipped => Some(&mut self.skipped),
            LineOutcome::Stored => Some(&mut self.stored),
            LineOutcome::AlreadyThere => Some(&mut self.already_there),
            LineOutcome::Refused(_) => Some(&mut self.refused),
            LineOutcome::Failed(error) => return Some(error),
        };
        if let Some(counter) = counter {
            *counter = counter.saturating_add(1);
            self.lines = self.lines.saturating_add(1);
        }
        self.finished_out_of_order.insert(number);
        while self.finished_out_of_order.remove(&self.first_unfinished_line()) {
            self.finished_up_to = self.first_unfinished_line();
        }
        None
    }

    /// How many lines AGE has stored, in this import or before. Includes skipped lines.
    pub(crate) fn stored_lines(&self) -> u64 {
        self.skipped.saturating_add(self.stored).saturating_add(self.already_there)
    }

    pub(crate) fn first_unfinished_line(&self) -> u64 {
        self.finished_up_to.saturating_add(1)
    }

    pub(crate) fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::UnexpectedResponse(error.to_string()))
    }

    /// # Errors
    /// If AGE refused a line.
    pub(crate) fn check_refused(&self) -> Result<(), Error> {
        if self.refused == 0 { Ok(()) } else { Err(Error::LinesRefused { count: self.refused }) }
    }
}

impl fmt::Display for ImportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, already_there, refused, skipped, .. } = self;
        let lines = format_count(self.lines, "line");
        write!(f, "{lines}: {stored} stored, {already_there} already there, {refused} refused")?;
        if *skipped > 0 { write!(f, ", {skipped} skipped") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_unfinished_line_is_correct_when_lines_finish_out_of_order() {
        let mut summary = ImportSummary::default();
        for number in [3, 1, 5] {
            assert!(summary.record(number, LineOutcome::Stored).is_none());
        }
        assert_eq!(summary.first_unfinished_line(), 2);
        assert!(summary.record(2, LineOutcome::Failed(Error::Interrupted)).is_some());
        assert_eq!((summary.first_unfinished_line(), summary.stored_lines()), (2, 3));
        summary.record(2, LineOutcome::Blank);
        assert_eq!((summary.first_unfinished_line(), summary.finished_out_of_order.len()), (4, 1));
        summary.record(4, LineOutcome::Refused(String::new()));
        assert_eq!((summary.first_unfinished_line(), summary.finished_out_of_order.len()), (6, 0));
        assert_eq!(summary.to_string(), "4 lines: 3 stored, 0 already there, 1 refused");
    }
}
