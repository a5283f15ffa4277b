//! The common ground of all tables: the connection, keys, rows and transactions.

pub(crate) mod attribute;
pub(crate) mod backoff;
pub(crate) mod client;
pub(crate) mod due_index;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod keys;
pub(crate) mod merge;
pub(crate) mod query_filter;
pub(crate) mod row;
pub(crate) mod sort_key_range;
pub(crate) mod transaction;
pub(crate) mod update;
pub(crate) mod user_agent;
