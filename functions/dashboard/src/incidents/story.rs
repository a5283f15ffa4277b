//! One incident, with all that happened in the order in which it did.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use model::{Incident, IncidentId, IncidentStatus};
use platform::{NoQuery, PathId, Problem};
use store::{Known, Story};

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
    earlier_events: bool,
    earlier_notices: bool,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (known, severe, clock) = (app.known(&id).await?, app.policy.actions.from, app.clock.as_ref());
    let Tables { incidents, listing, life, .. } = &app.tables;
    let story = Story::read(&known, severe, incidents, listing, life.actions(), clock).await?;
    let Known { id, incident, tally } = &known;
    let until = incident.resolved.as_ref().map_or_else(|| clock.now(), |mark| mark.at);
    let engine = app.policy.title(id.kind.engine);
    let page = Page {
        session: &session,
        part: Part::Incidents,
        path: incidents::path(id),
        engine,
        event_type: Shown::new(id.kind.event_type.as_str()),
        incident,
        cause: incidents::cause(incident.cause),
        events: count(tally.events, "event"),
        lasted: span(until.seconds().saturating_sub(incident.opened_at.seconds())),
        lines: story.entries.into_iter().map(|entry| Line::new(entry, engine)).collect(),
        earlier_events: story.earlier_events,
        earlier_notices: story.earlier_notices,
    };
    Ok(page::html(StatusCode::OK, &page))
}
