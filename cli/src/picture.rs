//! A report as a person reads it: on one screen, 80 columns wide.

use std::fmt::Display;
use std::time::Duration;

use age_model::{Report, ReportKind, ReportSummary};

use crate::table::{NOTHING, moment, number_of};

const BAR: usize = 36;
/// How wide a name is.
const NAME: usize = 16;

/// `report`, drawn.
pub(crate) fn of(report: &Report) -> String {
    let parts =
        [head(report), categories(&report.summary), events(&report.summary), deeds(&report.summary), advice(report)];
    parts.join("\n\n")
}

fn head(report: &Report) -> String {
    let summary = &report.summary;
    let period = match report.kind {
        ReportKind::Weekly => {
            format!("{} - {}", report.from.day().in_words(), report.to.plus_millis(-1).day().in_words())
        }
        ReportKind::OnDemand => format!("{} - {}", moment(report.from), moment(report.to)),
    };
    let peak = summary.peak_category.as_ref().map(|name| format!(", highest in {}", words(name)));
    let before = match &summary.previous {
        Some(before) => {
            format!("The week before: risk {}, {}.", before.risk_score, number_of(before.total_events, "event"))
        }
        None => "Nothing was reported the week before.".to_owned(),
    };
    [
        format!("AGE {} report, {period}", report.kind.as_str().replace('_', "-")),
        format!("Risk {} of 100, level {}{}", report.risk_score, report.risk_level, peak.unwrap_or_default()),
        format!("{}, {} of them critical.  {before}", number_of(summary.total_events, "event"), summary.critical_count),
    ]
    .join("\n")
}

fn categories(summary: &ReportSummary) -> String {
    let mut scores: Vec<_> = summary.risk_scores.iter().collect();
    scores.sort_by_key(|(_, score)| std::cmp::Reverse(**score));
    let title = format!("{:<width$} score", "By category", width = NAME + 2 + BAR);
    let rows = scores.into_iter().map(|(name, score)| row(&words(name), (*score).into(), 100));
    lines(title, rows)
}

fn events(summary: &ReportSummary) -> String {
    let severities: Vec<_> =
        summary.by_severity.iter().rev().map(|(severity, number)| format!("{number} {severity}")).collect();
    let title = format!("By engine: {}", severities.join(", "));
    let most = summary.by_engine.values().copied().max().unwrap_or_default();
    lines(title, summary.by_engine.iter().map(|(engine, number)| row(engine.as_str(), *number, most)))
}

fn deeds(summary: &ReportSummary) -> String {
    let told = &summary.incidents;
    let statuses = summary.actions.settled.iter().map(|(status, number)| (status.as_str(), *number));
    let remedies: Vec<_> = std::iter::once(("running", summary.actions.running))
        .chain(statuses)
        .filter(|(_, number)| *number > 0)
        .map(|(status, number)| format!("{number} {}", status.replace('_', " ")))
        .collect();
    let silent: Vec<_> = summary.silent_engines.iter().map(ToString::to_string).collect();
    let rows = [
        ("remedies", joined(&remedies)),
        ("answered after", lasting(summary.mean_seconds_to_outcome, "on average")),
        ("incidents", format!("{} opened, {} acknowledged", told.opened, told.acknowledged)),
        ("taken after", lasting(told.median_seconds_to_acknowledge, "(the median)")),
        ("silent engines", joined(&silent)),
    ];
    lines("What AGE did", rows.map(|(name, text)| format!("  {name:<NAME$}{text}")))
}

fn advice(report: &Report) -> String {
    if report.recommendations.is_empty() {
        return "Recommended\n  nothing: no category is above its threshold".to_owned();
    }
    lines("Recommended", report.recommendations.iter().map(|text| format!("  • {text}")))
}

fn lines(title: impl Display, rows: impl IntoIterator<Item = String>) -> String {
    rows.into_iter().fold(title.to_string(), |text, row| text + "\n" + &row)
}

fn row(name: &str, value: u64, most: u64) -> String {
    format!("  {name:<NAME$}{:<BAR$} {value:>5}", "█".repeat(cells(value, most)))
}

/// What is there at all shows as at least one cell.
fn cells(value: u64, most: u64) -> usize {
    let width = BAR as u64;
    let cells = value.saturating_mul(width).checked_div(most).unwrap_or_default();
    usize::try_from(cells.clamp(u64::from(value > 0), width)).unwrap_or(BAR)
}

fn words(name: &str) -> String {
    name.trim_end_matches("_risk").replace('_', " ")
}

fn joined(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn lasting(seconds: Option<u64>, how: &str) -> String {
    seconds.map_or_else(
        || NOTHING.to_owned(),
        |seconds| format!("{} {how}", humantime::format_duration(Duration::from_secs(seconds))),
    )
}
