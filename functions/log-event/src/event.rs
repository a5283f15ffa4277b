//! `POST /api/governance/event`: records one event.

use age_governance::{KnownEngines, RecordResult};
use age_http::{Caller, NoQuery, Origin, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::known_engine::require_certainty;
use crate::parsed_event::{EventBody, ParsedEvent};
use crate::recorded_event::AcceptedEvent;
use crate::{cloudevents, json};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Record an event
///
/// Stores an event and dispatches its actions. `event_type` is accepted for `eventType`. CloudEvents are accepted in structured and
/// in binary mode (headers `ce-*`). The body may be compressed by gzip.
#[utoipa::path(
    post,
    path = "/api/governance/event",
    operation_id = "log_event", tag = "Events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = r"^[!-~](?:[ -~]*[!-~])?$",
        description = "Identifies the event, so that a repeat of the request is recognized. Not for CloudEvents, which `source` and `id` identify")),
    request_body(content(
        (json::EventReport = "application/json"),
        (cloudevents::CloudEvent = "application/cloudevents+json"),
    )),
    responses(
        (status = 201, description = "The event is stored, with these planned actions", body = AcceptedEvent),
        (status = 200, description = "The event was stored before under the same idempotency key", body = AcceptedEvent,
            headers(("Idempotency-Replayed" = String, description = "true"))),
    ),
)]
pub(crate) async fn log_event(
    State(app): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    headers: HeaderMap,
    body: EventBody,
) -> Result<Response, Problem> {
    let engines = app.recorder().policies().known_engines();
    let event = parse(&headers, &body, &engines)?;
    require_certainty(event.reported.engine, &engines)?;
    caller.require_engine(event.reported.engine)?;
    let key_field = event.key_field;
    match app.recorder().record(event.into(), &caller.kid, origin.as_deref(), app.clock()).await? {
        RecordResult::Created(recorded) => {
            Ok((StatusCode::CREATED, Json(AcceptedEvent::from(recorded))).into_response())
        }
        RecordResult::Replayed(recorded) => {
            Ok((StatusCode::OK, [(REPLAYED, "true")], Json(AcceptedEvent::from(recorded))).into_response())
        }
        RecordResult::KeyReused => Err(ParsedEvent::key_reused(key_field)),
    }
}

fn parse(headers: &HeaderMap, body: &EventBody, engines: &KnownEngines) -> Result<ParsedEvent, Problem> {
    if body.media_type.as_deref() == Some(cloudevents::STRUCTURED) {
        cloudevents::parse_structured(headers, &body.bytes, engines)
    } else if cloudevents::is_binary(headers, body.media_type.as_deref()) {
        cloudevents::parse_binary(headers, body, engines)
    } else if body.is_json() {
        json::parse(headers, &body.bytes, engines)
    } else {
        Err(Problem::not_json())
    }
}
