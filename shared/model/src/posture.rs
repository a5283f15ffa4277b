//! The posture: the current state of the fleet, by which guardrails decide.

use std::collections::BTreeMap;

use crate::counts::SeverityCounts;
use crate::engine::Engine;
use crate::policy_hash::PolicyHash;
use crate::risk_level::RiskLevel;
use crate::time::Timestamp;

/// The state of the fleet as a sweep found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posture {
    /// When the sweep found it.
    pub as_of: Timestamp,
    /// The policy version that has the categories.
    pub policy_hash: PolicyHash,
    /// The level of each category in the running week, by the category's name.
    pub levels: BTreeMap<String, RiskLevel>,
    /// The engines with an open incident or an ineffective remediation.
    pub engines: BTreeMap<Engine, EnginePosture>,
}

/// The state of an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnginePosture {
    /// The number of open incidents by severity.
    pub open_incidents: SeverityCounts,
    /// The number of those that nobody has acknowledged.
    pub unacknowledged_incidents: SeverityCounts,
    /// When the latest remediation was found ineffective.
    pub last_ineffective_at: Option<Timestamp>,
}

impl Posture {
    /// How long guardrails rely on a posture, in seconds: two runs of the sweep and half of a third.
    pub const VALID_SECONDS: i64 = 150;

    /// Whether guardrails may rely on the posture at `now`. One that lies ahead is of a clock that is wrong.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        Self::is_recent(self.as_of, now)
    }

    /// Whether guardrails may rely at `now` on a posture of `as_of`.
    pub(crate) fn is_recent(as_of: Timestamp, now: Timestamp) -> bool {
        as_of <= now.plus_seconds(Self::VALID_SECONDS) && now <= as_of.plus_seconds(Self::VALID_SECONDS)
    }

    /// Returns the state of `engine`.
    #[must_use]
    pub fn engine(&self, engine: Engine) -> EnginePosture {
        self.engines.get(&engine).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posture_is_current_for_150_seconds() {
        let as_of: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let policy_hash = PolicyHash::from_bytes([1; 32]);
        let posture = Posture { as_of, policy_hash, levels: BTreeMap::new(), engines: BTreeMap::new() };
        assert!(posture.is_current(as_of) && posture.is_current(as_of.plus_seconds(150)));
        assert!(!posture.is_current(as_of.plus_seconds(151)) && !posture.is_current(as_of.plus_seconds(-151)));
        assert_eq!(posture.engine(Engine::from_static("qa")), EnginePosture::default());
    }
}
