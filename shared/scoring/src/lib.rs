//! Scoring: scores, levels, recommendations and reports, computed from counts and the policy. Pure: no I/O, no clock of its own.

mod assessment;
mod report;

pub use assessment::{Assessment, severity_weight};
pub use report::report;
