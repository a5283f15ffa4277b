//! Generates reports on demand. The binary `weekly-report` generates them on a schedule.

use age_governance::ReportGenerator;
use age_http::{Access, Caller, NoBody, NoQuery, Problem, Routes};
use age_model::Report;
use age_store::Reports;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

/// The state of the handler. Build one per execution environment.
#[derive(Clone)]
pub struct App {
    /// Generates reports.
    pub generator: ReportGenerator,
    /// Stores them.
    pub reports: Reports,
}

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(generate_report))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new().post("/api/governance/report", Access::Responder, generate_report)
}

/// Generate a report
///
/// Generates and stores a report of the last 168 whole hours and the current one.
#[utoipa::path(post, path = "/api/governance/report", operation_id = "generate_report", tag = "Reports", responses(
        (status = 201, description = "The report", body = Report),
        (status = 400, description = "The body is not JSON; none is required"),
        (status = 413, description = "The body is too large"),
    ))]
async fn generate_report(State(app): State<App>, caller: Caller, _: NoQuery, _: NoBody) -> Result<Response, Problem> {
    let report = app.generator.generate_on_demand(&app.reports, caller.kid).await?;
    let location = format!("/api/governance/reports/{}", report.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(report)).into_response())
}
