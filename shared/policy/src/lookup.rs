//! Looking values up in the policy.

use age_model::{Engine, RiskLevel, Severity};

use crate::document::{AlertRules, Policy};

impl Policy {
    /// Returns the display name of `engine`, such as `Deep Agent`.
    #[must_use]
    pub fn title(&self, engine: Engine) -> &str {
        self.engines.get(&engine).map_or(engine.as_str(), |rules| &rules.title)
    }

    /// Returns the level of a score: the highest level whose threshold the score reaches.
    #[must_use]
    pub fn level(&self, score: u32) -> RiskLevel {
        let reached = self.levels.iter().rev().find(|(_, threshold)| score >= **threshold);
        reached.map_or(RiskLevel::Low, |(level, _)| *level)
    }

    /// Returns the recommendation for `count` CRITICAL events.
    #[must_use]
    pub fn critical_recommendation(&self, count: u64) -> String {
        self.critical_recommendation.replace("{count}", &count.to_string())
    }
}

impl AlertRules {
    /// Returns the severity of an alert with this label `severity`.
    #[must_use]
    pub fn severity(&self, label: Option<&String>) -> Severity {
        label.and_then(|label| self.severities.get(label)).copied().unwrap_or(self.otherwise)
    }
}
