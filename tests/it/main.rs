//! Integration tests: the real routers and SDK clients, on a separate DynamoDB for each test.
//!
//! `world` builds the system under test. `local_aws` needs a running stack; all other tests run in this process.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod world;

mod actions;
mod admin_changes;
mod alert_lifecycles;
mod architecture;
mod batch;
mod browser;
mod calls_of_aws;
mod capacity;
mod channel_formats;
mod channels;
mod contention;
mod contract;
mod crash_histories;
mod credential_expiry;
mod credentials;
mod dashboard;
mod decision_pages;
mod decisions;
mod depth;
mod event_formats;
mod faults;
mod forward_compatibility;
mod growth;
mod history_export;
mod hold_pages;
mod holds;
mod idempotency;
mod incident_changes;
mod incident_policy_versions;
mod incidents;
mod intake;
mod isolation;
mod list_filters;
mod listing;
mod local_aws;
mod many_event_types;
mod notifications;
mod openapi;
mod opened_by;
mod origin_verification;
mod own_events;
mod page_filters;
mod pages;
mod paths;
mod policies;
mod policy_page;
mod policy_simulation;
mod posture;
mod refusals;
mod repeats;
mod reports;
mod request_bodies;
mod request_log;
mod response_sizes;
mod rollups;
mod sessions;
mod simulation_jobs;
mod simulation_page;
mod storm;
mod strangers;
mod unreadable_policy;
