//! The list of incidents: open ones, unless the filter says otherwise.

use age_governance::BulkFilter;
use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Engine, IncidentStatus, Severity, StatusChange, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{IncidentRecord, IncidentSummary, Incidents};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::app::App;
use crate::engine_title::engine_title;
use crate::format::format_count;
use crate::incidents::engine_counts::{EngineCount, count_by_engine};
use crate::incidents::filter::{IncidentFilterForm, StatusFilter};
use crate::page::{self, Section};
use crate::paths::incident_path;
use crate::policy::severities_from;
use crate::safe_text::SafeText;
use crate::session::Session;

const PAGE_SIZE: usize = 25;

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage<'a> {
    session: &'a Session,
    section: Section,
    filter: IncidentFilterForm,
    /// Every engine with its title.
    engines: Vec<(Engine, SafeText)>,
    /// The severities of events that open incidents, in words.
    opened_by: String,
    incidents: Vec<IncidentRow>,
    /// How many unresolved incidents the filter has, if the caller may resolve them.
    unresolved_count: usize,
    /// How many unresolved incidents of each engine the filter has, if it has all engines.
    by_engine: Vec<EngineCount>,
    /// How many incidents of the page cannot be read.
    unreadable: usize,
    next_page: Option<String>,
    has_previous_page: bool,
}

struct IncidentRow {
    path: String,
    engine: SafeText,
    event_type: SafeText,
    status: IncidentStatus,
    severity: Severity,
    cause: &'static str,
    opened_at: Timestamp,
    events: String,
    acknowledged: Option<StatusChange>,
    resolved: Option<StatusChange>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    cursors: CursorKey,
    query: Query,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let mut query = query.without_blanks();
    let filter = IncidentFilterForm::read(&mut query, &active);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("dashboard/incidents").filter("filter", Some(&filter.url("")));
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let incidents = &app.tables.incidents;
    let store_filter = filter.filter();
    let found = incidents.list(&store_filter, PAGE_SIZE, before.as_ref(), app.clock.now());
    let (found, unresolved) = try_join!(found, unresolved(incidents, filter.unresolved()))?;
    let by_engine =
        if filter.engine.is_none() { count_by_engine(unresolved.iter(), filter, &active.policy) } else { Vec::new() };
    let cursor = found.next.map(|position| cursors.seal(&scope, &position));
    let page = IncidentsPage {
        session: &session,
        section: Section::Incidents,
        filter,
        engines: active.engines.iter().map(|engine| (*engine, engine_title(&active.policy, *engine))).collect(),
        opened_by: severities_from(active.policy.incidents.min_severity),
        incidents: found.incidents.into_iter().map(|record| IncidentRow::new(record, &active.policy)).collect(),
        unresolved_count: if session.may_respond() { unresolved.len() } else { 0 },
        by_engine,
        next_page: cursor.map(|cursor| format!("{}&cursor={cursor}", filter.url("/dashboard/incidents"))),
        unreadable: found.unreadable.len(),
        has_previous_page: before.is_some(),
    };
    Ok(page::render(StatusCode::OK, &page))
}

async fn unresolved(incidents: &Incidents, filter: Option<BulkFilter>) -> Result<Vec<IncidentSummary>, StoreError> {
    let Some(filter) = filter else { return Ok(Vec::new()) };
    let mut unresolved = incidents.unresolved().await?.items;
    unresolved.retain(|summary| filter.matches_summary(summary));
    Ok(unresolved)
}

impl IncidentRow {
    fn new(IncidentRecord { id, incident, counters }: IncidentRecord, policy: &Policy) -> Self {
        Self {
            path: incident_path(&id),
            engine: engine_title(policy, id.key.engine),
            event_type: SafeText::new(id.key.event_type.as_str()),
            status: incident.status,
            severity: incident.severity,
            cause: incident.cause.description(),
            opened_at: incident.opened_at,
            events: format_count(counters.events, "event"),
            acknowledged: incident.acknowledged,
            resolved: incident.resolved,
        }
    }
}
