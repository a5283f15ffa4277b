//! `GET /api/governance/incidents`: the list of incidents.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Engine, IncidentStatus, UnreadableItem};
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
        ("status" = Option<IncidentStatus>, Query, description = "Only incidents with this status"),
        ("engine" = Option<Engine>, Query, description = "Only incidents of this engine"),
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
    let status: Option<IncidentStatus> = query.optional("status");
    let engine: Option<Engine> = query.optional("engine");
    if let Err(error) = app.policies.current().engines_of_records(engine) {
        query.refuse("engine", error.to_string());
    }
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("incidents").filter("status", status.as_ref()).filter("engine", engine.as_ref());
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.tables.incidents.list(status, engine, limit, before.as_ref(), app.clock.now()).await?;
    let next_cursor = page.next.map(|last| cursors.seal(&scope, &last));
    let incidents = page.incidents.into_iter().map(IncidentView::from).collect();
    Ok(Json(IncidentPage { incidents, unreadable: page.unreadable, next_cursor }))
}
