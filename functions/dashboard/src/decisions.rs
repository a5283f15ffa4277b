//! Decisions: the list with the operations that wait for an approval, the page of one, and its approval.

pub(crate) mod approval;
pub(crate) mod detail;
mod filter;
mod guardrails;
pub(crate) mod list;
mod pending;
mod row;
mod state;

pub(crate) use pending::PendingOperations;
