//! A report because somebody asks.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use model::{Period, Report, ReportKind};
use platform::{NoBody, NoQuery, Problem};
use store::Reports;

use crate::Reporter;

/// The routes of this function.
pub fn router(reporter: Reporter, reports: Reports) -> Router {
    platform::router(Router::new().route("/api/governance/report", post(generate)).with_state((reporter, reports)))
}

async fn generate(
    State((reporter, reports)): State<(Reporter, Reports)>,
    _: NoQuery,
    _: NoBody,
) -> Result<(StatusCode, Json<Report>), Problem> {
    let week = Period::trailing_week(reporter.clock().now());
    let report = reporter.report(ReportKind::OnDemand, week).await?;
    reports.add(&report).await?;
    Ok((StatusCode::CREATED, Json(report)))
}
