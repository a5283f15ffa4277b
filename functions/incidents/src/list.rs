//! The list.

use axum::Json;
use axum::extract::State;
use model::IncidentStatus;
use platform::{Problem, Query};
use serde::Serialize;

use crate::App;
use crate::view::View;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    incidents: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Up to `limit` incidents, newest first.
pub(crate) async fn list(State(App(app)): State<App>, mut query: Query) -> Result<Json<Page>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let status: Option<IncidentStatus> = query.take("status");
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("incidents {status:?}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let page = app.incidents.list(status, limit, before.as_ref()).await?;
    let next_cursor = page.next.map(|last| app.cursors.seal(&scope, &last));
    Ok(Json(Page { incidents: page.incidents.into_iter().map(View::from).collect(), next_cursor }))
}
