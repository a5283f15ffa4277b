//! The page of one report: the next steps, the scores, the events, the remediations and the incidents.

use std::time::Duration;

use age_http::{NoQuery, PathId, Problem};
use age_model::{Day, Engine, Report, ReportId, RiskLevel, Severity};
use age_policy::{ActivePolicy, Policy};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::engine_title::{engine_title, engine_titles};
use crate::format::format_duration;
use crate::page::{self, Section};
use crate::paths::report_path;
use crate::policy::category_title;
use crate::remediation_figures::{RemediationFigure, remediation_figures};
use crate::reports::labels::{first_and_last_day, kind_label};
use crate::safe_text::SafeText;
use crate::session::Session;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    session: &'a Session,
    section: Section,
    path: String,
    kind: String,
    report: &'a Report,
    first_day: Day,
    last_day: Day,
    scores: Vec<CategoryScore>,
    engines: Vec<(SafeText, u64)>,
    severities: Vec<(Severity, u64)>,
    remediations: Vec<RemediationFigure>,
    mean_time_to_outcome: Option<String>,
    median_time_to_acknowledge: Option<String>,
    /// None are an empty text.
    silent_engines: SafeText,
    /// The decisions in words, if there are any.
    decisions: Option<String>,
    /// How many decisions each guardrail has decided, the most first.
    rules: Vec<(SafeText, u64)>,
    /// Whether the current policy has scored the report. The thresholds of another policy are not known.
    is_of_current_policy: bool,
}

/// The score of a category.
struct CategoryScore {
    title: String,
    /// None if another policy has scored the report.
    level: Option<RiskLevel>,
    score: u32,
    /// The score before the limit of 100, if it is higher.
    raw_score: Option<u64>,
    previous_score: Option<u32>,
    is_highest: bool,
    /// The points by engine.
    points: SafeText,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<ReportId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let (report, policy) = (app.get_report(id).await?, &active.policy);
    let summary = &report.summary;
    let settled = |status| summary.actions.settled.get(&status).copied().unwrap_or_default();
    let format_seconds = |seconds: u64| format_duration(Duration::from_secs(seconds));
    let (first_day, last_day) = first_and_last_day(&report);
    let page = ReportPage {
        session: &session,
        section: Section::Reports,
        path: report_path(id),
        kind: kind_label(report.kind),
        first_day,
        last_day,
        scores: summary.risk_scores.keys().map(|category| CategoryScore::new(&report, category, &active)).collect(),
        engines: summary.by_engine.iter().map(|(engine, number)| (engine_title(policy, *engine), *number)).collect(),
        severities: summary.by_severity.iter().rev().map(|(severity, number)| (*severity, *number)).collect(),
        remediations: remediation_figures(summary.actions.running, settled),
        mean_time_to_outcome: summary.mean_seconds_to_outcome.map(format_seconds),
        median_time_to_acknowledge: summary.incidents.median_seconds_to_acknowledge.map(format_seconds),
        silent_engines: engine_titles(policy, &summary.silent_engines),
        decisions: summary.decisions.in_words(),
        rules: summary.decisions.most_decisive().into_iter().map(|(rule, it)| (SafeText::new(rule), it)).collect(),
        is_of_current_policy: report.policy_hash == active.hash,
        report: &report,
    };
    Ok(page::render(StatusCode::OK, &page))
}

impl CategoryScore {
    fn new(report: &Report, category: &str, active: &ActivePolicy) -> Self {
        let policy = &active.policy;
        let summary = &report.summary;
        let score = summary.risk_scores.get(category).copied().unwrap_or_default();
        let previous = summary.previous.as_ref();
        Self {
            title: category_title(category),
            level: (report.policy_hash == active.hash).then(|| policy.level(score)),
            score,
            raw_score: summary.raw_scores.get(category).copied().filter(|raw| *raw > u64::from(score)),
            previous_score: previous.and_then(|previous| previous.risk_scores.get(category)).copied(),
            is_highest: summary.peak_category.as_deref() == Some(category),
            points: format_points(report, category, policy),
        }
    }

    /// Returns how the score compares with that of the week before.
    fn change(&self) -> String {
        match self.previous_score {
            Some(previous) if self.score > previous => format!("▲\u{a0}{}", self.score - previous),
            Some(previous) if self.score < previous => format!("▼\u{a0}{}", previous - self.score),
            Some(_) => "none".to_owned(),
            None => "–".to_owned(),
        }
    }
}

/// Returns the points of each engine, the highest first.
fn format_points(report: &Report, category: &str, policy: &Policy) -> SafeText {
    let contributions = report.summary.contributions.get(category).into_iter().flatten();
    let mut points: Vec<(&Engine, &u64)> = contributions.filter(|(_, points)| **points > 0).collect();
    points.sort_by_key(|(_, points)| std::cmp::Reverse(**points));
    let points: Vec<_> = points.iter().map(|(engine, points)| format!("{} {points}", policy.title(engine))).collect();
    if points.is_empty() { SafeText::new("none") } else { SafeText::new(&points.join(", ")) }
}
