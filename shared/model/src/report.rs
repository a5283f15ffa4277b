//! One week's counts, scores and recommendations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ActionCounts, ActionStatus, Engine, EventCounts, KeyId, ReportId, Severity, Timestamp};

crate::string_enum::string_enum! {
    /// Why a report was made.
    ReportKind {
        /// By the schedule, for the seven whole days before it.
        Weekly = "weekly",
        /// Because somebody asked, for the last 168 hours.
        OnDemand = "on_demand",
    }
}

crate::string_enum::string_enum! {
    /// How risky the week was: what its highest category says.
    RiskLevel {
        /// Nothing stands out.
        Low = "LOW",
        /// Worth a look.
        Medium = "MEDIUM",
        /// Needs attention.
        High = "HIGH",
        /// Needs attention now.
        Critical = "CRITICAL",
    }
}

/// A report, as it is stored and shown. Maps by category are keyed by the policy's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its name.
    pub id: ReportId,
    /// Why it was made.
    pub kind: ReportKind,
    /// The dates of both ends, `YYYY-MM-DD_YYYY-MM-DD`.
    pub report_period: String,
    /// The first moment covered.
    pub from: Timestamp,
    /// The first moment no longer covered.
    pub to: Timestamp,
    /// The figures.
    pub summary: ReportSummary,
    /// The mean of the categories' scores, 0 to 100.
    pub risk_score: u32,
    /// The level of the highest category.
    pub risk_level: RiskLevel,
    /// What to do, in the policy's order.
    pub recommendations: Vec<String>,
    /// SHA-256 of the policy that scored it, hexadecimal.
    pub policy_hash: String,
    /// When it was made.
    pub generated_at: Timestamp,
    /// Who asked for it. None for a weekly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<KeyId>,
}

/// The figures of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    /// All events.
    pub total_events: u64,
    /// Events of every engine.
    pub by_engine: BTreeMap<Engine, u64>,
    /// Events of every severity.
    pub by_severity: BTreeMap<Severity, u64>,
    /// Score of every category, 0 to 100.
    pub risk_scores: BTreeMap<String, u32>,
    /// CRITICAL events.
    pub critical_count: u64,
    /// Score of every category before the cap: what 100 hides.
    pub raw_scores: BTreeMap<String, u64>,
    /// The highest category. None when nothing scored.
    pub peak_category: Option<String>,
    /// How many points each engine brought to each category; they sum to the raw score.
    pub contributions: BTreeMap<String, BTreeMap<Engine, u64>>,
    /// What became of the remedies that came to be owed on the days of the period. Messages to people are not among them.
    #[serde(default)]
    pub actions: ActionFigures,
    /// How long their workers took on average to say what came of them, in seconds. None if none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_seconds_to_outcome: Option<u64>,
    /// What people were told of.
    #[serde(default)]
    pub incidents: IncidentFigures,
    /// The engines that are silent as the report is made.
    #[serde(default)]
    pub silent_engines: Vec<Engine>,
    /// The figures of the 168 hours before. None when those had no event: there is nothing to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousWeek>,
}

/// How many remedies are at which status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionFigures {
    /// On their way: owed, waiting for approval, or handed over.
    pub running: u64,
    /// At every other status, zeros too.
    #[serde(flatten)]
    pub settled: BTreeMap<ActionStatus, u64>,
}

impl From<&ActionCounts> for ActionFigures {
    fn from(counts: &ActionCounts) -> Self {
        let number = |status| counts.by_status.get(&status).copied().unwrap_or_default();
        let settled = ActionStatus::settled().map(|status| (status, number(status))).collect();
        Self { running: counts.running(), settled }
    }
}

/// The incidents that were opened in the period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentFigures {
    /// How many.
    pub opened: u64,
    /// How many of them somebody has acknowledged since.
    pub acknowledged: u64,
    /// The median of how long that took, in seconds. None if nobody has acknowledged any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_seconds_to_acknowledge: Option<u64>,
}

impl IncidentFigures {
    /// Of incidents that were opened at the first moment and acknowledged at the second, if they were.
    #[must_use]
    pub fn of(incidents: &[(Timestamp, Option<Timestamp>)]) -> Self {
        let took = |(opened, taken): &(Timestamp, Option<Timestamp>)| {
            u64::try_from(taken.as_ref()?.seconds().saturating_sub(opened.seconds())).ok()
        };
        let mut seconds: Vec<u64> = incidents.iter().filter_map(took).collect();
        seconds.sort_unstable();
        let (low, high) = (seconds.get(seconds.len().saturating_sub(1) / 2), seconds.get(seconds.len() / 2));
        Self {
            opened: incidents.len() as u64,
            acknowledged: seconds.len() as u64,
            median_seconds_to_acknowledge: low.zip(high).map(|(low, high)| low.midpoint(*high)),
        }
    }
}

/// All that a report is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportInput {
    /// The events of its period.
    pub counts: EventCounts,
    /// The week before.
    pub before: Baseline,
    /// What came of the events.
    pub activity: ActivitySummary,
}

/// The week before a report's period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// As its events were counted.
    Counts(EventCounts),
    /// As its own report has it, by the same policy. A closed week stays closed.
    Report(Box<Report>),
}

/// What AGE did about a period's events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivitySummary {
    /// Its remedies.
    pub actions: ActionCounts,
    /// What people were told of.
    pub incidents: IncidentFigures,
    /// Who is silent.
    pub silent_engines: Vec<Engine>,
}

/// Last week's figures beside this week's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousWeek {
    /// The mean of the categories' scores.
    pub risk_score: u32,
    /// Score of every category.
    pub risk_scores: BTreeMap<String, u32>,
    /// All events.
    pub total_events: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opened(seconds: &[Option<i64>]) -> IncidentFigures {
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let taken = |seconds: &Option<i64>| (start, seconds.map(|seconds| start.plus_seconds(seconds)));
        IncidentFigures::of(&seconds.iter().map(taken).collect::<Vec<_>>())
    }

    #[test]
    fn the_median_is_of_those_that_were_acknowledged() {
        let median = |seconds: &[Option<i64>]| opened(seconds).median_seconds_to_acknowledge;
        assert_eq!((median(&[]), median(&[None])), (None, None));
        assert_eq!((median(&[Some(7)]), median(&[Some(90), None, Some(10)])), (Some(7), Some(50)));
        assert_eq!(median(&[Some(1), Some(1000), Some(3)]), Some(3));
        assert_eq!((opened(&[Some(7), None]).opened, opened(&[Some(7), None]).acknowledged), (2, 1));
    }

    #[test]
    fn figures_are_read_back_as_they_were_written() {
        let counts =
            ActionCounts { planned: 3, by_status: [(ActionStatus::Failed, 1)].into(), ..ActionCounts::default() };
        let figures = ActionFigures::from(&counts);
        let json = serde_json::to_value(&figures).unwrap();
        assert_eq!((&json["running"], &json["failed"], &json["timed_out"]), (&2.into(), &1.into(), &0.into()));
        assert_eq!(serde_json::from_value::<ActionFigures>(json).unwrap(), figures);
    }

    proptest! {
        #[test]
        fn half_are_at_or_below_the_median_and_half_at_or_above(seconds in prop::collection::vec(0..100_000_u32, 1..40)) {
            let median = opened(&seconds.iter().map(|seconds| Some(i64::from(*seconds))).collect::<Vec<_>>()).median_seconds_to_acknowledge.unwrap();
            let half = seconds.len().div_ceil(2);
            prop_assert!(seconds.iter().filter(|s| u64::from(**s) <= median + 1).count() >= half);
            prop_assert!(seconds.iter().filter(|s| u64::from(**s) >= median).count() >= half);
        }
    }
}
