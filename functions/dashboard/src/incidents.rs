//! Incidents: the list, the page of one, and its status changes.

pub(crate) mod change;
pub(crate) mod detail;
pub(crate) mod list;
