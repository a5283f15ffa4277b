//! Why a command that changes a record was not carried out.

use thiserror::Error;

use crate::store_error::StoreError;

/// A command was refused because of the record's current state, or could not be stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommandError<C> {
    /// The record's current state does not permit the command. The text may be shown to the caller.
    #[error(transparent)]
    Conflict(C),
    /// The record could not be read or written.
    #[error(transparent)]
    Store(StoreError),
}

impl<C> From<StoreError> for CommandError<C> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
