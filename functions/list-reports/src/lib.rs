//! Shows reports: a list, newest first, and one.

use std::sync::Arc;

use age_model::{Report, ReportId};
use age_platform::{Access, CursorKey, NoQuery, PathId, Problem, Query, Routes};
use age_store::{Consistency, Reports};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;
const SCOPE: &str = "reports";

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    reports: Reports,
    cursors: CursorKey,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(reports: Reports, cursors: CursorKey) -> Self {
        Self(Arc::new(Parts { reports, cursors }))
    }
}

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list, show))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new().get("/api/governance/reports", Access::Reader, list).get(
        "/api/governance/reports/{id}",
        Access::Reader,
        show,
    )
}

/// Some reports, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportPage)]
#[serde(rename_all = "camelCase")]
struct Page {
    reports: Vec<Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Reports, newest first.
#[utoipa::path(
    get,
    path = "/api/governance/reports",
    operation_id = "list_reports", tag = "Reports",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "At most so many; 10 if not given"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before, with the same filters"),
    ),
    responses((status = 200, description = "A page", body = Page)),
)]
async fn list(State(App(app)): State<App>, mut query: Query) -> Result<Json<Page>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let before = cursor.map(|cursor| app.cursors.open(SCOPE, &cursor)).transpose()?;
    let page = app.reports.list(limit, before.as_ref()).await?;
    let next_cursor = page.next.map(|position| app.cursors.seal(SCOPE, &position));
    Ok(Json(Page { reports: page.reports, next_cursor }))
}

/// One report.
#[utoipa::path(
    get,
    path = "/api/governance/reports/{id}",
    operation_id = "get_report", tag = "Reports",
    params(("id" = ReportId, Path)),
    responses((status = 200, description = "The report", body = Report)),
)]
async fn show(State(App(app)): State<App>, PathId(id): PathId<ReportId>, _: NoQuery) -> Result<Json<Report>, Problem> {
    let report = app.reports.get(id, Consistency::Strong).await?;
    report.map(Json).ok_or_else(|| Problem::not_found("there is no report with this id"))
}
