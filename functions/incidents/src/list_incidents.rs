//! `GET /api/governance/incidents`: the list of incidents.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Engine, IncidentStatus, Severity, Timestamp, UnreadableItem};
use age_store::IncidentFilter;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::incident_view::IncidentView;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// A page of incidents, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentPage {
    incidents: Vec<IncidentView>,
    /// The incidents of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List incidents
///
/// Returns up to `limit` incidents, newest first.
#[utoipa::path(
    get,
    path = "/api/governance/incidents",
    operation_id = "list_incidents", tag = "Incidents",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Maximum number of incidents; 50 by default"),
        ("status" = Option<Vec<IncidentStatus>>, Query, style = Form, explode, max_items = 32, description = "Only incidents with these statuses"),
        ("severity" = Option<Vec<Severity>>, Query, style = Form, explode, max_items = 32, description = "Only incidents with these severities"),
        ("engine" = Option<Vec<Engine>>, Query, style = Form, explode, max_items = 32, description = "Only incidents of these engines"),
        ("from" = Option<Timestamp>, Query, description = "Only incidents opened at this time or later; a day stands for its midnight in UTC"),
        ("to" = Option<Timestamp>, Query, description = "Only incidents opened before this time"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page, with the same filters"),
    ),
    responses((status = 200, description = "A page of incidents", body = IncidentPage)),
)]
pub(crate) async fn list_incidents(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<IncidentPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let statuses: BTreeSet<IncidentStatus> = query.set("status");
    let severities: BTreeSet<Severity> = query.set("severity");
    let engines: BTreeSet<Engine> = query.set("engine");
    if let Err(error) = app.policies.current().engines_of_records(engines.clone()) {
        query.refuse("engine", error.to_string());
    }
    let (from, to) = query.period();
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("incidents")
        .filters("status", &statuses)
        .filters("severity", &severities)
        .filters("engine", &engines)
        .filter("from", from.as_ref())
        .filter("to", to.as_ref());
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let filter = IncidentFilter { statuses, severities, engines, from, to };
    let page = app.tables.incidents.list(&filter, limit, before.as_ref(), app.clock.now()).await?;
    let next_cursor = page.next.map(|last| cursors.seal(&scope, &last));
    let incidents = page.incidents.into_iter().map(IncidentView::from).collect();
    Ok(Json(IncidentPage { incidents, unreadable: page.unreadable, next_cursor }))
}
