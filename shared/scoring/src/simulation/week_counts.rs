//! The numbers of events of a history, week by week.

use std::collections::BTreeMap;

use age_model::{Engine, EventCounts, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// The events of a week by engine and severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeekCounts {
    /// The beginning of the week: a Monday, or the beginning of the period.
    pub from: Timestamp,
    /// The end of the week, which is not part of it.
    pub to: Timestamp,
    /// The numbers of events.
    pub counts: BTreeMap<Engine, BTreeMap<Severity, u64>>,
}

impl WeekCounts {
    /// Returns the numbers of events for an assessment.
    #[must_use]
    pub fn event_counts(&self) -> EventCounts {
        let mut counts = EventCounts::default();
        for (engine, by_severity) in &self.counts {
            for (severity, number) in by_severity {
                counts.add(*engine, *severity, *number);
            }
        }
        counts
    }
}
