//! The commands, one module for each group.

pub(crate) mod credential;
pub(crate) mod event;
pub(crate) mod event_import;
pub(crate) mod incident;
mod incident_bulk;
pub(crate) mod policy;
pub(crate) mod report;
