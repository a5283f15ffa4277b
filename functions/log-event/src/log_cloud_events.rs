//! `POST /api/governance/intake/cloudevents`: records CloudEvents, in all modes of their HTTP binding.

use age_http::{Caller, NoQuery, Origin, Problem};
use age_model::EventWithActions;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::app::App;
use crate::batch;
use crate::cloudevents::{self, CloudEvent};
use crate::event;
use crate::parsed_event::BatchBody;

/// Record CloudEvents
///
/// Records a CloudEvent 1.0 in structured mode; in binary mode, whose attributes are headers `ce-*` and whose data is the body; or, as
/// `application/cloudevents-batch+json`, up to 500 events of 1 MB, whose results are those of `POST /api/governance/events`. The body may
/// be compressed by gzip. `source` and `id` identify an event, so that a repeat is recognized.
#[utoipa::path(
    post,
    path = "/api/governance/intake/cloudevents",
    operation_id = "log_cloud_event", tag = "Events",
    request_body(content = CloudEvent, content_type = "application/cloudevents+json"),
    responses(
        (status = 201, description = "The event is stored, with these planned actions", body = EventWithActions),
        (status = 200, description = "An event with this source and id was stored before", body = EventWithActions,
            headers(("Idempotency-Replayed" = String, description = "`true`"))),
    ),
)]
pub(crate) async fn log_cloud_event(
    State(app): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    headers: HeaderMap,
    body: BatchBody,
) -> Result<Response, Problem> {
    let engines = app.recorder().policies().known_engines();
    let media_type = body.media_type.as_deref();
    let event = if media_type == Some(cloudevents::BATCHED) {
        let events = batch::body::parse_cloud_events(&headers, &body.bytes, &engines)?;
        return Ok(batch::record(&app, &caller, origin.as_deref(), &engines, events, body.sent_bytes).await);
    } else if media_type == Some(cloudevents::STRUCTURED) {
        cloudevents::parse_structured(&headers, &body.bytes, &engines)?
    } else if cloudevents::is_binary(&headers, media_type) {
        cloudevents::parse_binary(&headers, &body, &engines)?
    } else {
        let detail = format!(
            "the Content-Type must be {} or {}, or the headers must have an event in binary mode: ce-specversion, ce-id, ce-source, \
             ce-type",
            cloudevents::STRUCTURED,
            cloudevents::BATCHED
        );
        return Err(Problem::unsupported_media_type(detail));
    };
    event::record(&app, &caller, origin.as_deref(), &engines, event).await
}
