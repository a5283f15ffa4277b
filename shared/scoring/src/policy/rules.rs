//! The shape of `policy.toml` and what makes one valid. The build script includes this file too.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Action, Engine, RiskLevel, Severity};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What AGE thinks of events and what it does about them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The highest score a category can have.
    pub score_cap: u32,
    /// Said when there is a CRITICAL event, with `{count}` in it.
    pub critical_recommendation: String,
    /// How people call each engine.
    pub engines: BTreeMap<Engine, EngineRules>,
    /// Points for one event of each severity.
    pub weights: BTreeMap<Severity, u64>,
    /// The score from which each level holds.
    pub levels: BTreeMap<RiskLevel, u32>,
    /// The risk categories, in the order of their recommendations.
    pub categories: Vec<Category>,
    /// Which events lead to which actions.
    pub actions: ActionRules,
    /// When and how often people are told.
    pub incidents: IncidentRules,
    /// How bad the alerts of Prometheus are.
    pub alertmanager: AlertRules,
}

/// What the policy says of one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineRules {
    /// How people call it.
    pub title: String,
    /// It reports at least so often, in seconds. 0 if it need not.
    pub expected_interval_seconds: i64,
}

/// A kind of risk, and the engines that bring it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its key in scores.
    pub name: String,
    /// Whose events count.
    pub engines: Vec<Engine>,
    /// The recommendation is made above this score, not at it.
    pub recommend_above: u32,
    /// What to do then.
    pub recommendation: String,
}

/// Which events lead to which actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRules {
    /// The least severity that is acted on.
    pub min_severity: Severity,
    /// Actions that wait for a person's approval.
    pub require_approval: BTreeSet<Action>,
    /// How long whoever sets out to hand an action over has it to itself, in seconds.
    pub lease_seconds: i64,
    /// The waits before each further try at a hand-over, in seconds.
    pub retry_after_seconds: Vec<i64>,
    /// How long a worker has to answer, in seconds.
    pub answer_within_seconds: i64,
    /// How long a responder has to approve, in seconds.
    pub approve_within_seconds: i64,
    /// How long the trouble must stay away for a remedy to have helped, in seconds.
    pub verify_after_seconds: i64,
    /// How soon the same remedy may be started beside a running one, in seconds.
    pub repeat_after_seconds: i64,
    /// How many remedies of no use are enough.
    pub give_up_after: usize,
    /// Within which time, in seconds.
    pub give_up_within_seconds: i64,
    /// The first match names the action.
    pub first_match: Vec<ActionRule>,
    /// Every match adds its action.
    pub also: Vec<ActionRule>,
}

/// How bad the alerts of Prometheus are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRules {
    /// By the label `severity`.
    pub severities: BTreeMap<String, Severity>,
    /// Without that label, or with another.
    pub otherwise: Severity,
}

/// When and how often people are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentRules {
    /// The least severity that opens an incident.
    pub min_severity: Severity,
    /// The time between two notices while more comes, in seconds.
    pub digest_after_seconds: i64,
    /// The time between two reminders, in seconds.
    pub remind_after_seconds: i64,
    /// How long the first line has to acknowledge, in seconds.
    pub second_line_after_seconds: i64,
    /// How long it must be quiet for an acknowledged incident to be over, in seconds.
    pub resolve_after_seconds: i64,
    /// How long whoever sets out to write to people has the incident to themselves, in seconds.
    pub lease_seconds: i64,
    /// The time in which one more e-mail may be sent, in seconds.
    pub email_interval_seconds: i64,
    /// How many e-mails may be sent at once.
    pub email_burst: u32,
}

/// Conditions, all of which must hold, and the action they lead to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRule {
    /// The event's engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The event's severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// How the event's type starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type_prefix: Option<String>,
    /// What to do.
    pub action: Action,
}

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A table does not list every member of its set.
    #[error("{table} must list each of {expected}")]
    Incomplete {
        /// Which table.
        table: &'static str,
        /// What it must list.
        expected: String,
    },
    /// A higher member has a lower number.
    #[error("{0} must rise with their keys")]
    NotRising(&'static str),
    /// The levels leave scores without one.
    #[error("the lowest level must begin at 0")]
    NoLowestLevel,
    /// An engine that no score would ever show.
    #[error("{0} is in no category")]
    Uncounted(Engine),
    /// Two categories of one name, or one without engines.
    #[error("category {0} must have one entry and at least one engine, each once")]
    BadCategory(String),
    /// A severe event that no rule would answer.
    #[error("the last rule of actions.first_match must have no conditions, so that every severe event has an action")]
    NoCatchAll,
    /// The cap is out of the range of a stored score.
    #[error("score_cap must be 1 to 100")]
    BadCap,
    /// A span of time that is none.
    #[error("the times of actions must be at least a second, and retry_after_seconds must not be empty")]
    BadTime,
    /// A span of time that is none, or no e-mail ever.
    #[error("the times of incidents must be at least 1 s, email_burst at least 3, and each cadence 0 to 30 days")]
    BadIncidents,
    /// People would be told of what nothing is done about.
    #[error("incidents.min_severity must not be below actions.min_severity")]
    UnseenIncidents,
    /// No remedy would ever be started.
    #[error("give_up_after must be at least 1")]
    NeverActs,
    /// A message to people that would wait for people.
    #[error("{0} is AGE's own message; it cannot need approval")]
    NotForApproval(Action),
    /// An action that no event leads to.
    #[error("{0} is not for events")]
    NotForEvents(Action),
    /// The count would not be said.
    #[error("critical_recommendation must hold {{count}}")]
    NoCount,
}

impl Policy {
    /// Whether every engine, severity and level is covered and every severe event gets an action.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), PolicyError> {
        complete("engines", Engine::ALL, self.engines.keys())?;
        complete("weights", Severity::ALL, self.weights.keys())?;
        complete("levels", RiskLevel::ALL, self.levels.keys())?;
        rising("weights", self.weights.values().copied())?;
        rising("levels", self.levels.values().map(|from| u64::from(*from)))?;
        if self.levels.values().next() != Some(&0) {
            return Err(PolicyError::NoLowestLevel);
        }
        if !(1..=100).contains(&self.score_cap) {
            return Err(PolicyError::BadCap);
        }
        if !self.critical_recommendation.contains("{count}") {
            return Err(PolicyError::NoCount);
        }
        self.validate_categories()?;
        self.actions.validate()?;
        self.incidents.validate()?;
        // Events are kept for 31 days at least: a longer silence could not be told from their absence.
        if self.engines.values().any(|engine| !(0..=30 * 86_400).contains(&engine.expected_interval_seconds)) {
            return Err(PolicyError::BadIncidents);
        }
        // Events below it are not looked at for anything.
        if self.incidents.min_severity < self.actions.min_severity {
            return Err(PolicyError::UnseenIncidents);
        }
        match self.actions.first_match.last() {
            Some(ActionRule { engine: None, severity: None, event_type_prefix: None, .. }) => Ok(()),
            _ => Err(PolicyError::NoCatchAll),
        }
    }

    fn validate_categories(&self) -> Result<(), PolicyError> {
        let mut names = BTreeSet::new();
        for category in &self.categories {
            let engines: BTreeSet<_> = category.engines.iter().collect();
            if !names.insert(&category.name) || engines.is_empty() || engines.len() != category.engines.len() {
                return Err(PolicyError::BadCategory(category.name.clone()));
            }
        }
        let counted = |engine: &Engine| self.categories.iter().any(|category| category.engines.contains(engine));
        Engine::ALL.iter().find(|engine| !counted(engine)).map_or(Ok(()), |engine| Err(PolicyError::Uncounted(*engine)))
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
            return Err(PolicyError::NeverActs);
        }
        let of_ours = |action: &&Action| !action.is_remediation();
        if let Some(action) = self.require_approval.iter().find(of_ours) {
            return Err(PolicyError::NotForApproval(*action));
        }
        let rules = self.first_match.iter().chain(&self.also);
        if rules.into_iter().any(|rule| rule.action == Action::AutomatedGovernanceSummary) {
            return Err(PolicyError::NotForEvents(Action::AutomatedGovernanceSummary));
        }
        let times = single.iter().chain(&self.retry_after_seconds);
        if self.retry_after_seconds.is_empty() || times.copied().any(|seconds| seconds < 1) {
            return Err(PolicyError::BadTime);
        }
        Ok(())
    }
}

impl IncidentRules {
    /// How many e-mails of a burst are not for first notices: in a storm of new incidents those alone would use all there
    /// are, and the sweep, whose e-mails speak of many, could not send any.
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
        if self.email_burst <= Self::EMAILS_RESERVED_FOR_SWEEP || times.into_iter().any(|time| time < 1) {
            Err(PolicyError::BadIncidents)
        } else {
            Ok(())
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

fn rising(table: &'static str, numbers: impl Iterator<Item = u64>) -> Result<(), PolicyError> {
    if numbers.is_sorted_by(|low, high| low < high) { Ok(()) } else { Err(PolicyError::NotRising(table)) }
}
