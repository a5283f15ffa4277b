//! `POST /access/v1/evaluation`: decides whether one operation may run.

use age_governance::{BatchSemantics, DecisionAnswer, DecisionBatch};
use age_http::{Caller, Fields, Problem};
use axum::extract::State;
use axum::response::Response;

use crate::app::{App, Inner};
use crate::evaluation_problem::{invalid, undecided};
use crate::evaluation_request::{EvaluationBody, EvaluationRequest, RawParts, RequestIdHeader, parts, requested};
use crate::evaluation_response::{Evaluation, respond};

/// Decide whether an operation may run
///
/// Decides by the guardrails of the active policy and by holds, records the decision, and answers. A repeat of the request with the same
/// `X-Request-ID` gets the recorded answer until it expires. An operation whose verdict is `needs_approval` may run once a responder has
/// approved it: send the same request with `context.decisionId`, the id of the decision.
#[utoipa::path(
    post,
    path = "/access/v1/evaluation",
    operation_id = "evaluate", tag = "Decisions",
    params(("X-Request-ID" = Option<String>, Header, description = "The caller's id of the request, which the response repeats")),
    request_body = EvaluationRequest,
    responses((status = 200, description = "The decision", body = Evaluation)),
)]
pub(crate) async fn evaluate(
    State(App(app)): State<App>,
    caller: Caller,
    request_id: RequestIdHeader,
    body: Result<EvaluationBody, Problem>,
) -> Response {
    let result = match body {
        Ok(EvaluationBody(body)) => evaluation(&app, caller, &request_id, &body).await,
        Err(problem) => Err(problem),
    };
    respond(request_id, result)
}

/// Decides on the one request in `body`.
async fn evaluation(
    app: &Inner,
    caller: Caller,
    request_id: &RequestIdHeader,
    body: &[u8],
) -> Result<Evaluation, Problem> {
    let parts = parts(Fields::parse(body).map_err(Problem::into_bad_request)?)?;
    decide_one(app, caller, request_id, &parts).await
}

/// Decides on the one request that has these parts.
pub(crate) async fn decide_one(
    app: &Inner,
    caller: Caller,
    request_id: &RequestIdHeader,
    parts: &RawParts,
) -> Result<Evaluation, Problem> {
    let requested = requested(parts, &RawParts::new(), &caller, &app.policies().current());
    let requests = vec![Ok(requested.map_err(invalid)?)];
    let semantics = BatchSemantics::ExecuteAll;
    let batch = DecisionBatch { caller: caller.kid, request_id: request_id.text(), requests, semantics };
    let answers = app.maker.decide(&batch, app.clock.as_ref()).await.map_err(undecided)?;
    let answer = answers.into_iter().next().unwrap_or(DecisionAnswer::Invalid(Vec::new()));
    Ok(answer.into())
}
