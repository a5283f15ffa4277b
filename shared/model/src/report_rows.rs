//! A report as the rows of a table.

use std::fmt::Display;

use crate::decision_counts::DecisionCounts;
use crate::report::Report;

/// Returns the figures and sentences of `report` as rows of three columns, which spreadsheets can sort and filter. The first row is the
/// heading. Names are those of the API.
#[must_use]
pub fn report_rows(report: &Report) -> Vec<[String; 3]> {
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
    let DecisionCounts { by_rule, by_reason, .. } = &summary.decisions;
    let numbers = Some(summary.decisions.named_numbers()).filter(|_| !summary.decisions.is_empty());
    for (name, number) in numbers.into_iter().flatten() {
        add("decisions", &name, &number);
    }
    for (rule, number) in by_rule {
        add("decisionsByRule", rule, number);
    }
    for (reason, number) in by_reason {
        add("decisionsByReason", reason, number);
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
