//! Governance reports: the list, the page of one, its export, and a new one on demand.

pub(crate) mod detail;
pub(crate) mod export;
pub(crate) mod generate;
mod labels;
pub(crate) mod list;
