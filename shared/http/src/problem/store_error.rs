//! The problems of errors of the store, without the store's internals.

use age_model::{CommandError, StoreError};
use axum::http::StatusCode;

use super::Problem;
use crate::problem_code::ProblemCode;

impl From<StoreError> for Problem {
    /// Logs the error of the store, which may name tables and keys, and returns a problem that does not.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::InvalidTransition(error) => tracing::info!(%error, "refused a status transition: {error}"),
            failed => tracing::error!(error = %failed, "store request failed: {failed}"),
        }
        match error {
            StoreError::Unavailable { .. } => Self::unavailable("service unavailable; nothing was stored, retry later"),
            StoreError::Contended { .. } => {
                Self::unavailable("too many concurrent writes; nothing was stored, retry later")
            }
            StoreError::UnknownOutcome { .. } => Self {
                code: ProblemCode::UnknownOutcome,
                ..Self::unavailable(
                    "write outcome unknown; retrying is safe, for an event with the same Idempotency-Key",
                )
            },
            StoreError::InvalidTransition(error) => Self::conflict(error.to_string()),
            StoreError::Corrupt { .. } => {
                let code = ProblemCode::CorruptData;
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, "stored data is corrupt; retrying will not help")
            }
        }
    }
}

impl<C: std::fmt::Display> From<CommandError<C>> for Problem {
    fn from(error: CommandError<C>) -> Self {
        match error {
            CommandError::Conflict(conflict) => Self::conflict(conflict.to_string()),
            CommandError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_of_a_store_error_has_no_internals() {
        let error =
            StoreError::Unavailable { operation: "Query", table: "secret-table".into(), cause: "secret".into() };
        let problem = Problem::from(error);
        assert_eq!((problem.status, problem.retry_after), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
        assert!(!format!("{problem:?}").contains("secret"));
        let corrupt = StoreError::Corrupt { table: "t".into(), key: "k".into(), field: "f".into(), detail: "d".into() };
        assert_eq!(Problem::from(corrupt).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
