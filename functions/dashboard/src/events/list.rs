//! The list of events, newest first, with its filter form.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Engine, Event, Severity, Timestamp};
use age_policy::Policy;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::engine_title::engine_title;
use crate::events::filter_form::EventFilterForm;
use crate::page::{self, Section};
use crate::paths::event_path;
use crate::safe_text::SafeText;
use crate::session::Session;

const PAGE_SIZE: usize = 50;

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage<'a> {
    session: &'a Session,
    section: Section,
    form: &'a EventFilterForm,
    /// Every engine with its title.
    engines: Vec<(Engine, SafeText)>,
    events: Vec<EventRow>,
    /// How many events of the page cannot be read.
    unreadable: usize,
    next_page: Option<String>,
    has_previous_page: bool,
    csv_url: String,
}

struct EventRow {
    path: String,
    engine: SafeText,
    event_type: SafeText,
    severity: Severity,
    occurred_at: Timestamp,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    cursors: CursorKey,
    query: Query,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let mut query = query.without_blanks();
    let form = EventFilterForm::read(&mut query, &active);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("dashboard/events").filter("filter", Some(&form.url("", None)));
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let has_previous_page = before.is_some();
    let found = app.tables.search.page(&form.filter(&active), PAGE_SIZE, before, app.clock.as_ref()).await?;
    let cursor = found.next.map(|position| cursors.seal(&scope, &position));
    let page = EventsPage {
        session: &session,
        section: Section::Events,
        engines: active.engines.iter().map(|engine| (*engine, engine_title(&active.policy, *engine))).collect(),
        events: found.events.iter().map(|event| EventRow::new(event, &active.policy)).collect(),
        unreadable: found.unreadable.len(),
        next_page: cursor.map(|cursor| form.url("/dashboard/events", Some(&cursor))),
        has_previous_page,
        csv_url: form.url("/dashboard/events.csv", None),
        form: &form,
    };
    Ok(page::render(StatusCode::OK, &page))
}

impl EventRow {
    fn new(event: &Event, policy: &Policy) -> Self {
        let reported = &event.reported;
        Self {
            path: event_path(event.id),
            engine: engine_title(policy, reported.engine),
            event_type: SafeText::new(reported.event_type.as_str()),
            severity: reported.severity,
            occurred_at: event.occurred_at,
        }
    }
}
