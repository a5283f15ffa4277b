//! Where the store and SNS meet: actions go to engines, notices about incidents to people, and what came of it on record.

mod actions;
mod escalations;

pub use actions::{Dispatcher, Tried};
pub use escalations::{Due, Escalations, Mailed};
