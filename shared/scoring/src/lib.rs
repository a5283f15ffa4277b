//! What the policy makes of counts and events. Pure: the same input gives the same answer, and nothing is read.

mod actions;
mod assessment;
mod incidents;
mod policy;
mod report;

pub use actions::plan;
pub use assessment::{Assessment, severity_weight};
pub use incidents::{NextStep, acknowledge, resolve};
pub use policy::{
    ActionRule, ActionRules, AlertRules, Category, EngineRules, IncidentRules, Policy, PolicyError, Unreadable,
};
pub use report::report;
