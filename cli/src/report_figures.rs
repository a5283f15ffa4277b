//! The figures of a report in the words of people, for every format in which they read it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use age_model::{Engine, Report, ReportKind, ReportSummary};

use crate::format::{NO_VALUE, format_count, format_duration, format_name, format_timestamp};

/// Scores end at 100.
pub(crate) const MAX_SCORE: u64 = 100;

/// Stands for the next steps of a report without any.
pub(crate) const NO_NEXT_STEP: &str = "none: no incident is unresolved, and no category is above its threshold";

/// The risk of a category.
pub(crate) struct CategoryFigures {
    pub(crate) name: String,
    pub(crate) score: u32,
    /// The score of the week before.
    pub(crate) previous: String,
    /// The engine with the most points, and how many it has. Empty if no engine has any.
    pub(crate) main_engine: String,
}

pub(crate) fn title(report: &Report) -> String {
    let period = match report.kind {
        ReportKind::Weekly => {
            let last_day = report.to.plus_millis(-1).day();
            format!("{} to {}", report.from.day().in_words(), last_day.in_words())
        }
        ReportKind::OnDemand | ReportKind::Unknown(_) => {
            format!("{} to {}", format_timestamp(report.from), format_timestamp(report.to))
        }
    };
    format!("AGE {} report, {period}", report.kind.as_str().replace('_', "-"))
}

pub(crate) fn origin(report: &Report) -> String {
    format!("Report {}, generated {}", report.id, format_timestamp(report.generated_at))
}

pub(crate) fn overview(report: &Report) -> [(&'static str, String); 4] {
    let summary = &report.summary;
    let peak = summary.peak_category.as_deref().map(|name| format!(", highest category: {}", format_category(name)));
    let previous = summary.previous.as_ref().map_or_else(
        || "no events".to_owned(),
        |week| format!("risk score {}, {}", week.risk_score, format_count(week.total_events, "event")),
    );
    [
        ("Risk level", format!("{}{}", report.risk_level, peak.unwrap_or_default())),
        ("Risk score", format!("{} of {MAX_SCORE}, the mean of all categories", report.risk_score)),
        ("Events", format!("{}, {} CRITICAL", summary.total_events, summary.critical_count)),
        ("Previous week", previous),
    ]
}

/// Returns the categories, the highest score first.
pub(crate) fn categories(summary: &ReportSummary) -> Vec<CategoryFigures> {
    let mut scores: Vec<_> = summary.risk_scores.iter().collect();
    scores.sort_by_key(|(_, score)| Reverse(**score));
    let previous = summary.previous.as_ref().map(|week| &week.risk_scores);
    let figures = scores.into_iter().map(|(category, score)| CategoryFigures {
        name: format_category(category),
        score: *score,
        previous: previous
            .and_then(|scores| scores.get(category))
            .map_or_else(|| NO_VALUE.to_owned(), ToString::to_string),
        main_engine: summary.contributions.get(category).and_then(main_engine).unwrap_or_default(),
    });
    figures.collect()
}

fn main_engine(points: &BTreeMap<Engine, u64>) -> Option<String> {
    let (engine, points) = points.iter().filter(|(_, points)| **points > 0).max_by_key(|(_, points)| **points)?;
    Some(format!("{engine}, {points}"))
}

/// Returns the number of events by severity, the highest severity first.
pub(crate) fn severities(summary: &ReportSummary) -> Vec<(&str, u64)> {
    summary.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count)).collect()
}

/// Returns the number of events by engine, the largest first.
pub(crate) fn engines(summary: &ReportSummary) -> Vec<(&str, u64)> {
    let mut counts: Vec<_> = summary.by_engine.iter().map(|(engine, count)| (engine.as_str(), *count)).collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// Returns what was done about the events.
pub(crate) fn response(summary: &ReportSummary) -> [(&'static str, String); 6] {
    let (incidents, unresolved) = (&summary.incidents, &summary.unresolved_incidents);
    let actions = &summary.actions;
    let ended = actions.settled.iter().map(|(status, count)| (status.as_str(), *count));
    let remediations: Vec<_> = std::iter::once(("running", actions.running))
        .chain(ended)
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", format_name(status)))
        .collect();
    let silent_engines: Vec<_> = summary.silent_engines.iter().map(ToString::to_string).collect();
    [
        ("Remediations", format_list(&remediations)),
        ("Mean time to outcome", format_seconds(summary.mean_seconds_to_outcome)),
        ("Incidents", format!("{} opened, {} acknowledged", incidents.opened, incidents.acknowledged)),
        ("Unresolved incidents", format!("{} open, {} acknowledged", unresolved.open, unresolved.acknowledged)),
        ("Median time to acknowledge", format_seconds(incidents.median_seconds_to_acknowledge)),
        ("Silent engines", format_list(&silent_engines)),
    ]
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
