//! The validation of the policy document. The build script compiles this file as well.

use std::collections::BTreeSet;

use age_model::{Action, Engine, RiskLevel, Severity};
use thiserror::Error;

use crate::document::{ActionRule, ActionRules, AlertRules, EngineRules, IncidentRules, Policy};

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A table lacks some of its keys.
    #[error("{table} must have the keys {expected}")]
    Incomplete {
        /// The table.
        table: &'static str,
        /// All of its keys, separated by commas.
        expected: String,
    },
    /// The values of a table are not in strictly ascending order.
    #[error("the values of {0} must be strictly ascending in the order of their keys")]
    NotAscending(&'static str),
    /// Low scores have no level.
    #[error("levels.LOW must be 0")]
    LowestLevelNotZero,
    /// No category scores the events of an engine.
    #[error("engine {0} must be in at least one category")]
    UnscoredEngine(Engine),
    /// Two categories have one name, or one has no engines or an engine twice.
    #[error("category {0} must be defined once, with at least one engine and each engine once")]
    InvalidCategory(String),
    /// An event may match no rule.
    #[error("the last rule of actions.first_match must have no conditions, so that it matches every event")]
    MissingCatchAll,
    /// The highest score is out of range.
    #[error("score_cap must be 1 to 100")]
    InvalidScoreCap,
    /// A time of the actions is out of range, or no retry is defined.
    #[error("the times of actions must be at least 1 s, and actions.retry_after_seconds must not be empty")]
    InvalidActionTime,
    /// A time of the incidents is out of range.
    #[error("the times of incidents must be at least 1 s")]
    InvalidIncidentTime,
    /// An engine could open no incident, or more than a person can change at once.
    #[error("incidents.max_open_per_engine must be 1 to 10000")]
    InvalidMaxOpen,
    /// The burst leaves no e-mail for initial notifications.
    #[error("incidents.email_burst must be at least 3")]
    InvalidEmailBurst,
    /// The expected interval of an engine is out of range.
    #[error("engines.{0}.expected_interval_seconds must be 0 to 2592000 (30 days)")]
    InvalidExpectedInterval(Engine),
    /// Events that lead to no action would open incidents.
    #[error("incidents.min_severity must not be below actions.min_severity")]
    IncidentsBelowActions,
    /// No remediation would ever be started.
    #[error("actions.give_up_after must be at least 1")]
    InvalidGiveUpAfter,
    /// A message to people cannot wait for an approval.
    #[error("actions.require_approval must list remediations only; got {0}")]
    CannotRequireApproval(Action),
    /// AGE itself carries out what is no remediation.
    #[error("actions.carried_out_by must have remediations only; got {0}")]
    CarriedOutByAge(Action),
    /// The action belongs to reports.
    #[error("rules of actions must not select {0}, which is for reports only")]
    NotAnEventAction(Action),
    /// A word would never be found, because words of senders are compared in lower case.
    #[error("the keys of alertmanager.severities must be in lower case, without white space around them; got {0:?}")]
    InvalidSeverityWord(String),
    /// The recommendation lacks the number of events.
    #[error("critical_recommendation must contain {{count}}")]
    MissingCount,
}

impl Policy {
    /// Checks that every engine, severity and level is covered, that numbers are in range, and that every event from
    /// `actions.min_severity` on leads to an action.
    ///
    /// # Errors
    /// The first [`PolicyError`] that is found.
    pub fn validate(&self) -> Result<(), PolicyError> {
        complete("weights", Severity::ALL, self.weights.keys())?;
        complete("levels", RiskLevel::ALL, self.levels.keys())?;
        ascending("weights", self.weights.values().copied())?;
        ascending("levels", self.levels.values().map(|from| u64::from(*from)))?;
        if self.levels.values().next() != Some(&0) {
            return Err(PolicyError::LowestLevelNotZero);
        }
        if !(1..=100).contains(&self.score_cap) {
            return Err(PolicyError::InvalidScoreCap);
        }
        if !self.critical_recommendation.contains("{count}") {
            return Err(PolicyError::MissingCount);
        }
        self.validate_categories()?;
        self.actions.validate()?;
        self.incidents.validate()?;
        self.alertmanager.validate()?;
        // Events are retained for at least 31 days, so the last event of an engine with a longer interval may have expired.
        let is_out_of_range = |rules: &EngineRules| !(0..=30 * 86_400).contains(&rules.expected_interval_seconds);
        if let Some((engine, _)) = self.engines.iter().find(|(_, rules)| is_out_of_range(rules)) {
            return Err(PolicyError::InvalidExpectedInterval(*engine));
        }
        // Events below actions.min_severity are stored and counted, but not planned for.
        if self.incidents.min_severity < self.actions.min_severity {
            return Err(PolicyError::IncidentsBelowActions);
        }
        match self.actions.first_match.last() {
            Some(ActionRule { engine: None, severity: None, event_type_prefix: None, .. }) => Ok(()),
            _ => Err(PolicyError::MissingCatchAll),
        }
    }

    fn validate_categories(&self) -> Result<(), PolicyError> {
        let mut names = BTreeSet::new();
        for category in &self.categories {
            let engines: BTreeSet<_> = category.engines.iter().collect();
            if !names.insert(&category.name) || engines.is_empty() || engines.len() != category.engines.len() {
                return Err(PolicyError::InvalidCategory(category.name.clone()));
            }
        }
        let is_scored = |engine: &Engine| self.categories.iter().any(|category| category.engines.contains(engine));
        self.engines
            .keys()
            .find(|engine| !is_scored(engine))
            .map_or(Ok(()), |engine| Err(PolicyError::UnscoredEngine(*engine)))
    }
}

impl ActionRules {
    fn validate(&self) -> Result<(), PolicyError> {
        let single = [
            self.lease_seconds,
            self.answer_within_seconds,
            self.approve_within_seconds,
            self.verify_after_seconds,
            self.repeat_after_seconds,
            self.give_up_within_seconds,
        ];
        if self.give_up_after == 0 {
            return Err(PolicyError::InvalidGiveUpAfter);
        }
        let is_message = |action: &&Action| !action.is_remediation();
        if let Some(action) = self.require_approval.iter().find(is_message) {
            return Err(PolicyError::CannotRequireApproval(*action));
        }
        if let Some(action) = self.carried_out_by.keys().find(is_message) {
            return Err(PolicyError::CarriedOutByAge(*action));
        }
        let rules = self.first_match.iter().chain(&self.also);
        if rules.into_iter().any(|rule| rule.action == Action::AutomatedGovernanceSummary) {
            return Err(PolicyError::NotAnEventAction(Action::AutomatedGovernanceSummary));
        }
        let times = single.iter().chain(&self.retry_after_seconds);
        if self.retry_after_seconds.is_empty() || times.copied().any(|seconds| seconds < 1) {
            return Err(PolicyError::InvalidActionTime);
        }
        Ok(())
    }
}

impl IncidentRules {
    /// How many e-mails of a burst are reserved for the sweep, each of which covers many incidents. Without them, many new
    /// incidents would use the whole burst for initial notifications.
    pub const EMAILS_RESERVED_FOR_SWEEP: u32 = 2;

    fn validate(&self) -> Result<(), PolicyError> {
        let times = [
            self.digest_after_seconds,
            self.remind_after_seconds,
            self.second_line_after_seconds,
            self.resolve_after_seconds,
            self.lease_seconds,
            self.email_interval_seconds,
        ];
        if self.email_burst <= Self::EMAILS_RESERVED_FOR_SWEEP {
            Err(PolicyError::InvalidEmailBurst)
        } else if times.into_iter().any(|time| time < 1) {
            Err(PolicyError::InvalidIncidentTime)
        } else if !(1..=10_000).contains(&self.max_open_per_engine) {
            Err(PolicyError::InvalidMaxOpen)
        } else {
            Ok(())
        }
    }
}

impl AlertRules {
    /// Returns a sender's word for a severity as it is compared: in lower case, without white space around it.
    pub(crate) fn normalized(word: &str) -> String {
        word.trim().to_lowercase()
    }

    fn validate(&self) -> Result<(), PolicyError> {
        let is_found = |word: &&String| !word.is_empty() && Self::normalized(word) == **word;
        match self.severities.keys().find(|word| !is_found(word)) {
            Some(word) => Err(PolicyError::InvalidSeverityWord(word.clone())),
            None => Ok(()),
        }
    }
}

fn complete<'a, T: Ord + std::fmt::Display + 'a>(
    table: &'static str,
    all: &[T],
    listed: impl Iterator<Item = &'a T>,
) -> Result<(), PolicyError> {
    let listed: BTreeSet<_> = listed.collect();
    if all.iter().all(|member| listed.contains(member)) {
        return Ok(());
    }
    let expected = all.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
    Err(PolicyError::Incomplete { table, expected })
}

fn ascending(table: &'static str, numbers: impl Iterator<Item = u64>) -> Result<(), PolicyError> {
    if numbers.is_sorted_by(|low, high| low < high) { Ok(()) } else { Err(PolicyError::NotAscending(table)) }
}
