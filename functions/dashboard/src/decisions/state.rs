//! The state of the fleet that a decision was made by.

use age_model::{DecisionPosture, HoldId, RiskLevel, Severity, Timestamp};

use crate::format::{duration_between, format_duration};
use crate::paths::hold_path;
use crate::policy::category_title;

/// The state of the fleet that a decision was made by.
pub(super) struct StateView {
    pub(super) as_of: Timestamp,
    /// The age of the state when AGE decided.
    pub(super) age: String,
    /// Whether the state was too old to rely on.
    pub(super) is_stale: bool,
    pub(super) levels: Vec<(String, RiskLevel)>,
    /// The open incidents of the engine by severity, the highest first.
    pub(super) incidents: Vec<(Severity, u64)>,
    /// The pages of the holds that stopped the operation.
    pub(super) holds: Vec<(String, HoldId)>,
}

impl StateView {
    pub(super) fn new(posture: DecisionPosture, decided_at: Timestamp) -> Self {
        let is_stale = !posture.was_current(decided_at);
        let DecisionPosture { as_of, levels, holds, incidents } = posture;
        Self {
            as_of,
            age: format_duration(duration_between(as_of, decided_at)),
            is_stale,
            levels: levels.into_iter().map(|(name, level)| (category_title(&name), level)).collect(),
            incidents: incidents.into_iter().rev().collect(),
            holds: holds.into_iter().map(|id| (hold_path(id), id)).collect(),
        }
    }
}
