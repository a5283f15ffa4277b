//! The page of one incident: its timeline, and the forms that change it.

use age_governance::{IncidentTimeline, TimelineTables};
use age_http::{NoQuery, PathId, Problem};
use age_model::{Incident, IncidentCause, IncidentId, IncidentStatus, Severity};
use age_store::IncidentRecord;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{App, Tables};
use crate::engine_title::engine_title;
use crate::format::{duration_between, format_count, format_duration};
use crate::page::{self, Section};
use crate::paths::incident_path;
use crate::policy::severities_from;
use crate::safe_text::SafeText;
use crate::session::Session;
use crate::timeline_entry::TimelineEntryView;

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage<'a> {
    session: &'a Session,
    section: Section,
    path: String,
    engine: SafeText,
    event_type: SafeText,
    /// Other event types that look like this one.
    looks_like: Vec<SafeText>,
    /// Where the events are listed that a gathering incident has gathered.
    events_path: Option<String>,
    incident: &'a Incident,
    cause: &'static str,
    /// The severities of events that can lead to actions, in words.
    acted_on: String,
    events: String,
    /// From opening to resolution, or until now.
    duration: String,
    timeline: Vec<TimelineEntryView>,
    /// The kinds of entries that the timeline leaves out, in words.
    omissions: Vec<&'static str>,
    /// Whether the caller has the incident: acknowledged it last.
    is_mine: bool,
    can_be_reopened: bool,
    /// How many events, actions and notifications cannot be read.
    unreadable: usize,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let (record, clock) = (app.get_incident(&id).await?, app.clock.as_ref());
    let min_severity = active.policy.actions.min_severity;
    let Tables { incidents, search, events, actions, deliveries, .. } = &app.tables;
    let tables = TimelineTables { incidents, search, events, actions, deliveries };
    let timeline = IncidentTimeline::read(&record, min_severity, tables, clock).await?;
    let IncidentRecord { id, incident, counters } = &record;
    let end = incident.resolved.as_ref().map_or_else(|| clock.now(), |change| change.at);
    let engine = engine_title(&active.policy, id.key.engine);
    let title = engine.to_string();
    let omissions = [
        (timeline.has_earlier_events, "Earlier events are not shown: the timeline has the latest 200."),
        (timeline.has_earlier_notifications, "Earlier e-mails are not shown: the timeline has the latest 500."),
        (
            timeline.has_earlier_changes,
            "Earlier status changes and comments are not shown: the timeline has the latest 200.",
        ),
    ];
    let omissions = omissions.into_iter().filter_map(|(is_omitted, text)| is_omitted.then_some(text)).collect();
    let page = IncidentPage {
        session: &session,
        section: Section::Incidents,
        path: incident_path(id),
        engine,
        event_type: SafeText::new(id.key.event_type.as_str()),
        looks_like: incident.looks_like.iter().map(|other| SafeText::new(other.as_str())).collect(),
        events_path: gathered_events_path(id, incident),
        incident,
        cause: incident.cause.description(),
        acted_on: severities_from(min_severity),
        events: format_count(counters.events, "event"),
        duration: format_duration(duration_between(incident.opened_at, end)),
        timeline: timeline.entries.into_iter().map(|entry| TimelineEntryView::new(entry, &title)).collect(),
        omissions,
        is_mine: incident.acknowledged.as_ref().is_some_and(|change| change.by.as_ref() == Some(&session.caller.kid)),
        can_be_reopened: age_policy::can_be_reopened(incident, clock.now()),
        unreadable: timeline.unreadable.len(),
    };
    Ok(page::render(StatusCode::OK, &page))
}

/// The timeline of an incident that gathers events has none but the first, because their types differ.
fn gathered_events_path(id: &IncidentId, incident: &Incident) -> Option<String> {
    (incident.cause == IncidentCause::ManyEventTypes)
        .then(|| format!("/dashboard/events?engine={}&severity={}", id.key.engine, Severity::Critical))
}
