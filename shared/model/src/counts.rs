//! Counts of events by engine and severity, and of remediations by status. Sums of events saturate instead of wrapping.

use std::collections::BTreeMap;

use crate::action::ActionStatus;
use crate::engine::Engine;
use crate::severity::Severity;

/// The number of events of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeverityCounts {
    low: u64,
    medium: u64,
    high: u64,
    critical: u64,
}

impl SeverityCounts {
    /// Returns the number of events of `severity`; 0 for one that this version does not know.
    #[must_use]
    pub const fn of(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
            Severity::Unknown(_) => 0,
        }
    }

    /// Adds `number` events of `severity`.
    pub const fn add(&mut self, severity: Severity, number: u64) {
        let counter = match severity {
            Severity::Low => &mut self.low,
            Severity::Medium => &mut self.medium,
            Severity::High => &mut self.high,
            Severity::Critical => &mut self.critical,
            // INVARIANT: nothing counts an event of a severity that this version does not know; who would have to, fails.
            Severity::Unknown(_) => return,
        };
        *counter = counter.saturating_add(number);
    }

    /// Returns the number of events of all severities.
    #[must_use]
    pub fn total(&self) -> u64 {
        Severity::ALL.iter().fold(0, |sum, severity| sum.saturating_add(self.of(*severity)))
    }
}

/// The number of events of each engine and severity, from which scores and reports are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventCounts(BTreeMap<Engine, SeverityCounts>);

impl EventCounts {
    /// Adds `number` events of `severity` to `engine`.
    pub fn add(&mut self, engine: Engine, severity: Severity, number: u64) {
        self.0.entry(engine).or_default().add(severity, number);
    }

    /// Adds `counts` to `engine`.
    pub fn add_all(&mut self, engine: Engine, counts: &SeverityCounts) {
        for severity in Severity::ALL {
            self.add(engine, *severity, counts.of(*severity));
        }
    }

    /// Adds `counts` engine by engine.
    pub fn merge(&mut self, counts: &Self) {
        for (engine, counted) in &counts.0 {
            self.add_all(*engine, counted);
        }
    }

    /// Returns the counts of `engine`.
    #[must_use]
    pub fn engine(&self, engine: Engine) -> SeverityCounts {
        self.0.get(&engine).copied().unwrap_or_default()
    }

    /// Returns the number of events of all engines.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, counts| sum.saturating_add(counts.total()))
    }

    /// Returns the number of events of `severity` of all engines.
    #[must_use]
    pub fn of(&self, severity: Severity) -> u64 {
        self.0.values().fold(0, |sum, counts| sum.saturating_add(counts.of(severity)))
    }

    /// Returns the number of events of each of `engines`, including zeros, and of every other engine that has any.
    #[must_use]
    pub fn by_engine(&self, engines: impl IntoIterator<Item = Engine>) -> BTreeMap<Engine, u64> {
        let none = engines.into_iter().map(|engine| (engine, 0));
        let counted = self.0.iter().map(|(engine, counts)| (*engine, counts.total()));
        none.chain(counted.filter(|(_, total)| *total > 0)).collect()
    }

    /// Returns the number of events by severity, including zeros.
    #[must_use]
    pub fn by_severity(&self) -> BTreeMap<Severity, u64> {
        Severity::ALL.iter().map(|severity| (*severity, self.of(*severity))).collect()
    }
}

/// The remediations that were planned on some days, and the statuses they have reached since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionCounts {
    /// Remediations that began as pending or pending approval.
    pub planned: u64,
    /// Remediations by the status they have reached, including those that began as suppressed.
    pub by_status: BTreeMap<ActionStatus, u64>,
    /// Remediations whose worker has reported an outcome.
    pub outcomes: u64,
    /// The times from planning to outcome, summed over all outcomes, in milliseconds.
    pub outcome_millis: u64,
}

impl ActionCounts {
    /// Returns the number of remediations in progress: pending, pending approval or dispatched.
    #[must_use]
    pub fn running(&self) -> u64 {
        let reached = |status: ActionStatus| self.by_status.get(&status).copied().unwrap_or_default();
        let settled = ActionStatus::settled().filter(|status| *status != ActionStatus::Suppressed).map(reached);
        settled.fold(self.planned, u64::saturating_sub)
    }

    /// Returns the mean time from planning to outcome in seconds, rounded down; None without an outcome.
    #[must_use]
    pub fn mean_seconds_to_outcome(&self) -> Option<u64> {
        self.outcome_millis.checked_div(self.outcomes).map(|millis| millis / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_is_planned_without_those_that_reached_another_status() {
        let mut counts = ActionCounts { planned: 5, outcomes: 2, outcome_millis: 7999, ..ActionCounts::default() };
        counts.by_status.extend([
            (ActionStatus::Verified, 2),
            (ActionStatus::Failed, 1),
            (ActionStatus::Suppressed, 9),
        ]);
        assert_eq!((counts.running(), counts.mean_seconds_to_outcome()), (2, Some(3)));
        assert_eq!(ActionCounts::default().mean_seconds_to_outcome(), None);
    }

    #[test]
    fn totals_agree_and_saturate() {
        let mut counts = EventCounts::default();
        counts.add(Engine::from_static("qa"), Severity::High, 3);
        counts.add(Engine::from_static("billing"), Severity::Low, 4);
        assert_eq!(counts.total(), 7);
        let by_engine = counts.by_engine(["qa", "maos"].map(Engine::from_static));
        assert_eq!(by_engine.values().copied().collect::<Vec<_>>(), [4, 0, 3], "billing, maos and qa: {by_engine:?}");
        assert_eq!(by_engine.values().sum::<u64>(), counts.by_severity().values().sum::<u64>());
        counts.add(Engine::from_static("qa"), Severity::High, u64::MAX);
        assert_eq!((counts.of(Severity::High), counts.total()), (u64::MAX, u64::MAX));
    }
}
