//! `GET /api/governance/reports/{id}`: a report.

use age_http::{NoQuery, PathId, Problem};
use age_model::{Report, ReportId};
use age_store::Consistency;
use axum::Json;
use axum::extract::State;

use crate::app::App;

/// Get a report
///
/// Returns the scores, the level, the recommendations and the counts of the report's period, as they were when it was made.
#[utoipa::path(
    get,
    path = "/api/governance/reports/{id}",
    operation_id = "get_report", tag = "Reports",
    params(("id" = ReportId, Path, description = "The id of the report")),
    responses((status = 200, description = "The report", body = Report)),
)]
pub(crate) async fn get_report(
    State(App(app)): State<App>,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Json<Report>, Problem> {
    let report = app.reports.get(id, Consistency::Strong).await?;
    report.map(Json).ok_or_else(|| Problem::not_found(format!("report {id} does not exist")))
}
