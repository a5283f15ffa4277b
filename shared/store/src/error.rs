//! What can go wrong with the store.

use age_model::InvalidTransition;
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
    /// A write whose answer was lost, and the table would not say either: it is stored, or it is not.
    #[error("it is not known whether {operation} on {table} was done: {cause}")]
    Unknown {
        /// The DynamoDB operation.
        operation: &'static str,
        /// The table written to.
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
    /// The thing is no longer where the move begins, or the move does not exist.
    #[error(transparent)]
    Illegal(#[from] InvalidTransition),
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
    /// A read that failed.
    pub(crate) fn unavailable<E, R>(operation: &'static str, table: &str, error: SdkError<E, R>) -> Self
    where
        SdkError<E, R>: std::error::Error,
    {
        let cause = DisplayErrorContext(&error).to_string();
        Self::Unavailable { operation, table: table.to_owned(), cause }
    }

    /// A write that failed: not done if DynamoDB says so, else not known, for an earlier try of the SDK may have come through.
    pub(crate) fn unwritten<E, R>(operation: &'static str, table: &str, error: SdkError<E, R>) -> Self
    where
        SdkError<E, R>: std::error::Error,
    {
        let refused = matches!(error, SdkError::ServiceError(_) | SdkError::ConstructionFailure(_));
        let (table, cause) = (table.to_owned(), DisplayErrorContext(&error).to_string());
        if refused { Self::Unavailable { operation, table, cause } } else { Self::Unknown { operation, table, cause } }
    }
}
