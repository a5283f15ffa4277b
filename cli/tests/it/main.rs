//! Tests of the command as its users see it: arguments in; output, exit code and HTTP requests out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod actions;
mod channels;
mod checks;
mod credentials;
mod decisions;
mod emails;
mod events;
mod failures;
mod fake_age;
mod guardrails;
mod harness;
mod holds;
mod hostile_texts;
mod imports;
mod incident_show;
mod incidents;
mod list_modes;
mod lists;
mod packaging;
mod policies;
mod policy_versions;
mod report_exports;
mod shadows;
mod simulations;
