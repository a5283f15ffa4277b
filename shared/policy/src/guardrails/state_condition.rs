//! Conditions on the state of the fleet, which AGE knows and callers do not supply.

use std::fmt;

use age_model::{Engine, Posture, ReasonCode, RiskLevel, Severity, format_duration};

use crate::guardrail_document::{HoldCondition, IncidentCondition, LevelCondition, RemediationCondition};
use crate::guardrails::finding::Finding;
use crate::guardrails::fleet_state::FleetState;

/// Whether all operations of an engine are on hold. Holds are current, whatever the age of the posture.
pub(crate) fn is_held(condition: &HoldCondition, state: &FleetState<'_>) -> bool {
    let holds = |hold: &age_model::Hold| {
        hold.engine == condition.engine && hold.operation.is_none() && hold.is_active(state.now)
    };
    state.holds.iter().any(holds)
}

pub(crate) fn find_level(condition: &LevelCondition, state: &FleetState<'_>) -> Finding {
    let posture = match current_posture(state) {
        Ok(posture) => posture,
        Err(unknown) => return unknown,
    };
    let category = &condition.category;
    match posture.levels.get(category) {
        // The categories are those of the policy version that was active when the posture was written.
        None => Finding::Unknown(ReasonCode::StaleState, format!("the state of the fleet has no level of {category}")),
        Some(level) if !level.is_known() || !condition.level.is_known() => {
            Finding::Unknown(ReasonCode::UnknownState, format!("the level {level} of {category} is of a later version"))
        }
        Some(level) => (*level >= condition.level).into(),
    }
}

pub(crate) fn find_incident(condition: &IncidentCondition, state: &FleetState<'_>) -> Finding {
    let posture = match current_posture(state) {
        Ok(posture) => posture,
        Err(unknown) => return unknown,
    };
    if !condition.severity.is_known() {
        return Finding::Unknown(ReasonCode::UnknownState, format!("{} is of a later version", condition.severity));
    }
    let engine = posture.engine(condition.engine.unwrap_or(state.engine));
    let incidents = if condition.unacknowledged { engine.unacknowledged_incidents } else { engine.open_incidents };
    let severe = Severity::ALL.iter().filter(|severity| **severity >= condition.severity);
    severe.into_iter().any(|severity| incidents.of(*severity) > 0).into()
}

pub(crate) fn find_remediation(condition: &RemediationCondition, state: &FleetState<'_>) -> Finding {
    let posture = match current_posture(state) {
        Ok(posture) => posture,
        Err(unknown) => return unknown,
    };
    let last = posture.engine(condition.engine.unwrap_or(state.engine)).last_ineffective_at;
    last.is_some_and(|last| state.now <= last.plus_seconds(condition.seconds)).into()
}

/// Returns the posture if guardrails may rely on it.
fn current_posture<'a>(state: &FleetState<'a>) -> Result<&'a Posture, Finding> {
    let Some(posture) = state.posture else {
        return Err(Finding::Unknown(ReasonCode::UnknownState, "the state of the fleet was never written".to_owned()));
    };
    if posture.is_current(state.now) {
        return Ok(posture);
    }
    let max = format_duration(Posture::VALID_SECONDS);
    let direction = if posture.as_of > state.now { "ahead" } else { "ago" };
    let detail = format!("the state of the fleet is of {}, more than {max} {direction}", posture.as_of);
    Err(Finding::Unknown(ReasonCode::StaleState, detail))
}

/// Returns `or above`, unless `word` is the highest.
fn or_above<T: PartialEq>(word: &T, highest: &T) -> &'static str {
    if word == highest { "" } else { " or above" }
}

fn asking(engine: Option<&Engine>) -> &str {
    engine.map_or("the asking engine", Engine::as_str)
}

impl fmt::Display for LevelCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { category, level } = self;
        write!(f, "{category} is {level}{}", or_above(level, &RiskLevel::Critical))
    }
}

impl fmt::Display for IncidentCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, unacknowledged, engine } = self;
        let kind = if *unacknowledged { "unacknowledged" } else { "open" };
        let or_above = or_above(severity, &Severity::Critical);
        write!(f, "{} has an {kind} incident of {severity}{or_above}", asking(engine.as_ref()))
    }
}

impl fmt::Display for RemediationCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, engine } = self;
        let within = format_duration(*seconds);
        write!(f, "a remediation of {} was ineffective within {within}", asking(engine.as_ref()))
    }
}
