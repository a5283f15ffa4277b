//! The list of incidents: open ones, unless the filter says otherwise.

use std::fmt;
use std::str::FromStr;

use age_http::{CursorScope, Problem, Query};
use age_model::{IncidentStatus, Severity, StatusChange, Timestamp, UnknownName};
use age_policy::Policy;
use age_store::IncidentRecord;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::format::format_count;
use crate::incident_labels::describe_cause;
use crate::page::{self, Section};
use crate::paths::incident_path;
use crate::safe_text::SafeText;
use crate::session::Session;

const PAGE_SIZE: usize = 25;

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage<'a> {
    session: &'a Session,
    section: Section,
    filter: IncidentFilter,
    filters: &'static [IncidentFilter],
    incidents: Vec<IncidentRow>,
    /// How many incidents of the page cannot be read.
    unreadable: usize,
    next_page: Option<String>,
    has_previous_page: bool,
}

struct IncidentRow {
    path: String,
    engine: String,
    event_type: SafeText,
    status: IncidentStatus,
    severity: Severity,
    cause: &'static str,
    opened_at: Timestamp,
    events: String,
    acknowledged: Option<StatusChange>,
    resolved: Option<StatusChange>,
}

/// Which incidents the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IncidentFilter {
    Status(IncidentStatus),
    All,
}

impl IncidentFilter {
    const ALL: &[Self] = &[
        Self::Status(IncidentStatus::Open),
        Self::Status(IncidentStatus::Acknowledged),
        Self::Status(IncidentStatus::Resolved),
        Self::All,
    ];
}

impl fmt::Display for IncidentFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

impl FromStr for IncidentFilter {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::Status) }
    }
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, mut query: Query) -> Result<Response, Problem> {
    let filter: IncidentFilter = query.optional("status").unwrap_or(IncidentFilter::Status(IncidentStatus::Open));
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("dashboard/incidents").filter("status", Some(&filter));
    let before = cursor.map(|cursor| app.cursor_key.open(&scope, &cursor)).transpose()?;
    let status = if let IncidentFilter::Status(status) = filter { Some(status) } else { None };
    let found = app.tables.incidents.list(status, PAGE_SIZE, before.as_ref(), app.clock.now()).await?;
    let cursor = found.next.map(|position| app.cursor_key.seal(&scope, &position));
    let page = IncidentsPage {
        session: &session,
        section: Section::Incidents,
        filter,
        filters: IncidentFilter::ALL,
        incidents: found.incidents.into_iter().map(|record| IncidentRow::new(record, &app.policy)).collect(),
        unreadable: found.unreadable.len(),
        next_page: cursor.map(|cursor| format!("/dashboard/incidents?status={filter}&cursor={cursor}")),
        has_previous_page: before.is_some(),
    };
    Ok(page::render(StatusCode::OK, &page))
}

impl IncidentRow {
    fn new(IncidentRecord { id, incident, counters }: IncidentRecord, policy: &Policy) -> Self {
        Self {
            path: incident_path(&id),
            engine: policy.title(id.key.engine).to_owned(),
            event_type: SafeText::new(id.key.event_type.as_str()),
            status: incident.status,
            severity: incident.severity,
            cause: describe_cause(incident.cause),
            opened_at: incident.opened_at,
            events: format_count(counters.events, "event"),
            acknowledged: incident.acknowledged,
            resolved: incident.resolved,
        }
    }
}
