//! The only crate that knows DynamoDB. Every key string is in `keys`; every table is read by key, never scanned.
//!
//! A failed read or write is a [`StoreError`]; a row that cannot be read back into its type is one too, never skipped.

mod actions;
mod backoff;
mod db;
mod error;
mod events;
mod intake;
mod keys;
mod life;
mod listing;
mod reports;
mod rollups;
mod row;
mod shards;
mod transaction;
mod watches;
mod weekly;

pub use actions::Actions;
pub use db::{Consistency, Db};
pub use error::StoreError;
pub use events::Events;
pub use intake::{Decide, Intake, Recorded};
pub use keys::{NotAPosition, Position};
pub use life::Life;
pub use listing::{EventFilter, EventPage, Listing};
pub use reports::{ReportPage, Reports};
pub use rollups::{Rollup, Rollups};
pub use watches::Watches;
pub use weekly::{WeeklyReport, WeeklyReports};
