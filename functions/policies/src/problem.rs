//! Problems of these routes.

use age_governance::{PolicyDocument, PolicyReadError};
use age_http::Problem;
use age_model::StoreError;
use axum::Json;

use crate::app::Inner;
use crate::policy_view::PolicyView;

/// The response to a lost write.
const UNKNOWN_OUTCOME: &str = "write outcome unknown; retrying the same request is safe";

/// Returns the problem of a read.
pub(crate) fn read_problem(error: PolicyReadError) -> Problem {
    match error {
        PolicyReadError::NotFound(_) => Problem::not_found(error.to_string()),
        PolicyReadError::Store(error) => error.into(),
    }
}

/// Returns the problem of a write.
pub(crate) fn write_problem(error: StoreError) -> Problem {
    let is_unknown = matches!(error, StoreError::UnknownOutcome { .. });
    let problem = Problem::from(error);
    if is_unknown { problem.with_detail(UNKNOWN_OUTCOME) } else { problem }
}

impl Inner {
    /// Returns the response with a policy version.
    pub(crate) fn view(&self, document: PolicyDocument) -> Result<Json<PolicyView>, Problem> {
        let hash = document.version.hash;
        let view = PolicyView::new(document, self.clock.now());
        Ok(Json(view.map_err(|error| self.policies.corrupt_document(&hash, &error))?))
    }
}
