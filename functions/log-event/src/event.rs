//! `POST /api/governance/event`: records one event.

use age_governance::{KnownEngines, RecordResult, RecordedEvent};
use age_http::{Caller, NoQuery, Origin, Problem};
use age_model::EventWithActions;
use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::known_engine::require_certainty;
use crate::parsed_event::{EventBody, ParsedEvent};
use crate::{cloudevents, json};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Record an event
///
/// Stores an event and dispatches its actions. `event_type` is accepted for `eventType`. The body may be compressed by gzip.
#[utoipa::path(
    post,
    path = "/api/governance/event",
    operation_id = "log_event", tag = "Events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = r"^[!-~](?:[ -~]*[!-~])?$",
        description = "Identifies the event, so that a repeat of the request is recognized")),
    request_body = json::EventReport,
    responses(
        (status = 201, description = "The event is stored, with these planned actions", body = EventWithActions),
        (status = 200, description = "The event was stored before under the same idempotency key", body = EventWithActions,
            headers(("Idempotency-Replayed" = String, description = "`true`"))),
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
    if cloudevents::is_declared(&headers, body.media_type.as_deref()) {
        return Err(Problem::unsupported_media_type(format!("CloudEvents are accepted at {}", cloudevents::PATH)));
    }
    if !body.is_json() {
        return Err(Problem::not_json());
    }
    let engines = app.recorder().policies().known_engines();
    let event = json::parse(&headers, &body.bytes, &engines)?;
    record(&app, &caller, origin.as_deref(), &engines, event).await
}

/// Records an event of a request of its own.
///
/// # Errors
/// A problem if the caller may not act for its engine, or the event is not stored.
pub(crate) async fn record(
    app: &App,
    caller: &Caller,
    origin: Option<&str>,
    engines: &KnownEngines,
    event: ParsedEvent,
) -> Result<Response, Problem> {
    require_certainty(event.reported.engine, engines)?;
    caller.require_engine(event.reported.engine)?;
    let key_field = event.key_field;
    match app.recorder().record(event.into(), &caller.kid, origin, app.clock()).await? {
        RecordResult::Created(recorded) => {
            let location = format!("/api/governance/events/{}", recorded.event.id);
            Ok((StatusCode::CREATED, [(LOCATION, location)], Json(with_actions(recorded))).into_response())
        }
        RecordResult::Replayed(recorded) => {
            Ok((StatusCode::OK, [(REPLAYED, "true")], Json(with_actions(recorded))).into_response())
        }
        RecordResult::KeyReused => Err(ParsedEvent::key_reused(key_field)),
    }
}

fn with_actions(RecordedEvent { event, actions }: RecordedEvent) -> EventWithActions {
    EventWithActions { event, actions, unreadable: Vec::new() }
}
