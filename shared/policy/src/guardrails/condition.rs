//! The conditions of a guardrail, each on its own: how people read it, and what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use age_model::{AccessRequest, Engine};

use crate::guardrail_document::{
    FieldCondition, Guardrail, HoldCondition, IncidentCondition, LevelCondition, RemediationCondition,
};
use crate::guardrails::field_condition::{Field, FieldTest, Part};
use crate::guardrails::finding::Finding;
use crate::guardrails::fleet_state::FleetState;
use crate::guardrails::state_condition;

/// One condition of a guardrail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition<'a> {
    Engines(&'a BTreeSet<Engine>),
    Field(Field<'a>, FieldTest<'a>),
    Held(&'a HoldCondition),
    Level(&'a LevelCondition),
    Incident(&'a IncidentCondition),
    Remediation(&'a RemediationCondition),
}

/// Returns the conditions of `guardrail`, those that read the posture last.
pub(crate) fn conditions(guardrail: &Guardrail) -> impl Iterator<Item = Condition<'_>> {
    let Guardrail { engines, request, state, .. } = guardrail;
    let engines = (!engines.is_empty()).then_some(Condition::Engines(engines));
    let parts = [
        (Part::Subject, &request.subject),
        (Part::Action, &request.action),
        (Part::Resource, &request.resource),
        (Part::Context, &request.context),
    ];
    let state = [
        state.held.as_ref().map(Condition::Held),
        state.at_level.as_ref().map(Condition::Level),
        state.open_incident.as_ref().map(Condition::Incident),
        state.ineffective_within.as_ref().map(Condition::Remediation),
    ];
    let fields = parts.into_iter().flat_map(|(part, fields)| field_conditions(part, fields));
    engines.into_iter().chain(fields).chain(state.into_iter().flatten())
}

fn field_conditions(part: Part, fields: &BTreeMap<String, FieldCondition>) -> impl Iterator<Item = Condition<'_>> {
    fields.iter().flat_map(move |(path, condition)| {
        let field = Field { part, path };
        FieldTest::all(condition).map(move |test| Condition::Field(field, test))
    })
}

impl Condition<'_> {
    /// Whether the condition reads the posture.
    pub(crate) const fn reads_posture(&self) -> bool {
        matches!(self, Self::Level(_) | Self::Incident(_) | Self::Remediation(_))
    }

    /// Evaluates the condition.
    pub(crate) fn find(&self, request: &AccessRequest, state: &FleetState<'_>) -> Finding {
        match self {
            Self::Engines(engines) => engines.contains(&state.engine).into(),
            Self::Field(field, test) => field.test(request, test),
            Self::Held(condition) => state_condition::is_held(condition, state).into(),
            Self::Level(condition) => state_condition::find_level(condition, state),
            Self::Incident(condition) => state_condition::find_incident(condition, state),
            Self::Remediation(condition) => state_condition::find_remediation(condition, state),
        }
    }

    /// Returns what the request or the state has, if that is a value.
    pub(crate) fn found(&self, request: &AccessRequest, state: &FleetState<'_>) -> Option<String> {
        match self {
            Self::Engines(_) => Some(format!("engine is {}", state.engine)),
            Self::Field(field, _) => Some(field.found(request)),
            Self::Level(LevelCondition { category, .. }) => {
                let level = state.posture?.levels.get(category)?;
                Some(format!("{category} is {level}"))
            }
            Self::Held(_) | Self::Incident(_) | Self::Remediation(_) => None,
        }
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engines(engines) => {
                let names: Vec<_> = engines.iter().map(Engine::as_str).collect();
                let one_of = if names.len() == 1 { "" } else { "one of " };
                write!(f, "engine is {one_of}{}", names.join(", "))
            }
            Self::Field(field, test) => write!(f, "{field} {test}"),
            Self::Held(HoldCondition { engine }) => write!(f, "{engine} is on hold"),
            Self::Level(condition) => condition.fmt(f),
            Self::Incident(condition) => condition.fmt(f),
            Self::Remediation(condition) => condition.fmt(f),
        }
    }
}
