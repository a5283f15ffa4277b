//! Actions: the list, the page of one, and its approval.

pub(crate) mod approval;
pub(crate) mod detail;
mod filter;
pub(crate) mod list;
