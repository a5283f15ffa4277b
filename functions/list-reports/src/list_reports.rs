//! `GET /api/governance/reports`: the list of reports.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Report, UnreadableItem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

/// A page of reports, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportPage {
    reports: Vec<Report>,
    /// The reports of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List reports
///
/// Returns up to `limit` reports, newest first.
#[utoipa::path(
    get,
    path = "/api/governance/reports",
    operation_id = "list_reports", tag = "Reports",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Maximum number of reports; 10 by default"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of reports", body = ReportPage)),
)]
pub(crate) async fn list_reports(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<ReportPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("reports");
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.reports.list(limit, before.as_ref()).await?;
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    Ok(Json(ReportPage { reports: page.reports, unreadable: page.unreadable, next_cursor }))
}
