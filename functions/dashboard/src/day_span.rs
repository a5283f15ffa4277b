//! The fields `from` and `to` of filters.

use age_http::Query;
use age_model::{Day, Timestamp};

/// A span of UTC days, both included; without a bound where it is None.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DaySpan {
    /// The first day.
    pub(crate) from: Option<Day>,
    /// The last day.
    pub(crate) to: Option<Day>,
}

impl DaySpan {
    /// Reads the fields from `query`, which refuses those that are not valid.
    pub(crate) fn read(query: &mut Query) -> Self {
        let span = Self { from: query.optional("from"), to: query.optional("to") };
        if span.from.zip(span.to).is_some_and(|(from, to)| from > to) {
            query.refuse("from", "must not be after to");
        }
        span
    }

    /// Returns the beginning of the first day.
    pub(crate) fn start(self) -> Option<Timestamp> {
        self.from.map(Day::start)
    }

    /// Returns the end of the last day, which is not part of it.
    pub(crate) fn end(self) -> Option<Timestamp> {
        self.to.map(|to| to.next().start())
    }

    /// Returns the fields, as URLs and forms have them.
    pub(crate) fn fields(self) -> [(&'static str, Option<String>); 2] {
        [("from", self.from.map(|day| day.to_string())), ("to", self.to.map(|day| day.to_string()))]
    }
}
