//! `GET /api/governance/reports`: the list of reports.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Report, ReportKind, Timestamp, UnreadableItem};
use age_store::ReportFilter;
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
        ("kind" = Option<Vec<ReportKind>>, Query, style = Form, explode, max_items = 32, description = "Only reports of these kinds"),
        ("from" = Option<Timestamp>, Query, description = "Only reports generated at this time or later; a day stands for its midnight in UTC"),
        ("to" = Option<Timestamp>, Query, description = "Only reports generated before this time"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page, with the same filters"),
    ),
    responses((status = 200, description = "A page of reports", body = ReportPage)),
)]
pub(crate) async fn list_reports(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<ReportPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let kinds: BTreeSet<ReportKind> = query.set("kind");
    let (from, to) = query.period();
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope =
        CursorScope::new("reports").filters("kind", &kinds).filter("from", from.as_ref()).filter("to", to.as_ref());
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.reports.list(&ReportFilter { kinds, from, to }, limit, before.as_ref()).await?;
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    Ok(Json(ReportPage { reports: page.reports, unreadable: page.unreadable, next_cursor }))
}
