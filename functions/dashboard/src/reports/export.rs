//! A report as a file: JSON as the API has it, or CSV of three columns, which spreadsheets can sort and filter.

use std::fmt::Display;

use age_http::{NoQuery, PathId, Problem};
use age_model::{Report, ReportId};
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
    Ok(csv_response(&format!("age-report-{}.csv", report.report_period), csv_rows(&report)))
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

/// Returns the rows of the file, the heading first. Names are those of the API.
fn csv_rows(report: &Report) -> Vec<[String; 3]> {
    let mut rows = vec![["section", "name", "value"].map(str::to_owned)];
    let mut add = |section: &str, name: &dyn Display, value: &dyn Display| {
        rows.push([section.to_owned(), name.to_string(), value.to_string()]);
    };
    let Report { summary, .. } = report;
    add("report", &"id", &report.id);
    add("report", &"kind", &report.kind);
    add("report", &"from", &report.from);
    add("report", &"to", &report.to);
    add("report", &"generatedAt", &report.generated_at);
    if let Some(kid) = &report.requested_by {
        add("report", &"requestedBy", kid);
    }
    add("report", &"policyHash", &report.policy_hash);
    add("report", &"riskScore", &report.risk_score);
    add("report", &"riskLevel", &report.risk_level);
    add("report", &"totalEvents", &summary.total_events);
    add("report", &"criticalCount", &summary.critical_count);
    for (category, score) in &summary.risk_scores {
        add("riskScores", category, score);
    }
    for (category, score) in &summary.raw_scores {
        add("rawScores", category, score);
    }
    for (category, engines) in &summary.contributions {
        for (engine, points) in engines {
            add("contributions", &format_args!("{category} {engine}"), points);
        }
    }
    for (engine, number) in &summary.by_engine {
        add("byEngine", engine, number);
    }
    for (severity, number) in &summary.by_severity {
        add("bySeverity", severity, number);
    }
    add("actions", &"running", &summary.actions.running);
    for (status, number) in &summary.actions.settled {
        add("actions", status, number);
    }
    if let Some(seconds) = summary.mean_seconds_to_outcome {
        add("actions", &"meanSecondsToOutcome", &seconds);
    }
    add("incidents", &"opened", &summary.incidents.opened);
    add("incidents", &"acknowledged", &summary.incidents.acknowledged);
    if let Some(seconds) = summary.incidents.median_seconds_to_acknowledge {
        add("incidents", &"medianSecondsToAcknowledge", &seconds);
    }
    add("unresolvedIncidents", &"open", &summary.unresolved_incidents.open);
    add("unresolvedIncidents", &"acknowledged", &summary.unresolved_incidents.acknowledged);
    for engine in &summary.silent_engines {
        add("silentEngines", engine, &"silent");
    }
    if let Some(previous) = &summary.previous {
        add("previous", &"riskScore", &previous.risk_score);
        add("previous", &"totalEvents", &previous.total_events);
        for (category, score) in &previous.risk_scores {
            add("previousRiskScores", category, score);
        }
    }
    for (number, step) in (1..).zip(&report.next_steps) {
        add("nextSteps", &number, &format_args!("{}. {}", step.text, step.detail));
    }
    for (number, text) in (1..).zip(&report.recommendations) {
        add("recommendations", &number, text);
    }
    rows
}
