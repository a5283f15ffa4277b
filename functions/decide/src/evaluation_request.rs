//! The bodies of evaluation requests, and who asks.

use std::collections::BTreeMap;

use age_governance::RequestedDecision;
use age_http::{AnyBody, Caller, Fields, Problem};
use age_model::{AccessRequest, AccessRequestError, Engine};
use age_policy::ActivePolicy;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The header in which a caller names its request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The parts of an evaluation.
const PARTS: [&str; 4] = ["subject", "action", "resource", "context"];

/// The type of a subject that is an engine.
const ENGINE: &str = "engine";

/// The bytes of a body that must be JSON; anything else is a 400.
pub(crate) struct EvaluationBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for EvaluationBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let body = <AnyBody>::from_request(request, &()).await.map_err(Problem::into_bad_request)?;
        if body.is_json() { Ok(Self(body.bytes)) } else { Err(Problem::not_json().into_bad_request()) }
    }
}

/// The `X-Request-ID` of a request, which the response repeats.
pub(crate) struct RequestIdHeader(pub(crate) Option<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for RequestIdHeader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(parts.headers.get(REQUEST_ID).cloned()))
    }
}

impl RequestIdHeader {
    /// Returns the text. A value that is no text still differs from every other one.
    pub(crate) fn text(&self) -> Option<String> {
        let value = self.0.as_ref()?;
        Some(value.to_str().map_or_else(|_| format!("{value:?}"), str::to_owned))
    }
}

/// The raw parts of an evaluation, or of the default values of a batch.
pub(crate) type RawParts = BTreeMap<String, Box<RawValue>>;

/// Takes the parts of an evaluation out of `fields`. Fields that AGE does not know are ignored.
///
/// # Errors
/// 400 if a part is given twice.
pub(crate) fn parts(mut fields: Fields) -> Result<RawParts, Problem> {
    fields.ignore_unknown();
    let read: Result<Vec<_>, _> = PARTS.map(|name| fields.raw(name).map(|value| (name, value))).into_iter().collect();
    let read = fields.finish(read).map_err(Problem::into_bad_request)?;
    Ok(read.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Returns the request of the evaluation `parts` with these `defaults`, and the engine whose operation it is.
pub(crate) fn requested(
    parts: &RawParts,
    defaults: &RawParts,
    caller: &Caller,
    active: &ActivePolicy,
) -> RequestedDecision {
    let request = AccessRequest::parse(&borrowed(parts), &borrowed(defaults))?;
    request.decision_id().map_err(|error| vec![error])?;
    let engine = engine(&request, caller, active).map_err(|error| vec![error])?;
    Ok((engine, request))
}

fn borrowed(parts: &RawParts) -> BTreeMap<String, &RawValue> {
    parts.iter().map(|(name, value)| (name.clone(), &**value)).collect()
}

/// Returns the engine that asks: the one that the credential is bound to or, if there are several, the one that the context names.
fn engine(request: &AccessRequest, caller: &Caller, active: &ActivePolicy) -> Result<Engine, AccessRequestError> {
    let refused = |pointer: &str, detail: String| AccessRequestError { pointer: pointer.to_owned(), detail };
    let mut bound = caller.grant.engines.iter().copied();
    let engine = match (request.engine()?, bound.next(), bound.next()) {
        (Some(named), ..) if caller.grant.may_act_for(named) => named,
        (Some(named), ..) => {
            let detail = format!("must be an engine of the credential {}; got \"{named}\"", caller.kid);
            return Err(refused("/context/engine", detail));
        }
        (None, Some(engine), None) => engine,
        (None, ..) => {
            let detail = format!("is required, because the credential {} is not bound to one engine", caller.kid);
            return Err(refused("/context/engine", detail));
        }
    };
    active.require_engine(engine).map_err(|unknown| refused("/context/engine", unknown.to_string()))?;
    if request.subject.kind == ENGINE && request.subject.id != engine.as_str() {
        let detail = format!("must be the engine that asks, \"{engine}\", because the type is {ENGINE}");
        return Err(refused("/subject/id", detail));
    }
    Ok(engine)
}

/// A request for an access evaluation (AuthZEN 1.0). Other fields are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) struct EvaluationRequest {
    /// The person or system that wants to act. A subject of type `engine` is the engine that asks.
    subject: EvaluationEntity,
    /// The operation.
    action: EvaluationAction,
    /// The object of the operation.
    resource: EvaluationEntity,
    /// The circumstances. A caller of several engines names the one that asks in `engine`. `decisionId` names an approved decision.
    #[schema(value_type = Option<Object>, nullable = false)]
    context: Option<()>,
}

/// A subject or a resource.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) struct EvaluationEntity {
    #[schema(min_length = 1, max_length = 1024)]
    r#type: String,
    #[schema(min_length = 1, max_length = 1024)]
    id: String,
    #[schema(value_type = Option<Object>, nullable = false)]
    properties: Option<()>,
}

/// An operation.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) struct EvaluationAction {
    #[schema(min_length = 1, max_length = 1024)]
    name: String,
    #[schema(value_type = Option<Object>, nullable = false)]
    properties: Option<()>,
}

/// A request for several access evaluations (AuthZEN 1.0). Other fields are ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) struct BatchRequest {
    /// The subject of each evaluation that has none.
    #[schema(nullable = false)]
    subject: Option<EvaluationEntity>,
    /// The action of each evaluation that has none.
    #[schema(nullable = false)]
    action: Option<EvaluationAction>,
    /// The resource of each evaluation that has none.
    #[schema(nullable = false)]
    resource: Option<EvaluationEntity>,
    /// The context of each evaluation that has none.
    #[schema(value_type = Option<Object>, nullable = false)]
    context: Option<()>,
    /// The evaluations. Without any, the request is a single evaluation.
    #[schema(max_items = 50, nullable = false)]
    evaluations: Option<Vec<BatchItem>>,
    #[schema(nullable = false)]
    options: Option<BatchOptions>,
}

/// An evaluation of a batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) struct BatchItem {
    #[schema(nullable = false)]
    subject: Option<EvaluationEntity>,
    #[schema(nullable = false)]
    action: Option<EvaluationAction>,
    #[schema(nullable = false)]
    resource: Option<EvaluationEntity>,
    #[schema(value_type = Option<Object>, nullable = false)]
    context: Option<()>,
}

/// Options of a batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) struct BatchOptions {
    /// How many evaluations are executed: all, those up to the first that is denied, or those up to the first that is permitted.
    #[schema(nullable = false, default = "execute_all")]
    evaluations_semantic: Option<EvaluationsSemantic>,
}

/// How many evaluations of a batch are executed.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the reader above gives precise errors; this is its schema")]
pub(crate) enum EvaluationsSemantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}
