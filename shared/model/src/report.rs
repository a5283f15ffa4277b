//! One week's counts, scores and recommendations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Engine, ReportId, Severity, Timestamp};

crate::names::named! {
    /// Why a report was made.
    ReportKind {
        /// By the schedule, for the seven whole days before it.
        Weekly = "weekly",
        /// Because somebody asked, for the last 168 hours.
        OnDemand = "on_demand",
    }
}

crate::names::named! {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub summary: Summary,
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
}

/// The figures of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
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
    /// The figures of the 168 hours before. None when those had no event: there is nothing to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// Last week's figures beside this week's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// The mean of the categories' scores.
    pub risk_score: u32,
    /// Score of every category.
    pub risk_scores: BTreeMap<String, u32>,
    /// All events.
    pub total_events: u64,
}
