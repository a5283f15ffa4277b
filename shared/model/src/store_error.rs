//! Why a read from or write to the store failed.

use thiserror::Error;

use crate::action::InvalidTransition;

/// A read or write of the store that failed. The text is for logs: it names tables and operations, which callers of the API
/// must not see.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The store did not respond in time, or refused the request. Nothing was written; a retry may succeed.
    #[error("{operation} on {table} failed: {cause}")]
    Unavailable {
        /// The operation, as the store names it, such as `GetItem`.
        operation: &'static str,
        /// The table.
        table: String,
        /// The error of the client library, with all its sources.
        cause: String,
    },
    /// The response to a write was lost, and reading the table did not show whether the write was applied.
    #[error("outcome of {operation} on {table} is unknown: {cause}")]
    UnknownOutcome {
        /// The operation, as the store names it, such as `PutItem`.
        operation: &'static str,
        /// The table.
        table: String,
        /// The error of the client library, with all its sources.
        cause: String,
    },
    /// Other writers changed the same rows in each of `attempts` attempts. Nothing was written.
    #[error("gave up after {attempts} conflicting attempts to write to {table}")]
    Contended {
        /// The table.
        table: String,
        /// Number of attempts.
        attempts: u32,
    },
    /// The action's status does not permit the transition, or no longer does.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// A stored row cannot be read as its type.
    #[error("corrupt row in {table}: key {key}, field {field}: {detail}")]
    Corrupt {
        /// The table.
        table: String,
        /// The row's key; parts are separated by `/`.
        key: String,
        /// The field that cannot be read; empty for the whole row.
        field: String,
        /// Why it cannot be read.
        detail: String,
    },
}

impl StoreError {
    /// Returns the error of a write whose response was lost, if reading the table showed that it was not applied.
    #[must_use]
    pub fn not_stored(self) -> Self {
        match self {
            Self::UnknownOutcome { operation, table, cause } => Self::Unavailable { operation, table, cause },
            other => other,
        }
    }
}
