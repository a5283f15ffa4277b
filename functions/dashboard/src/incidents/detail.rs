//! The page of one incident: its timeline, and the forms that acknowledge or resolve it.

use age_governance::IncidentTimeline;
use age_http::{NoQuery, PathId, Problem};
use age_model::{Incident, IncidentId, IncidentStatus};
use age_store::IncidentRecord;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{App, Tables};
use crate::format::{duration_between, format_count, format_duration};
use crate::incident_labels::describe_cause;
use crate::page::{self, Section};
use crate::paths::incident_path;
use crate::safe_text::SafeText;
use crate::session::Session;
use crate::timeline_entry::TimelineEntryView;

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage<'a> {
    session: &'a Session,
    section: Section,
    path: String,
    engine: &'a str,
    event_type: SafeText,
    incident: &'a Incident,
    cause: &'static str,
    events: String,
    /// From opening to resolution, or until now.
    duration: String,
    timeline: Vec<TimelineEntryView>,
    has_earlier_events: bool,
    has_earlier_notifications: bool,
    /// How many events, actions and notifications cannot be read.
    unreadable: usize,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (record, clock) = (app.get_incident(&id).await?, app.clock.as_ref());
    let min_severity = app.policy.actions.min_severity;
    let Tables { incidents, search, events, actions, .. } = &app.tables;
    let timeline = IncidentTimeline::read(&record, min_severity, incidents, search, events, actions, clock).await?;
    let IncidentRecord { id, incident, counters } = &record;
    let end = incident.resolved.as_ref().map_or_else(|| clock.now(), |change| change.at);
    let engine = app.policy.title(id.key.engine);
    let page = IncidentPage {
        session: &session,
        section: Section::Incidents,
        path: incident_path(id),
        engine,
        event_type: SafeText::new(id.key.event_type.as_str()),
        incident,
        cause: describe_cause(incident.cause),
        events: format_count(counters.events, "event"),
        duration: format_duration(duration_between(incident.opened_at, end)),
        timeline: timeline.entries.into_iter().map(|entry| TimelineEntryView::new(entry, engine)).collect(),
        has_earlier_events: timeline.has_earlier_events,
        has_earlier_notifications: timeline.has_earlier_notifications,
        unreadable: timeline.unreadable.len(),
    };
    Ok(page::render(StatusCode::OK, &page))
}
