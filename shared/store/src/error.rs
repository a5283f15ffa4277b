//! What can go wrong with the store.

use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use thiserror::Error;

/// The store did not do what was asked. The text is for logs; callers of AGE never see it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Nobody answered, or not in time, or only with a refusal: trying again later may help.
    #[error("{operation} on {table} failed: {cause}")]
    Unavailable {
        /// The DynamoDB operation.
        operation: &'static str,
        /// The table asked.
        table: String,
        /// What the SDK said, down to the root.
        cause: String,
    },
    /// Others kept writing the same items for as long as we tried. Nothing was stored.
    #[error("gave up after {attempts} conflicting attempts on {table}")]
    Contended {
        /// The table written to.
        table: String,
        /// How many times.
        attempts: u32,
    },
    /// A stored row does not say what its type needs.
    #[error("corrupt row in {table}: key {key}, field {field}: {detail}")]
    Corrupt {
        /// Where it stands.
        table: String,
        /// Which row.
        key: String,
        /// Which field.
        field: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl StoreError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        !matches!(self, Self::Corrupt { .. })
    }

    pub(crate) fn unavailable<E, R>(operation: &'static str, table: &str, error: SdkError<E, R>) -> Self
    where
        E: std::error::Error + 'static,
        R: std::fmt::Debug,
        SdkError<E, R>: std::error::Error,
    {
        let cause = DisplayErrorContext(&error).to_string();
        Self::Unavailable { operation, table: table.to_owned(), cause }
    }
}
