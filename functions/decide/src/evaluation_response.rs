//! The responses of the AuthZEN API.

use age_governance::DecisionAnswer;
use age_http::{FieldError, Problem};
use age_model::{
    AccessRequestError, Decision, DecisionApproval, DecisionId, DecisionPosture, DecisionReason, PolicyHash, Timestamp,
    Verdict,
};
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::evaluation_request::{REQUEST_ID, RequestIdHeader};

/// The answer to an access evaluation (AuthZEN 1.0).
#[derive(Serialize, ToSchema)]
pub(crate) struct Evaluation {
    /// Whether the operation may run.
    decision: bool,
    context: EvaluationContext,
}

/// The context of an answer: the record of the decision, or the errors of the request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum EvaluationContext {
    Decided(Box<DecisionContext>),
    Invalid(InvalidContext),
}

/// The record of a decision.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionContext {
    /// The id of the decision, for the event of the operation and, once it is approved, for `context.decisionId`.
    id: DecisionId,
    verdict: Verdict,
    /// Why.
    reasons: Vec<DecisionReason>,
    /// The policy version that decided.
    policy_hash: PolicyHash,
    /// The state of the fleet that it was decided by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    posture: Option<DecisionPosture>,
    /// Until when the answer holds.
    expires_at: Timestamp,
    /// The approval, if the verdict is `needs_approval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    approval: Option<DecisionApproval>,
}

/// Why an evaluation of a batch is not valid.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvalidContext {
    error: EvaluationError,
}

/// The error of one evaluation.
#[derive(Serialize, ToSchema)]
pub(crate) struct EvaluationError {
    /// The status that the evaluation alone would have had.
    #[schema(schema_with = bad_request)]
    status: u16,
    /// Every field that is wrong.
    errors: Vec<FieldError>,
}

fn bad_request() -> utoipa::openapi::Object {
    age_http::contract::status_schema(&[400], "The status that the evaluation alone would have had.")
}

impl From<Decision> for Evaluation {
    fn from(decision: Decision) -> Self {
        let is_allowed = decision.is_allowed();
        let Decision { id, verdict, reasons, policy_hash, posture, expires_at, approval, .. } = decision;
        let context = DecisionContext { id, verdict, reasons, policy_hash, posture, expires_at, approval };
        Self { decision: is_allowed, context: EvaluationContext::Decided(Box::new(context)) }
    }
}

impl From<DecisionAnswer> for Evaluation {
    fn from(answer: DecisionAnswer) -> Self {
        match answer {
            DecisionAnswer::Decided(decision) => Self::from(*decision),
            DecisionAnswer::Invalid(errors) => {
                let at = |AccessRequestError { pointer, detail }| FieldError::at(pointer, detail);
                let errors = errors.into_iter().map(at).collect();
                let context = InvalidContext { error: EvaluationError { status: 400, errors } };
                Self { decision: false, context: EvaluationContext::Invalid(context) }
            }
        }
    }
}

/// Returns the response to a request with this `X-Request-ID`, which the response repeats.
pub(crate) fn respond<T: Serialize>(RequestIdHeader(id): RequestIdHeader, result: Result<T, Problem>) -> Response {
    let mut response = result.map(Json).into_response();
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
