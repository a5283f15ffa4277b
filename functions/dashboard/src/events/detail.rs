//! The page of one event: what the engine reported, and the timeline of each of its actions.

use age_http::{NoQuery, PathId, Problem};
use age_model::{ActionItem, ActionStatus, Event, EventId, Incident, IncidentId, IncidentKey, StoreError};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::engine_title::engine_title;
use crate::format::indent_json;
use crate::page::{self, Section};
use crate::paths::{action_path, decision_path, incident_path};
use crate::policy::severities_from;
use crate::safe_text::SafeText;
use crate::session::Session;
use crate::timeline_entry::TimelineEntryView;

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage<'a> {
    session: &'a Session,
    section: Section,
    engine: SafeText,
    event_type: SafeText,
    event: &'a Event,
    details: SafeText,
    /// The severities of events that can lead to actions, in words.
    acted_on: String,
    actions: Vec<ActionCard>,
    /// How many actions cannot be read.
    unreadable: usize,
    /// The incident that has the event, if it is the latest one of the incident key.
    incident_path: Option<String>,
    decision_path: Option<String>,
}

struct ActionCard {
    title: String,
    path: String,
    status: ActionStatus,
    timeline: Vec<TimelineEntryView>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<EventId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let (event, found) = (app.get_event(id).await?, app.tables.actions.of_event(id).await?);
    let reported = &event.reported;
    let engine = engine_title(&active.policy, reported.engine);
    let page = EventPage {
        session: &session,
        section: Section::Events,
        event_type: SafeText::new(reported.event_type.as_str()),
        details: SafeText::new(&indent_json(reported.details.as_str())),
        actions: found.items.iter().map(|item| ActionCard::new(item, &engine.to_string())).collect(),
        engine,
        acted_on: severities_from(active.policy.actions.min_severity),
        unreadable: found.unreadable.len(),
        incident_path: find_incident(&app, &event).await?.map(|id| incident_path(&id)),
        decision_path: reported.decision_id.map(decision_path),
        event: &event,
    };
    Ok(page::render(StatusCode::OK, &page))
}

impl ActionCard {
    fn new(item: &ActionItem, engine: &str) -> Self {
        Self {
            title: item.action.to_string(),
            path: action_path(item.event_id, item.action),
            status: item.status,
            timeline: TimelineEntryView::of_action(item, engine),
        }
    }
}

/// Returns the latest incident of the event's incident key, if the event came before it was resolved.
async fn find_incident(app: &AppState, event: &Event) -> Result<Option<IncidentId>, Problem> {
    let key = IncidentKey { engine: event.reported.engine, event_type: event.reported.event_type.clone() };
    let record = match app.action_lifecycle.incidents().states().get(&key).await {
        Ok(record) => record,
        // The page is about the event. Its link to the incident is an extra.
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::error!(%error, event.id = %event.id, "the page of event {} lacks its incident: {error}", event.id);
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let has_event = |incident: &Incident| {
        let was_resolved = incident.resolved.as_ref().is_some_and(|change| change.at < event.occurred_at);
        incident.event_id == Some(event.id) || (incident.opened_at <= event.occurred_at && !was_resolved)
    };
    let incident = record.state.incident.filter(has_event);
    Ok(incident.map(|incident| IncidentId { key, opened_at: incident.opened_at }))
}
