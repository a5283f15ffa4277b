//! How many events, by engine and severity. Sums saturate: a counter never wraps into a small number.

use std::collections::BTreeMap;

use crate::{ActionStatus, Engine, Severity};

/// How many events of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeverityCounts {
    low: u64,
    medium: u64,
    high: u64,
    critical: u64,
}

impl SeverityCounts {
    /// How many of `severity`.
    #[must_use]
    pub const fn of(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }

    /// Counts `number` more of `severity`.
    pub const fn add(&mut self, severity: Severity, number: u64) {
        let counter = match severity {
            Severity::Low => &mut self.low,
            Severity::Medium => &mut self.medium,
            Severity::High => &mut self.high,
            Severity::Critical => &mut self.critical,
        };
        *counter = counter.saturating_add(number);
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        Severity::ALL.iter().fold(0, |sum, severity| sum.saturating_add(self.of(*severity)))
    }
}

/// How many events of each engine and severity: all that scores and reports are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventCounts(BTreeMap<Engine, SeverityCounts>);

impl EventCounts {
    /// Counts `number` more of `severity` for `engine`.
    pub fn add(&mut self, engine: Engine, severity: Severity, number: u64) {
        self.0.entry(engine).or_default().add(severity, number);
    }

    /// Counts all of `counts` for `engine`.
    pub fn add_all(&mut self, engine: Engine, counts: &SeverityCounts) {
        for severity in Severity::ALL {
            self.add(engine, *severity, counts.of(*severity));
        }
    }

    /// Counts all of `counts`.
    pub fn merge(&mut self, counts: &Self) {
        for (engine, counted) in &counts.0 {
            self.add_all(*engine, counted);
        }
    }

    /// What `engine` has.
    #[must_use]
    pub fn engine(&self, engine: Engine) -> SeverityCounts {
        self.0.get(&engine).copied().unwrap_or_default()
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, counts| sum.saturating_add(counts.total()))
    }

    /// How many of `severity` in all.
    #[must_use]
    pub fn of(&self, severity: Severity) -> u64 {
        self.0.values().fold(0, |sum, counts| sum.saturating_add(counts.of(severity)))
    }

    /// The totals of all engines, zeros too.
    #[must_use]
    pub fn by_engine(&self) -> BTreeMap<Engine, u64> {
        Engine::ALL.iter().map(|engine| (*engine, self.engine(*engine).total())).collect()
    }

    /// The totals of all severities, zeros too.
    #[must_use]
    pub fn by_severity(&self) -> BTreeMap<Severity, u64> {
        Severity::ALL.iter().map(|severity| (*severity, self.of(*severity))).collect()
    }
}

/// What became of the remedies of some days, as it is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionCounts {
    /// How many came to be owed, or to wait for approval.
    pub planned: u64,
    /// How many stand at each status that they came to since; those that were suppressed at once, too.
    pub by_status: BTreeMap<ActionStatus, u64>,
    /// How many of them their workers have answered for.
    pub outcomes: u64,
    /// How long those took in all, from being owed to their outcome, in milliseconds.
    pub outcome_millis: u64,
}

impl ActionCounts {
    /// How many are on their way: owed, waiting for approval, or handed over.
    #[must_use]
    pub fn running(&self) -> u64 {
        let came_to = |status: ActionStatus| self.by_status.get(&status).copied().unwrap_or_default();
        let settled = ActionStatus::settled().filter(|status| *status != ActionStatus::Suppressed).map(came_to);
        settled.fold(self.planned, u64::saturating_sub)
    }

    /// How long their workers took on average, in whole seconds. None if none has answered.
    #[must_use]
    pub fn mean_seconds_to_outcome(&self) -> Option<u64> {
        self.outcome_millis.checked_div(self.outcomes).map(|millis| millis / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_settled_is_running() {
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
        counts.add(Engine::Qa, Severity::High, 3);
        counts.add(Engine::Billing, Severity::Low, 4);
        assert_eq!(counts.total(), 7);
        assert_eq!(counts.by_engine().len(), 8);
        assert_eq!(counts.by_engine().values().sum::<u64>(), counts.by_severity().values().sum::<u64>());
        counts.add(Engine::Qa, Severity::High, u64::MAX);
        assert_eq!((counts.of(Severity::High), counts.total()), (u64::MAX, u64::MAX));
    }
}
