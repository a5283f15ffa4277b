//! How pages word a report's kind and period.

use age_model::{Day, Report, ReportKind};

use crate::format::to_words;

/// Returns the first and the last day of a report.
pub(crate) fn first_and_last_day(report: &Report) -> (Day, Day) {
    // The moment `to` is the first one after the period.
    (report.from.day(), report.to.plus_millis(-1).day())
}

pub(crate) fn kind_label(kind: ReportKind) -> String {
    to_words(kind.as_str())
}
