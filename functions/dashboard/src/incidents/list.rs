//! The list: the open ones, unless others are asked for.

use std::fmt;
use std::str::FromStr;

use age_model::{IncidentStatus, Severity, StatusChange, Timestamp, UnknownName};
use age_platform::{Problem, Query};
use age_store::IncidentRecord;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::page::{self, Part};
use crate::session::Session;
use crate::text::Shown;
use crate::{App, Parts, incidents};

/// How many are on a page.
const LIMIT: usize = 25;

#[derive(Template)]
#[template(path = "incidents.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    filter: Filter,
    filters: &'static [Filter],
    rows: Vec<Row>,
    /// Where the list goes on.
    next: Option<String>,
    /// Whether others stand before these.
    is_later: bool,
}

/// An incident as the list has it.
struct Row {
    path: String,
    engine: String,
    event_type: Shown,
    status: IncidentStatus,
    severity: Severity,
    cause: &'static str,
    opened_at: Timestamp,
    events: String,
    acknowledged: Option<StatusChange>,
    resolved: Option<StatusChange>,
}

/// Which ones are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Of(IncidentStatus),
    All,
}

impl Filter {
    const ALL: &[Self] = &[
        Self::Of(IncidentStatus::Open),
        Self::Of(IncidentStatus::Acknowledged),
        Self::Of(IncidentStatus::Resolved),
        Self::All,
    ];
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(status) => status.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

impl FromStr for Filter {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::Of) }
    }
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, mut query: Query) -> Result<Response, Problem> {
    let filter: Filter = query.take("status").unwrap_or(Filter::Of(IncidentStatus::Open));
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("dashboard incidents {filter}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let status = if let Filter::Of(status) = filter { Some(status) } else { None };
    let page = app.tables.incidents.list(status, LIMIT, before.as_ref()).await?;
    let next = page.next.map(|last| app.cursors.seal(&scope, &last));
    let page = Page {
        session: &session,
        part: Part::Incidents,
        filter,
        filters: Filter::ALL,
        rows: page.incidents.into_iter().map(|record| app.row(record)).collect(),
        next: next.map(|cursor| format!("/dashboard/incidents?status={filter}&cursor={cursor}")),
        is_later: before.is_some(),
    };
    Ok(page::html(StatusCode::OK, &page))
}

impl Parts {
    fn row(&self, IncidentRecord { id, incident, counters }: IncidentRecord) -> Row {
        Row {
            path: incidents::path(&id),
            engine: self.policy.title(id.key.engine).to_owned(),
            event_type: Shown::new(id.key.event_type.as_str()),
            status: incident.status,
            severity: incident.severity,
            cause: incidents::cause(incident.cause),
            opened_at: incident.opened_at,
            events: crate::text::count(counters.events, "event"),
            acknowledged: incident.acknowledged,
            resolved: incident.resolved,
        }
    }
}
