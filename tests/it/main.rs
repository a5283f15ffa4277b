//! AGE as a whole: the real routers and the real SDK clients, on a DynamoDB of each test's own.
//!
//! `world` puts a system together; the other files say what it must do. `local_aws` alone needs the deployed stack.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod world;

mod actions;
mod architecture;
mod batch;
mod browser;
mod capacity;
mod contention;
mod contract;
mod crash_histories;
mod credentials;
mod dashboard;
mod event_formats;
mod faults;
mod growth;
mod idempotency;
mod incidents;
mod listing;
mod local_aws;
mod openapi;
mod pages;
mod refusals;
mod reports;
mod rollups;
