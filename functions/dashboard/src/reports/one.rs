//! One report: on one page, each recommendation with the figures behind it; and as a file.

use age_model::{Day, Engine, Report, ReportId, RiskLevel, Severity};
use age_platform::{NoQuery, PathId, Problem};
use age_scoring::{Category, Policy};
use age_store::Consistency;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::table;
use crate::page::{self, Part};
use crate::session::Session;
use crate::text::{capitalised, count, span, words};
use crate::{App, Parts, actions, file, reports};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    path: String,
    kind: &'static str,
    report: &'a Report,
    /// The first and the last.
    days: (Day, Day),
    scores: Vec<Score>,
    advice: Vec<Advice>,
    engines: Vec<(&'a str, u64)>,
    severities: Vec<(Severity, u64)>,
    activity: Vec<(&'static str, u64)>,
    took: Option<String>,
    taken_after: Option<String>,
    silent: Vec<&'a str>,
    /// Whether the policy is another by now: its thresholds would not be those of the report.
    is_of_another_policy: bool,
}

/// A category's score.
struct Score {
    title: String,
    /// None if it was scored by another policy, whose levels are not known here.
    level: Option<RiskLevel>,
    now: u32,
    /// The score before the cap, if that hides something.
    raw: Option<u64>,
    before: Option<u32>,
    is_peak: bool,
    /// Which engines it comes from.
    parts: String,
}

/// A recommendation, and the figures behind it.
struct Advice {
    text: String,
    because: Option<String>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (report, policy) = (app.report(id).await?, &app.policy);
    let summary = &report.summary;
    let settled = |status| summary.actions.settled.get(&status).copied().unwrap_or_default();
    let in_words = |seconds: u64| span(i64::try_from(seconds).unwrap_or(i64::MAX));
    let page = Page {
        session: &session,
        part: Part::Reports,
        path: reports::path(id),
        kind: reports::kind(report.kind),
        days: reports::days(&report),
        scores: summary.risk_scores.keys().map(|category| Score::of(&report, category, policy)).collect(),
        advice: report.recommendations.iter().map(|text| Advice::of(text, &report, policy)).collect(),
        engines: summary.by_engine.iter().map(|(engine, number)| (policy.title(*engine), *number)).collect(),
        severities: summary.by_severity.iter().rev().map(|(severity, number)| (*severity, *number)).collect(),
        activity: actions::outcomes(summary.actions.running, settled),
        took: summary.mean_seconds_to_outcome.map(in_words),
        taken_after: summary.incidents.median_seconds_to_acknowledge.map(in_words),
        silent: summary.silent_engines.iter().map(|engine| policy.title(*engine)).collect(),
        is_of_another_policy: report.policy_hash != Policy::HASH,
        report: &report,
    };
    Ok(page::html(StatusCode::OK, &page))
}

/// Its figures as a table.
pub(crate) async fn csv(
    State(App(app)): State<App>,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let report = app.report(id).await?;
    Ok(file::csv(&format!("age-report-{}.csv", report.report_period), table::rows(&report)))
}

/// The report as the API has it.
pub(crate) async fn json(
    State(App(app)): State<App>,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let report = app.report(id).await?;
    let json = serde_json::to_vec_pretty(&report).map_err(|error| {
        tracing::error!(%error, "a report cannot be written as JSON");
        Problem::unavailable("the report cannot be written as JSON")
    })?;
    Ok(file::json(&format!("age-report-{}.json", report.report_period), json))
}

impl Parts {
    async fn report(&self, id: ReportId) -> Result<Report, Problem> {
        let report = self.tables.reports.get(id, Consistency::Strong).await?;
        report.ok_or_else(|| Problem::not_found("there is no report with this id"))
    }
}

impl Score {
    fn of(report: &Report, category: &str, policy: &Policy) -> Self {
        let summary = &report.summary;
        let score = summary.risk_scores.get(category).copied().unwrap_or_default();
        let raw = summary.raw_scores.get(category).copied().filter(|raw| *raw > u64::from(score));
        let before = summary.previous.as_ref().and_then(|previous| previous.risk_scores.get(category)).copied();
        Self {
            title: capitalised(&words(category)),
            level: (report.policy_hash == Policy::HASH).then(|| policy.level(score)),
            now: score,
            raw,
            before,
            is_peak: summary.peak_category.as_deref() == Some(category),
            parts: parts(report, category, policy),
        }
    }

    /// How it compares with the week before.
    fn trend(&self) -> String {
        match self.before {
            Some(before) if self.now > before => format!("▲ {}", self.now - before),
            Some(before) if self.now < before => format!("▼ {}", before - self.now),
            Some(_) => "the same".to_owned(),
            None => "–".to_owned(),
        }
    }
}

/// How many points each engine brought, those that brought most first.
fn parts(report: &Report, category: &str, policy: &Policy) -> String {
    let contributions = report.summary.contributions.get(category).into_iter().flatten();
    let mut points: Vec<(&Engine, &u64)> = contributions.filter(|(_, points)| **points > 0).collect();
    points.sort_by_key(|(_, points)| std::cmp::Reverse(**points));
    let points: Vec<_> = points.iter().map(|(engine, points)| format!("{} {points}", policy.title(**engine))).collect();
    if points.is_empty() { "nothing".to_owned() } else { points.join(", ") }
}

impl Advice {
    fn of(text: &str, report: &Report, policy: &Policy) -> Self {
        // Another policy's thresholds are not known here.
        if report.policy_hash != Policy::HASH {
            return Self { text: text.to_owned(), because: None };
        }
        let of_category = |category: &&Category| category.recommendation == text;
        let because = match policy.categories.iter().find(of_category) {
            Some(category) => Some(above(report, category, policy)),
            None if text == policy.critical_advice(report.summary.critical_count) => {
                let critical = count(report.summary.critical_count, "CRITICAL event");
                Some(format!("{critical} of {} in all", report.summary.total_events))
            }
            None => None,
        };
        Self { text: text.to_owned(), because }
    }
}

/// Why something is recommended about `category`.
fn above(report: &Report, category: &Category, policy: &Policy) -> String {
    let score = report.summary.risk_scores.get(&category.name).copied().unwrap_or_default();
    let (title, points) = (capitalised(&words(&category.name)), parts(report, &category.name, policy));
    format!("{title} is {score}, above {}. Points: {points}", category.recommend_above)
}
