//! Scoring: scores, levels, recommendations and reports, computed from counts and the policy. Pure: no I/O, no clock of its own.

mod next_steps;
mod report;
mod risk_assessment;
pub mod simulation;

pub use report::report;
pub use risk_assessment::{Assessment, severity_weight};
