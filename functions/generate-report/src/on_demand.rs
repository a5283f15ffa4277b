//! A report because somebody asks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::{Period, Report, ReportKind};
use platform::{Access, Caller, NoBody, NoQuery, Problem, Routes};
use store::Reports;

use crate::Reporter;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<(Reporter, Reports)> {
    Routes::new().post("/api/governance/report", Access::Responder, generate)
}

async fn generate(
    State((reporter, reports)): State<(Reporter, Reports)>,
    caller: Caller,
    _: NoQuery,
    _: NoBody,
) -> Result<(StatusCode, Json<Report>), Problem> {
    let week = Period::trailing_week(reporter.clock().now());
    let report = reporter.report(ReportKind::OnDemand, week).await?;
    let report = Report { requested_by: Some(caller.kid), ..report };
    reports.add(&report).await?;
    Ok((StatusCode::CREATED, Json(report)))
}
