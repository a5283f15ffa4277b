//! The only crate that knows DynamoDB. Every key string is in `keys`; every table is read by key, never scanned.
//!
//! A failed read or write is a [`StoreError`]; a row that cannot be read back into its type is one too, never skipped.

mod actions;
mod backoff;
mod credentials;
mod db;
mod decisions;
mod email_rate_limiter;
mod error;
mod event_search;
mod events;
mod figures;
mod health;
mod incident_states;
mod incidents;
mod intake;
mod keys;
mod life;
mod marks;
mod packs;
mod reports;
mod rollups;
mod row;
mod shards;
mod timeline;
mod transaction;
mod weekly;

pub use actions::{Actions, OpenAction};
pub use credentials::Credentials;
pub use db::{Consistency, Db};
pub use decisions::NotDecided;
pub use email_rate_limiter::EmailRateLimiter;
pub use error::StoreError;
pub use event_search::{EventFilter, EventPage, EventSearch};
pub use events::Events;
pub use figures::figures;
pub use health::{Health, HealthStore};
pub use incident_states::{IncidentStateRecord, IncidentStates};
pub use incidents::{IncidentPage, IncidentRecord, IncidentSummary, Incidents};
pub use intake::{Decide, IncomingEvent, Intake, WriteOutcome};
pub use keys::{InvalidPosition, Position};
pub use life::{Change, Life, OnFailedRemediation};
pub use marks::NotMarked;
pub use packs::packs;
pub use reports::{ReportPage, Reports};
pub use rollups::{Freshness, Rollup, RollupSet, Rollups};
pub use timeline::IncidentTimeline;
pub use weekly::{WeeklyReport, WeeklyReports};
