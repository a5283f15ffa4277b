//! `POST /access/v1/evaluations`: decides on several operations together.

use std::collections::BTreeSet;

use age_governance::{BatchSemantics, DecisionBatch, RequestedDecision};
use age_http::{Caller, FieldError, Fields, Problem};
use age_model::{AccessRequest, AccessRequestError, Decision, Engine};
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::{App, Inner};
use crate::evaluate::decide_one;
use crate::evaluation_problem::{invalid, undecided};
use crate::evaluation_request::{BatchRequest, EvaluationBody, RawParts, RequestIdHeader, parts, requested};
use crate::evaluation_response::{Evaluation, respond};

/// The answers to a batch, or the one answer to a request without `evaluations`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchResponse {
    /// The answers, in the order of the evaluations; fewer, if `evaluations_semantic` ends the batch before.
    Batch(Evaluations),
    /// The answer.
    Single(Evaluation),
}

/// The answers to a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct Evaluations {
    evaluations: Vec<Evaluation>,
}

/// Decide whether several operations may run
///
/// Decides on up to 50 operations, which are recorded together. The top-level `subject`, `action`, `resource` and `context` are the
/// defaults of each evaluation. An evaluation that is not valid is answered with `decision` false and its errors. Without `evaluations`,
/// the request and the response are those of a single evaluation.
#[utoipa::path(
    post,
    path = "/access/v1/evaluations",
    operation_id = "evaluate_batch", tag = "Decisions",
    params(("X-Request-ID" = Option<String>, Header, description = "The caller's id of the request, which the response repeats")),
    request_body = BatchRequest,
    responses((status = 200, description = "The decisions", body = BatchResponse)),
)]
pub(crate) async fn evaluate_batch(
    State(App(app)): State<App>,
    caller: Caller,
    request_id: RequestIdHeader,
    body: Result<EvaluationBody, Problem>,
) -> Response {
    let result = match body {
        Ok(EvaluationBody(body)) => evaluations(&app, caller, &request_id, &body).await,
        Err(problem) => Err(problem),
    };
    respond(request_id, result)
}

async fn evaluations(
    app: &Inner,
    caller: Caller,
    request_id: &RequestIdHeader,
    body: &[u8],
) -> Result<BatchResponse, Problem> {
    let mut fields = Fields::parse(body).map_err(Problem::into_bad_request)?;
    let (items, options) = (fields.raw("evaluations"), fields.raw("options"));
    let defaults = parts(fields)?;
    let (Ok(items), Ok(options)) = (items, options) else { return Err(Problem::bad_request("a field is given twice")) };
    let items = items.map_or_else(|| Ok(Vec::new()), |items| list(&items))?;
    if items.is_empty() {
        return Ok(BatchResponse::Single(decide_one(app, caller, request_id, &defaults).await?));
    }
    let semantics = options.map_or_else(|| Ok(BatchSemantics::default()), |options| semantics(&options))?;
    let active = app.policies().current();
    let item = |item: &RawValue| -> RequestedDecision { requested(&item_parts(item)?, &defaults, &caller, &active) };
    let requests: Vec<RequestedDecision> = items.iter().map(|value| item(value)).collect();
    require_few_approvals(&requests)?;
    let batch = DecisionBatch { caller: caller.kid.clone(), request_id: request_id.text(), requests, semantics };
    let answers = app.maker.decide(&batch, app.clock.as_ref()).await.map_err(undecided)?;
    let evaluations = answers.into_iter().map(Evaluation::from).collect();
    Ok(BatchResponse::Batch(Evaluations { evaluations }))
}

/// Returns the items of `evaluations`.
fn list(json: &RawValue) -> Result<Vec<Box<RawValue>>, Problem> {
    let max = Decision::MAX_BATCH;
    let items: Option<Vec<Box<RawValue>>> = serde_json::from_str(json.get()).ok();
    items.filter(|items| items.len() <= max).ok_or_else(|| {
        let detail = format!("must be a list of at most {max} evaluations");
        invalid(vec![AccessRequestError { pointer: "/evaluations".to_owned(), detail }])
    })
}

/// Requires that the decisions fit into one transaction.
fn require_few_approvals(requests: &[RequestedDecision]) -> Result<(), Problem> {
    let valid = || requests.iter().flatten();
    let engines: BTreeSet<Engine> = valid().map(|(engine, _)| *engine).collect();
    let (decisions, engines) = (valid().count(), engines.len());
    let max = Decision::max_approvals_of_batch(decisions, engines);
    let names_decision = |(_, request): &&(Engine, AccessRequest)| request.decision_id().is_ok_and(|id| id.is_some());
    let number = valid().filter(names_decision).count();
    if number <= max {
        return Ok(());
    }
    let detail = format!(
        "must have at most {max} evaluations with context.decisionId, because it has {decisions} evaluations and asks for {engines} \
         engines; got {number}"
    );
    Err(refused("/evaluations", &detail))
}

/// Returns the parts of an evaluation of a batch.
fn item_parts(item: &RawValue) -> Result<RawParts, Vec<AccessRequestError>> {
    let fields = Fields::parse(item.get().as_bytes()).and_then(parts);
    fields.map_err(|problem| {
        let of_field =
            |error: &FieldError| AccessRequestError { pointer: error.pointer.clone(), detail: error.detail.clone() };
        problem.errors().iter().map(of_field).collect()
    })
}

/// Returns the semantics that `options` asks for.
fn semantics(options: &RawValue) -> Result<BatchSemantics, Problem> {
    let mut fields = Fields::parse(options.get().as_bytes()).map_err(|_| refused("/options", "must be an object"))?;
    fields.ignore_unknown();
    let read = fields.string::<String>("evaluations_semantic");
    let name = fields.finish(read).map_err(|_| refused(SEMANTIC, ALLOWED))?;
    match name.as_deref() {
        None | Some("execute_all") => Ok(BatchSemantics::ExecuteAll),
        Some("deny_on_first_deny") => Ok(BatchSemantics::DenyOnFirstDeny),
        Some("permit_on_first_permit") => Ok(BatchSemantics::PermitOnFirstPermit),
        Some(_) => Err(refused(SEMANTIC, ALLOWED)),
    }
}

const SEMANTIC: &str = "/options/evaluations_semantic";
const ALLOWED: &str = "must be one of execute_all, deny_on_first_deny, permit_on_first_permit";

fn refused(pointer: &str, detail: &str) -> Problem {
    invalid(vec![AccessRequestError { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}
