//! The only crate that knows DynamoDB. Every key string is in `keys`; every table is read by key, never scanned.
//!
//! A failed read or write is a [`StoreError`]; a row that cannot be read back into its type is one too, never skipped.

mod actions;
mod backoff;
mod credentials;
mod db;
mod decisions;
mod error;
mod events;
mod figures;
mod health;
mod incidents;
mod intake;
mod keys;
mod life;
mod listing;
mod mailer;
mod marks;
mod packs;
mod reports;
mod rollups;
mod row;
mod shards;
mod story;
mod transaction;
mod watches;
mod weekly;

pub use actions::{Actions, Unended};
pub use credentials::Credentials;
pub use db::{Consistency, Db};
pub use decisions::NotDecided;
pub use error::StoreError;
pub use events::Events;
pub use figures::figures;
pub use health::{Health, HealthRecord};
pub use incidents::{IncidentPage, Incidents, Known, Listed};
pub use intake::{Arriving, Decide, Intake, Recorded};
pub use keys::{NotAPosition, Position};
pub use life::{Change, Life, OnAlarm};
pub use listing::{EventFilter, EventPage, Listing};
pub use mailer::Mailer;
pub use marks::NotMarked;
pub use packs::packs;
pub use reports::{ReportPage, Reports};
pub use rollups::{Counted, Freshness, Rollup, Rollups};
pub use story::Story;
pub use watches::{Kept, Watches};
pub use weekly::{WeeklyReport, WeeklyReports};
