//! A report as text for a terminal of 80 columns.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use age_model::{Engine, Report, ReportKind, ReportStep, ReportSummary, visible_line};

use crate::format::{NO_VALUE, format_count, format_duration, format_name, format_timestamp};
use crate::text_layout::{
    BAR_WIDTH, INDENT, NAME_WIDTH, format_bar, format_bars, format_labelled, format_section, wrap,
};

/// Scores end at 100.
const MAX_SCORE: u64 = 100;

/// Formats `report` in sections with a title each. `base_url` is the URL of AGE, for links.
pub(crate) fn format_report(report: &Report, base_url: &str) -> String {
    let summary = &report.summary;
    [
        format_overview(report),
        format_categories(summary),
        format_severities(summary),
        format_engines(summary),
        format_response(summary),
        format_next_steps(&report.next_steps, base_url),
        format!("Report {}, generated {}", report.id, format_timestamp(report.generated_at)),
    ]
    .join("\n\n")
}

fn format_overview(report: &Report) -> String {
    let summary = &report.summary;
    let period = match report.kind {
        ReportKind::Weekly => {
            let last_day = report.to.plus_millis(-1).day();
            format!("{} to {}", report.from.day().in_words(), last_day.in_words())
        }
        ReportKind::OnDemand | ReportKind::Unknown(_) => {
            format!("{} to {}", format_timestamp(report.from), format_timestamp(report.to))
        }
    };
    let peak = summary.peak_category.as_deref().map(|name| format!(", highest category: {}", format_category(name)));
    let critical = summary.critical_count;
    let previous = summary.previous.as_ref().map_or_else(
        || "no events".to_owned(),
        |week| format!("risk score {}, {}", week.risk_score, format_count(week.total_events, "event")),
    );
    let rows = [
        ("Risk level", format!("{}{}", report.risk_level, peak.unwrap_or_default())),
        ("Risk score", format!("{} of {MAX_SCORE}, the mean of all categories", report.risk_score)),
        ("Events", format!("{}, {critical} CRITICAL", summary.total_events)),
        ("Previous week", previous),
    ];
    let title = format!("AGE {} report, {period}", report.kind.as_str().replace('_', "-"));
    format_section(&title, rows.map(format_labelled))
}

fn format_categories(summary: &ReportSummary) -> String {
    let mut scores: Vec<_> = summary.risk_scores.iter().collect();
    scores.sort_by_key(|(_, score)| Reverse(**score));
    let previous = summary.previous.as_ref().map(|week| &week.risk_scores);
    let rows = scores.into_iter().map(|(category, score)| {
        let previous_score = previous.and_then(|scores| scores.get(category)).map(ToString::to_string);
        let previous_score = previous_score.unwrap_or_else(|| NO_VALUE.to_owned());
        let main_engine = summary.contributions.get(category).and_then(main_engine).unwrap_or_default();
        let bar = format_bar(&format_category(category), u64::from(*score), MAX_SCORE);
        format!("{bar}{previous_score:>10}  {main_engine}").trim_end().to_owned()
    });
    let title_width = INDENT + NAME_WIDTH + BAR_WIDTH;
    let title = format!("{:<title_width$}{:>6}{:>10}  main engine, points", "Risk by category", "score", "previous");
    format_section(&title, rows)
}

/// The engine with the most points, and how many it has. `None` if no engine has any.
fn main_engine(points: &BTreeMap<Engine, u64>) -> Option<String> {
    let (engine, points) = points.iter().filter(|(_, points)| **points > 0).max_by_key(|(_, points)| **points)?;
    Some(visible_line(&format!("{engine}, {points}")))
}

fn format_severities(summary: &ReportSummary) -> String {
    let counts = summary.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
    format_bars("Events by severity", counts)
}

fn format_engines(summary: &ReportSummary) -> String {
    let mut counts: Vec<_> = summary.by_engine.iter().map(|(engine, count)| (engine.as_str(), *count)).collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    format_bars("Events by engine", counts)
}

fn format_response(summary: &ReportSummary) -> String {
    let incidents = &summary.incidents;
    let actions = &summary.actions;
    let ended = actions.settled.iter().map(|(status, count)| (status.as_str(), *count));
    let remediations: Vec<_> = std::iter::once(("running", actions.running))
        .chain(ended)
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", format_name(status)))
        .collect();
    let silent_engines: Vec<_> = summary.silent_engines.iter().map(ToString::to_string).collect();
    let rows = [
        ("Remediations", format_list(&remediations)),
        ("Mean time to outcome", format_seconds(summary.mean_seconds_to_outcome)),
        ("Incidents", format!("{} opened, {} acknowledged", incidents.opened, incidents.acknowledged)),
        (
            "Unresolved incidents",
            format!(
                "{} open, {} acknowledged",
                summary.unresolved_incidents.open, summary.unresolved_incidents.acknowledged
            ),
        ),
        ("Median time to acknowledge", format_seconds(incidents.median_seconds_to_acknowledge)),
        ("Silent engines", format_list(&silent_engines)),
    ];
    format_section("Remediations and incidents", rows.map(format_labelled))
}

fn format_next_steps(steps: &[ReportStep], base_url: &str) -> String {
    let rows = steps.iter().map(|step| {
        let text = wrap("  • ", step.text.split_whitespace());
        let detail = wrap("    ", format!("{}.", step.detail).split_whitespace());
        format!("{text}\n{detail}\n    {base_url}{}", visible_line(&step.path))
    });
    let rows: Vec<String> = rows.collect();
    let none = "  none: no incident is unresolved, and no category is above its threshold".to_owned();
    format_section("Next steps", if rows.is_empty() { vec![none] } else { rows })
}

fn format_category(name: &str) -> String {
    format_name(name.trim_end_matches("_risk"))
}

fn format_list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn format_seconds(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| NO_VALUE.to_owned(), |seconds| format_duration(Duration::from_secs(seconds)))
}
