//! Errors of the AWS SDK as [`StoreError`].

use age_model::StoreError;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext, SdkError};

/// Returns the error of a read that failed.
pub(crate) fn read_failed<E, R>(operation: &'static str, table: &str, error: SdkError<E, R>) -> StoreError
where
    SdkError<E, R>: std::error::Error,
{
    let cause = DisplayErrorContext(&error).to_string();
    StoreError::Unavailable { operation, table: table.to_owned(), cause }
}

/// Returns the error of a write that failed. The outcome of the write is unknown unless DynamoDB itself refused it: an earlier
/// attempt of the SDK may have been applied.
pub(crate) fn write_failed<E, R>(operation: &'static str, table: &str, error: SdkError<E, R>) -> StoreError
where
    SdkError<E, R>: std::error::Error,
{
    let refused = matches!(error, SdkError::ServiceError(_) | SdkError::ConstructionFailure(_));
    let (table, cause) = (table.to_owned(), DisplayErrorContext(&error).to_string());
    if refused {
        StoreError::Unavailable { operation, table, cause }
    } else {
        StoreError::UnknownOutcome { operation, table, cause }
    }
}

/// Returns the request, or the error that names the required field it lacks.
pub(crate) fn built<T>(table: &str, request: Result<T, BuildError>) -> Result<T, StoreError> {
    request.map_err(|error| StoreError::Unavailable {
        operation: "building a request",
        table: table.to_owned(),
        cause: error.to_string(),
    })
}
