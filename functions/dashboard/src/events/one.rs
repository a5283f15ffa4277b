//! One event: what its engine said, and the life of each action that came of it.

use age_model::{ActionItem, ActionStatus, Event, EventId, IncidentKey};
use age_platform::{NoQuery, PathId, Problem};
use age_store::Consistency;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::line::Line;
use crate::page::{self, Part};
use crate::session::Session;
use crate::text::{Shown, indented};
use crate::{App, Parts, actions, incidents};

#[derive(Template)]
#[template(path = "event.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    engine: &'a str,
    event_type: Shown,
    event: &'a Event,
    details: Shown,
    activity: Vec<ActionSection>,
    /// The page of the incident that it is a part of, if that is its kind's latest.
    incident: Option<String>,
}

/// What AGE did about it.
struct ActionSection {
    title: String,
    path: String,
    status: ActionStatus,
    lines: Vec<Line>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<EventId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (event, items) = (app.event(id).await?, app.tables.life.actions().of_event(id).await?);
    let reported = &event.reported;
    let engine = app.policy.title(reported.engine);
    let page = Page {
        session: &session,
        part: Part::Events,
        engine,
        event_type: Shown::new(reported.event_type.as_str()),
        details: Shown::new(&indented(reported.details.as_str())),
        activity: items.iter().map(|item| ActionSection::of(item, engine)).collect(),
        incident: app.incident_of(&event).await?,
        event: &event,
    };
    Ok(page::html(StatusCode::OK, &page))
}

impl ActionSection {
    fn of(item: &ActionItem, engine: &str) -> Self {
        Self {
            title: item.action.to_string(),
            path: actions::path(item.event_id, item.action),
            status: item.status,
            lines: age_model::life(item).into_iter().map(|entry| Line::of_action(entry, engine)).collect(),
        }
    }
}

impl Parts {
    pub(crate) async fn event(&self, id: EventId) -> Result<Event, Problem> {
        let event = self.tables.listing.events().get(id, Consistency::Strong).await?;
        event.ok_or_else(|| Problem::not_found("there is no event with this id"))
    }

    /// The page of the latest incident of the event's kind, if the event came while it lasted.
    async fn incident_of(&self, event: &Event) -> Result<Option<String>, Problem> {
        let incident_key = IncidentKey { engine: event.reported.engine, event_type: event.reported.event_type.clone() };
        let record = self.tables.life.watches().get(&incident_key).await?;
        let lasted = |incident: &age_model::Incident| {
            let ended = incident.resolved.as_ref().is_some_and(|mark| mark.at < event.occurred_at);
            incident.event_id == Some(event.id) || (incident.opened_at <= event.occurred_at && !ended)
        };
        let incident = record.state.incident.filter(lasted);
        Ok(incident.map(|incident| {
            incidents::path(&age_model::IncidentId { key: incident_key, opened_at: incident.opened_at })
        }))
    }
}
