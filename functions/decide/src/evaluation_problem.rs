//! The problems of the AuthZEN API, which has 400 where the rest of AGE has 415 and 422.

use age_governance::DecisionError;
use age_http::{FieldError, Problem};
use age_model::{AccessRequestError, StoreError};

/// Returns the problem of requests that cannot be decided. Nothing is allowed.
pub(crate) fn undecided(error: DecisionError) -> Problem {
    match error {
        DecisionError::Store(error @ StoreError::UnknownOutcome { .. }) => Problem::from(error)
            .with_detail("write outcome unknown, nothing is allowed; a repeat with the same X-Request-ID is safe"),
        DecisionError::Store(error) => {
            tracing::error!(%error, "a decision cannot be recorded: {error}");
            Problem::unavailable("the decision cannot be recorded, nothing is allowed; retry later")
        }
        DecisionError::PolicyUnreadable(error) => {
            tracing::error!(%error, "no decision, because the active policy cannot be read: {error}");
            Problem::unavailable("the active policy cannot be read, nothing is allowed; retry later")
        }
        DecisionError::StateUnreadable(error) => {
            tracing::error!(%error, "no decision, because the posture and the holds cannot be read: {error}");
            Problem::unavailable("the state of the fleet cannot be read, nothing is allowed; retry later")
        }
    }
}

/// Returns the 400 of a request that is not valid.
pub(crate) fn invalid(errors: Vec<AccessRequestError>) -> Problem {
    let errors = errors.into_iter().map(|AccessRequestError { pointer, detail }| FieldError::at(pointer, detail));
    Problem::invalid(errors.collect()).into_bad_request()
}
