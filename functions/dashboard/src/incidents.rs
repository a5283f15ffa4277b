//! Incidents: the list and its filter, the page of one, and changes of one or many.

pub(crate) mod change;
pub(crate) mod detail;
mod engine_counts;
mod filter;
pub(crate) mod list;
pub(crate) mod resolve_all;

pub(crate) use engine_counts::{EngineCount, count_by_engine};
pub(crate) use filter::{IncidentFilterForm, StatusFilter};
