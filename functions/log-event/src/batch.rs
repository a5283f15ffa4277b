//! `POST /api/governance/events`: records a batch of events, each with its own result.

pub(crate) mod body;
mod schema;

use std::borrow::Cow;
use std::collections::BTreeMap;

use age_governance::{BatchResult, KnownEngines, RecordResult, RecordedEvent};
use age_http::{Caller, FieldError, NoQuery, Origin, Problem, ProblemBody, RequestCost, ResponseBudget};
use age_model::{ActionItem, EventId, Timestamp};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schema::Events;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::known_engine::require_certainty;
use crate::parsed_event::{BatchBody, ParsedEvent};
use crate::refusals::Refusals;

/// The most bytes of a result that is shortened.
const SHORT_RESULT_BYTES: usize = 125;

/// The result of an event of a batch.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventResult {
    #[schema(schema_with = schema::result_status)]
    status: u16,
    /// The id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    /// When AGE accepted the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Timestamp>,
    /// The planned actions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<ActionItem>,
    /// Why the event is not stored, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Every field that is wrong; pointers are relative to the event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// The results of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventResults {
    /// In the order of the events.
    results: Vec<EventResult>,
    /// Number of results without `actions`, `detail` and `errors`, because the response would be larger than 64 KB and twice the
    /// request. Those of stored events are at `/api/governance/events/{id}`.
    #[serde(skip_serializing_if = "is_zero")]
    shortened_count: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A problem with the results so far.
#[derive(Debug, Serialize, ToSchema)]
struct UnfinishedBatch {
    #[serde(flatten)]
    problem: ProblemBody,
    #[serde(flatten)]
    results: EventResults,
}

impl EventResult {
    fn stored(status: StatusCode, RecordedEvent { event, actions }: RecordedEvent) -> Self {
        let (id, occurred_at) = (Some(event.id), Some(event.occurred_at));
        Self { status: status.as_u16(), id, occurred_at, actions, detail: None, errors: Vec::new() }
    }

    /// Whether the event is wrong or forbidden, so that sending it again has the same result.
    fn is_refused(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// Returns every field that is wrong, or the reason why the event as a whole is refused.
    fn reasons(&self) -> Cow<'_, [FieldError]> {
        match (self.errors.as_slice(), self.status, &self.detail) {
            ([], 403, Some(detail)) => vec![FieldError::new("engine", detail)].into(),
            ([], _, Some(detail)) => vec![FieldError::whole(detail)].into(),
            (errors, ..) => errors.into(),
        }
    }

    /// Leaves out what is in proportion to nothing that was sent.
    fn shorten(&mut self) {
        (self.actions, self.detail, self.errors) = (Vec::new(), None, Vec::new());
    }

    fn is_retryable(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE.as_u16()
    }
}

impl From<Problem> for EventResult {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status().as_u16(),
            id: None,
            occurred_at: None,
            actions: Vec::new(),
            detail: Some(problem.detail().to_owned()),
            errors: problem.errors().to_vec(),
        }
    }
}

/// Record a batch of events
///
/// Records up to 500 events of 1 MB, also compressed by gzip, each with its own result. Results do not repeat `details`. If some events cannot be stored
/// now, the response is a 503 with the results so far: send the events again whose results have status 503. For the rate of its
/// caller, a batch counts as many requests as it has events: the next request may have to wait. The events may also be lines of JSON
/// (`application/x-ndjson` or `application/ndjson`).
#[utoipa::path(
    post,
    path = "/api/governance/events",
    operation_id = "log_events", tag = "Events",
    request_body = Events,
    responses(
        (status = 200, description = "The result of each event", body = EventResults),
        (status = 503, description = "Service unavailable, retry later", body = UnfinishedBatch, content_type = "application/problem+json",
            headers(("Retry-After" = u16, description = "After how many seconds the request may be repeated."))),
    ),
)]
pub(crate) async fn log_events(
    State(app): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    headers: HeaderMap,
    body: BatchBody,
) -> Result<Response, Problem> {
    let engines = app.recorder().policies().known_engines();
    let parsed = body::parse(&headers, &body, &engines)?;
    Ok(record(&app, &caller, origin.as_deref(), &engines, parsed, body.sent_bytes).await)
}

/// Records the events of a batch, whose body had `sent_bytes`.
pub(crate) async fn record(
    app: &App,
    caller: &Caller,
    origin: Option<&str>,
    engines: &KnownEngines,
    parsed: Vec<Result<ParsedEvent, Problem>>,
    sent_bytes: usize,
) -> Response {
    let mut results: Vec<Option<EventResult>> = parsed.iter().map(|_| None).collect();
    let mut set = |index: usize, result: EventResult| {
        if let Some(place) = results.get_mut(index) {
            *place = Some(result);
        }
    };
    let mut accepted = Vec::new();
    for (index, event) in parsed.into_iter().enumerate() {
        let event = event.and_then(|event| {
            require_certainty(event.reported.engine, engines)?;
            caller.require_engine(event.reported.engine)?;
            Ok(event)
        });
        match event {
            Ok(event) => accepted.push((index, event)),
            Err(problem) => set(index, problem.into()),
        }
    }
    let places: Vec<_> = accepted.iter().map(|(index, event)| (*index, event.key_field)).collect();
    let events = accepted.into_iter().map(|(_, event)| event.into()).collect();
    let recorded = app.recorder().record_batch(events, &caller.kid, origin, app.clock()).await;
    // A failure is logged once, however many events it concerns.
    let mut failures: BTreeMap<String, Problem> = BTreeMap::new();
    for ((index, key_field), result) in places.into_iter().zip(recorded) {
        set(index, event_result(result, key_field, &mut failures));
    }
    let mut results: Vec<EventResult> = results.into_iter().flatten().collect();
    let mut refusals = Refusals::default();
    results.iter().filter(|result| result.is_refused()).for_each(|result| refusals.add(&result.reasons()));
    refusals.report(&caller.kid, app).await;
    let shortened_count = ResponseBudget::of(sent_bytes).fit(&mut results, SHORT_RESULT_BYTES, EventResult::shorten);
    let cost = RequestCost(results.len());
    let mut response = respond(EventResults { results, shortened_count });
    response.extensions_mut().insert(cost);
    response
}

fn event_result(result: BatchResult, key_field: &str, failures: &mut BTreeMap<String, Problem>) -> EventResult {
    match result {
        Some(Ok(RecordResult::Created(recorded))) => EventResult::stored(StatusCode::CREATED, recorded),
        Some(Ok(RecordResult::Replayed(recorded))) => EventResult::stored(StatusCode::OK, recorded),
        Some(Ok(RecordResult::KeyReused)) => ParsedEvent::key_reused(key_field).into(),
        Some(Err(error)) => failures.entry(error.to_string()).or_insert_with(|| error.into()).clone().into(),
        None => Problem::unavailable("not begun, so nothing was stored; send the event again").into(),
    }
}

fn respond(results: EventResults) -> Response {
    if !results.results.iter().any(EventResult::is_retryable) {
        return Json(results).into_response();
    }
    let detail = "not all events could be stored; send those again whose results have status 503";
    let problem = Problem::unavailable(detail);
    let body = UnfinishedBatch { problem: problem.body(), results };
    problem.response_with(body)
}
