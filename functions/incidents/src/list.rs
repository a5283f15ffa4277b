//! The list.

use age_model::IncidentStatus;
use age_platform::{Problem, Query};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::IncidentView;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// Some incidents, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentPage)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    incidents: Vec<IncidentView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Up to `limit` incidents, newest first.
#[utoipa::path(
    get,
    path = "/api/governance/incidents",
    operation_id = "list_incidents", tag = "Incidents",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "At most so many; 50 if not given"),
        ("status" = Option<IncidentStatus>, Query, description = "At this status only"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before, with the same filters"),
    ),
    responses((status = 200, description = "A page", body = Page)),
)]
pub(crate) async fn list(State(App(app)): State<App>, mut query: Query) -> Result<Json<Page>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let status: Option<IncidentStatus> = query.take("status");
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("incidents {status:?}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let page = app.incidents.list(status, limit, before.as_ref()).await?;
    let next_cursor = page.next.map(|last| app.cursors.seal(&scope, &last));
    Ok(Json(Page { incidents: page.incidents.into_iter().map(IncidentView::from).collect(), next_cursor }))
}
