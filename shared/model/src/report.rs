//! Reports: the counts, scores and recommendations of one week.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::action::ActionStatus;
use crate::counts::{ActionCounts, EventCounts};
use crate::credential::KeyId;
use crate::decision_counts::DecisionCounts;
use crate::engine::Engine;
use crate::id::ReportId;
use crate::policy_hash::PolicyHash;
use crate::report_step::{ReportStep, UnresolvedIncidents};
use crate::risk_level::RiskLevel;
use crate::severity::Severity;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// Why a report was made.
    ReportKind {
        /// By the schedule, for the seven whole days before.
        Weekly = "weekly",
        /// On a caller's request, for the last 168 hours.
        OnDemand = "on_demand",
    }
}

/// A report, as it is stored and shown. Maps by category are keyed by the policy's category names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The id. A weekly report's id depends on its period alone.
    pub id: ReportId,
    /// Why the report was made.
    pub kind: ReportKind,
    /// The dates of both ends, `YYYY-MM-DD_YYYY-MM-DD`.
    pub report_period: String,
    /// The beginning of the period.
    pub from: Timestamp,
    /// The end of the period, which is not part of it.
    pub to: Timestamp,
    /// The figures of the period.
    pub summary: ReportSummary,
    /// The mean of the categories' scores, 0 to 100.
    #[schema(maximum = 100)]
    pub risk_score: u32,
    /// The level of the highest category.
    pub risk_level: RiskLevel,
    /// Recommended steps, in the order of the policy.
    pub recommendations: Vec<String>,
    /// What is to be done, the most urgent first: incidents, failed remediations, and the recommendations.
    #[serde(default)]
    pub next_steps: Vec<ReportStep>,
    /// SHA-256 of the policy that scored it, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub policy_hash: String,
    /// The policy versions that were active in the period, in order. Empty if they cannot be read.
    #[serde(default)]
    pub policy_versions: Vec<ActiveInPeriod>,
    /// When the report was made.
    pub generated_at: Timestamp,
    /// The credential that requested the report. None for a weekly report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<KeyId>,
}

/// A policy version that was active in a report's period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActiveInPeriod {
    /// The version.
    pub hash: PolicyHash,
    /// When it was activated, which may be before the period. Absent for the default policy that was never activated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The credential of the admin who activated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
}

/// The figures of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    /// Number of events.
    pub total_events: u64,
    /// Number of events by engine, including zeros.
    pub by_engine: BTreeMap<Engine, u64>,
    /// Number of events by severity, including zeros.
    pub by_severity: BTreeMap<Severity, u64>,
    /// Score by category, 0 to 100.
    pub risk_scores: BTreeMap<String, u32>,
    /// Number of CRITICAL events.
    pub critical_count: u64,
    /// Score by category before the limit of 100.
    pub raw_scores: BTreeMap<String, u64>,
    /// The category with the highest score. None if all scores are 0.
    #[schema(required)]
    pub peak_category: Option<String>,
    /// Points by category and engine. The points of a category sum to its raw score.
    pub contributions: BTreeMap<String, BTreeMap<Engine, u64>>,
    /// Remediations that were planned on the days of the period, by status. Messages to people are not included.
    #[serde(default)]
    pub actions: ActionFigures,
    /// Mean time from planning a remediation to its outcome, in seconds. None without an outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_seconds_to_outcome: Option<u64>,
    /// Incidents that were opened in the period.
    #[serde(default)]
    pub incidents: IncidentFigures,
    /// The incidents that are unresolved when the report is made.
    #[serde(default)]
    pub unresolved_incidents: UnresolvedIncidents,
    /// The engines that are silent when the report is made.
    #[serde(default)]
    pub silent_engines: Vec<Engine>,
    /// The decisions of the period. Absent if there were none.
    #[serde(default, skip_serializing_if = "DecisionCounts::is_empty")]
    pub decisions: DecisionCounts,
    /// The figures of the 168 hours before the period. None if those had no events to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousWeek>,
}

/// Number of remediations by status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionFigures {
    /// In progress: pending, pending approval or dispatched.
    pub running: u64,
    /// At every other status, including zeros.
    #[serde(flatten, deserialize_with = "numbers")]
    pub settled: BTreeMap<ActionStatus, u64>,
}

/// Deserializes the numbers by status, and skips what a later version has beside them.
fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<ActionStatus, u64>, D::Error> {
    let figures: BTreeMap<ActionStatus, serde_json::Value> = BTreeMap::deserialize(deserializer)?;
    Ok(figures.into_iter().filter_map(|(status, figure)| Some((status, figure.as_u64()?))).collect())
}

impl From<&ActionCounts> for ActionFigures {
    fn from(counts: &ActionCounts) -> Self {
        let number = |status| counts.by_status.get(&status).copied().unwrap_or_default();
        let settled = ActionStatus::settled().map(|status| (status, number(status))).collect();
        Self { running: counts.running(), settled }
    }
}

/// Figures of the incidents that were opened in the period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentFigures {
    /// Number of incidents.
    pub opened: u64,
    /// Number of them that were acknowledged since.
    pub acknowledged: u64,
    /// Median time from opening to acknowledgement, in seconds. None if no incident was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_seconds_to_acknowledge: Option<u64>,
}

impl IncidentFigures {
    /// Computes the figures of incidents, each given by when it was opened and when it was acknowledged, if it was.
    #[must_use]
    pub fn of(incidents: &[(Timestamp, Option<Timestamp>)]) -> Self {
        let seconds_to_acknowledge = |(opened, acknowledged): &(Timestamp, Option<Timestamp>)| {
            u64::try_from(acknowledged.as_ref()?.seconds().saturating_sub(opened.seconds())).ok()
        };
        let mut seconds: Vec<u64> = incidents.iter().filter_map(seconds_to_acknowledge).collect();
        seconds.sort_unstable();
        let (low, high) = (seconds.get(seconds.len().saturating_sub(1) / 2), seconds.get(seconds.len() / 2));
        Self {
            opened: incidents.len() as u64,
            acknowledged: seconds.len() as u64,
            median_seconds_to_acknowledge: low.zip(high).map(|(low, high)| low.midpoint(*high)),
        }
    }
}

/// The input of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportInput {
    /// The events of the period.
    pub counts: EventCounts,
    /// The week before the period.
    pub baseline: Baseline,
    /// Remediations, incidents, silent engines and decisions of the period.
    pub activity: ActivitySummary,
}

/// The week before a report's period, with which the report compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// The event counts of the week, which the report's policy scores.
    Counts(EventCounts),
    /// The week's own report, made by the same policy. The figures of a reported week do not change.
    Report(Box<Report>),
}

/// Remediations, incidents, silent engines and decisions of a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivitySummary {
    /// The remediations that were planned.
    pub actions: ActionCounts,
    /// The incidents that were opened.
    pub incidents: IncidentFigures,
    /// The engines that are silent now.
    pub silent_engines: Vec<Engine>,
    /// The incidents that are unresolved now.
    pub unresolved: UnresolvedIncidents,
    /// The decisions.
    pub decisions: DecisionCounts,
}

/// The figures of the week before a report's period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousWeek {
    /// The mean of the categories' scores, 0 to 100.
    #[schema(maximum = 100)]
    pub risk_score: u32,
    /// Score by category, 0 to 100.
    pub risk_scores: BTreeMap<String, u32>,
    /// Number of events.
    pub total_events: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opened(seconds: &[Option<i64>]) -> IncidentFigures {
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let incident = |seconds: &Option<i64>| (start, seconds.map(|seconds| start.plus_seconds(seconds)));
        IncidentFigures::of(&seconds.iter().map(incident).collect::<Vec<_>>())
    }

    #[test]
    fn median_counts_acknowledged_incidents_only() {
        let median = |seconds: &[Option<i64>]| opened(seconds).median_seconds_to_acknowledge;
        assert_eq!((median(&[]), median(&[None])), (None, None));
        assert_eq!((median(&[Some(7)]), median(&[Some(90), None, Some(10)])), (Some(7), Some(50)));
        assert_eq!(median(&[Some(1), Some(1000), Some(3)]), Some(3));
        assert_eq!((opened(&[Some(7), None]).opened, opened(&[Some(7), None]).acknowledged), (2, 1));
    }

    #[test]
    fn action_figures_round_trip_as_json() {
        let counts =
            ActionCounts { planned: 3, by_status: [(ActionStatus::Failed, 1)].into(), ..ActionCounts::default() };
        let figures = ActionFigures::from(&counts);
        let json = serde_json::to_value(&figures).unwrap();
        assert_eq!((&json["running"], &json["failed"], &json["timed_out"]), (&2.into(), &1.into(), &0.into()));
        assert_eq!(serde_json::from_value::<ActionFigures>(json).unwrap(), figures);
    }

    proptest! {
        #[test]
        fn median_has_half_of_the_times_on_either_side(seconds in prop::collection::vec(0..100_000_u32, 1..40)) {
            let median = opened(&seconds.iter().map(|seconds| Some(i64::from(*seconds))).collect::<Vec<_>>()).median_seconds_to_acknowledge.unwrap();
            let half = seconds.len().div_ceil(2);
            prop_assert!(seconds.iter().filter(|s| u64::from(**s) <= median + 1).count() >= half);
            prop_assert!(seconds.iter().filter(|s| u64::from(**s) >= median).count() >= half);
        }
    }
}
