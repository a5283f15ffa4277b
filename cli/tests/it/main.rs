//! Tests of the command as its users see it: arguments in; output, exit code and HTTP requests out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod credentials;
mod events;
mod failures;
mod fake_age;
mod harness;
mod hostile_texts;
mod imports;
mod incidents;
mod lists;
mod policies;
mod policy_versions;
mod simulations;
