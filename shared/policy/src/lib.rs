//! The policy: its document and validation, the actions that it plans for an event, and the timing of incidents.
//!
//! Pure: no I/O, no clock; the same input gives the same output.

mod action_difference;
mod action_planning;
mod action_steps;
mod active_policy;
mod alert_resolution;
mod approval_timing;
mod bounds;
mod canonical_json;
mod compiled;
mod decision_document;
mod decision_steps;
mod decision_validation;
mod difference;
mod document;
mod document_schema;
mod engine_difference;
mod engine_names;
mod event_decisions;
mod gathering;
mod guardrail_difference;
mod guardrail_document;
mod guardrail_validation;
mod guardrails;
mod heartbeats;
mod incident_changes;
mod incident_steps;
mod incident_timing;
mod ineffective_remediations;
mod json_text;
mod key_change;
mod key_decision;
mod lookalikes;
mod lookup;
mod permits;
mod policy_change;
mod policy_path;
mod reader;
mod refused_notifications;
mod repeats;
mod reported_operations;
mod rule_validation;
mod schema;
mod setting_difference;
#[cfg(feature = "toml")]
mod toml_text;
mod unique_name;
mod validation;

pub use action_planning::{Plan, plan};
pub use action_steps::{ActionStep, decided, dispatched};
pub use active_policy::{ActivePolicy, UnknownEngine};
pub use alert_resolution::Resolution;
pub use approval_timing::{ApprovalState, ApprovalStep, PendingApproval};
pub use bounds::LEASE_SECONDS;
pub use compiled::CompiledPolicyError;
pub use decision_document::{DecisionRules, HoldRule, OnUnavailable};
pub use decision_steps::DecisionStep;
pub use difference::difference;
pub use document::{ActionRule, ActionRules, AlertRules, Category, EngineRules, IncidentRules, OnResolved, Policy};
pub use event_decisions::{EventRole, count_opened, decide};
pub use gathering::{gather, is_gathered};
pub use guardrail_difference::guardrail_effect;
pub use guardrail_document::{
    FieldCondition, FieldValue, Guardrail, HoldCondition, IncidentCondition, LevelCondition, RemediationCondition,
    RequestConditions, StateConditions,
};
pub use guardrails::record_evaluation::{RecordedEvaluation, RecordedRequest, UnrecordedInput, evaluate_recorded};
pub use guardrails::{
    ConditionExplanation, Evaluation, FleetState, MatchResult, RecordedCondition, RecordedMatch, RecordedRule,
    RuleExplanation, evaluate, explain, explain_recorded,
};
pub use heartbeats::{Heartbeat, resolved_by_person};
pub use incident_changes::{IncidentCommand, can_be_reopened, change_incident, resolve};
pub use incident_steps::{StepResult, notified_counts};
pub use incident_timing::NextStep;
pub use key_change::{KeyChange, counter_change, firing_alerts_change};
pub use key_decision::KeyDecision;
pub use lookalikes::skeleton;
pub use lookup::AlertSeverity;
pub use permits::{PermitCheck, ReportedOperation};
pub use policy_change::{PolicyChange, PolicyDifference};
pub use policy_path::{PolicyError, PolicyPath};
pub use schema::schema;
#[cfg(feature = "toml")]
pub use toml_text::toml_to_json;
