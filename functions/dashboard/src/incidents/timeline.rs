//! One incident, with all that happened in the order in which it did.

use age_model::{Incident, IncidentId, IncidentStatus};
use age_platform::{NoQuery, PathId, Problem};
use age_store::{IncidentRecord, IncidentTimeline};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::line::Line;
use crate::page::{self, Part};
use crate::session::Session;
use crate::text::{Shown, count, span};
use crate::{App, Tables, incidents};

#[derive(Template)]
#[template(path = "incident.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    path: String,
    engine: &'a str,
    event_type: Shown,
    incident: &'a Incident,
    cause: &'static str,
    events: String,
    /// For how long it has been going on, or went on.
    lasted: String,
    lines: Vec<Line>,
    has_earlier_events: bool,
    has_earlier_notifications: bool,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (record, severe, clock) = (app.record(&id).await?, app.policy.actions.min_severity, app.clock.as_ref());
    let Tables { incidents, listing, life, .. } = &app.tables;
    let timeline = IncidentTimeline::read(&record, severe, incidents, listing, life.actions(), clock).await?;
    let IncidentRecord { id, incident, counters } = &record;
    let until = incident.resolved.as_ref().map_or_else(|| clock.now(), |mark| mark.at);
    let engine = app.policy.title(id.key.engine);
    let page = Page {
        session: &session,
        part: Part::Incidents,
        path: incidents::path(id),
        engine,
        event_type: Shown::new(id.key.event_type.as_str()),
        incident,
        cause: incidents::cause(incident.cause),
        events: count(counters.events, "event"),
        lasted: span(until.seconds().saturating_sub(incident.opened_at.seconds())),
        lines: timeline.entries.into_iter().map(|entry| Line::new(entry, engine)).collect(),
        has_earlier_events: timeline.has_earlier_events,
        has_earlier_notifications: timeline.has_earlier_notifications,
    };
    Ok(page::html(StatusCode::OK, &page))
}
