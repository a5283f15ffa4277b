//! Events: the list, its export as CSV, and the page of one.

pub(crate) mod detail;
pub(crate) mod export;
mod filter_form;
pub(crate) mod list;
