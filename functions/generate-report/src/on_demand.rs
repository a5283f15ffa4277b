//! A report because somebody asks.

use age_model::{Period, Report, ReportKind};
use age_platform::{Access, Caller, NoBody, NoQuery, Problem, Routes};
use age_store::Reports;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa::OpenApi;

use crate::Reporter;

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(generate))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<(Reporter, Reports)> {
    Routes::new().post("/api/governance/report", Access::Responder, generate)
}

/// Makes a report of the last 168 whole hours and the running one.
#[utoipa::path(post, path = "/api/governance/report", operation_id = "make_report", tag = "Reports", responses(
        (status = 201, description = "The report", body = Report),
        (status = 400, description = "A body that is not JSON; none is needed"),
        (status = 413, description = "Too large a body"),
    ))]
async fn generate(
    State((reporter, reports)): State<(Reporter, Reports)>,
    caller: Caller,
    _: NoQuery,
    _: NoBody,
) -> Result<(StatusCode, Json<Report>), Problem> {
    let week = Period::trailing_week(reporter.clock().now());
    let report = reporter.report(ReportKind::OnDemand, week, None).await?;
    let report = Report { requested_by: Some(caller.kid), ..report };
    reports.add(&report).await?;
    Ok((StatusCode::CREATED, Json(report)))
}
