//! Looking values up in the policy.

use age_model::{Action, Engine, RiskLevel, Severity};

use crate::action_planning::select_actions;
use crate::document::{ActionRules, AlertRules, Policy};

impl Policy {
    /// Returns the display name of `engine`, such as `Deep Agent`. A retired engine has its name only.
    #[must_use]
    pub fn title<'a>(&'a self, engine: &'a Engine) -> &'a str {
        let own = if *engine == Engine::AGE { "AGE" } else { engine.as_str() };
        self.engines.get(engine).map_or(own, |rules| &rules.title)
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

impl ActionRules {
    /// Returns the actions that an event of `engine`, `severity` and `event_type` leads to, each once.
    #[must_use]
    pub fn actions_of(&self, engine: Engine, severity: Severity, event_type: &str) -> Vec<Action> {
        select_actions(self, engine, severity, event_type)
    }

    /// Returns the engine whose credential may report the outcome of `action` for an event of `engine`.
    #[must_use]
    pub fn carried_out_by(&self, action: Action, engine: Engine) -> Engine {
        self.carried_out_by.get(&action).copied().unwrap_or(engine)
    }
}

/// The severity of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertSeverity {
    /// The policy maps the sender's word to it.
    Mapped(Severity),
    /// The sender's word is not in the policy. With the policy's severity for that case.
    Unmapped(Severity),
    /// The alert has no word. With the policy's severity for that case.
    Absent(Severity),
}

impl AlertSeverity {
    /// Returns the severity.
    #[must_use]
    pub const fn get(self) -> Severity {
        match self {
            Self::Mapped(severity) | Self::Unmapped(severity) | Self::Absent(severity) => severity,
        }
    }
}

impl AlertRules {
    /// Returns the severity of an alert with this label `severity`, in any case. An empty label counts as absent, as it does in
    /// Prometheus.
    #[must_use]
    pub fn severity(&self, label: Option<&str>) -> AlertSeverity {
        let Some(word) = label.map(Self::normalized).filter(|word| !word.is_empty()) else {
            return AlertSeverity::Absent(self.otherwise);
        };
        let mapped = self.severities.get(&word).copied();
        mapped.map_or(AlertSeverity::Unmapped(self.otherwise), AlertSeverity::Mapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_for_a_severity_is_mapped_in_any_case() {
        let rules = Policy::compiled().unwrap().alertmanager;
        for (words, severity) in [
            (
                "critical CRITICAL Critical crit page P0 P1 sev0 SEV1 emergency emerg FATAL disaster alert",
                Severity::Critical,
            ),
            ("error err Major HIGH p2 sev2 urgent", Severity::High),
            ("WARNING Warn minor Medium average P3 sev3", Severity::Medium),
            ("info informational notice low none OK debug p4 P5", Severity::Low),
        ] {
            for word in words.split(' ') {
                assert_eq!(rules.severity(Some(word)), AlertSeverity::Mapped(severity), "{word}");
                assert_eq!(rules.severity(Some(&format!(" {word}\t"))), AlertSeverity::Mapped(severity), "{word}");
            }
        }
        assert_eq!(rules.severity(Some("kaboom")), AlertSeverity::Unmapped(Severity::Medium));
        for absent in [None, Some(""), Some("  ")] {
            assert_eq!(rules.severity(absent), AlertSeverity::Absent(Severity::Medium), "{absent:?}");
        }
    }
}
