//! A report as a file: JSON as the API has it, or CSV.

use age_http::{NoQuery, PathId, Problem};
use age_model::{ReportId, report_rows};
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::download::{csv_response, json_response};

pub(crate) async fn download_csv(
    State(App(app)): State<App>,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let report = app.get_report(id).await?;
    Ok(csv_response(&format!("age-report-{}.csv", report.report_period), report_rows(&report)))
}

pub(crate) async fn download_json(
    State(App(app)): State<App>,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let report = app.get_report(id).await?;
    let json = serde_json::to_vec_pretty(&report).map_err(|error| {
        tracing::error!(report.id = %id, %error, "failed to serialize report {id}: {error}");
        Problem::unavailable(format!("report {id} cannot be written as JSON"))
    })?;
    Ok(json_response(&format!("age-report-{}.json", report.report_period), json))
}
