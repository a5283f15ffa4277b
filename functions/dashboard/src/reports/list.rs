//! The list, newest first, with the trend of the weekly scores.

use age_model::{Day, KeyId, Report, ReportKind, RiskLevel, Timestamp};
use age_platform::{Problem, Query};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::page::{self, Part};
use crate::session::Session;
use crate::text::count;
use crate::{App, reports};

/// How many are on a page: half a year of weekly ones.
const LIMIT: usize = 26;

const SCOPE: &str = "dashboard reports";

/// The schedule makes the weekly report so long after Monday's midnight.
const MADE_AFTER_SECONDS: i64 = 300;

/// The trend's own units: as wide as this for each report, and as high as the highest score.
const STEP: usize = 20;
const HEIGHT: u32 = 100;

#[derive(Template)]
#[template(path = "reports.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    rows: Vec<Row>,
    trend: Option<Trend>,
    /// When the schedule makes the next one.
    due_at: Timestamp,
    /// Where the list goes on.
    next: Option<String>,
    is_later: bool,
}

/// A report as the list has it.
struct Row {
    path: String,
    kind: &'static str,
    days: (Day, Day),
    score: u32,
    level: RiskLevel,
    events: String,
    generated_at: Timestamp,
    requested_by: Option<KeyId>,
}

/// The scores of the weekly reports, the earliest first.
struct Trend {
    width: usize,
    height: u32,
    points: String,
    says: String,
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, mut query: Query) -> Result<Response, Problem> {
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;
    let before = cursor.map(|cursor| app.cursors.open(SCOPE, &cursor)).transpose()?;
    let reports = &app.tables.reports;
    let weekly = reports.newest(ReportKind::Weekly, LIMIT, None);
    let (page, weekly) = try_join!(reports.list(LIMIT, before.as_ref()), weekly)?;
    let next = page.next.map(|position| app.cursors.seal(SCOPE, &position));
    let page = Page {
        session: &session,
        part: Part::Reports,
        trend: Trend::of(&weekly),
        rows: page.reports.into_iter().map(Row::from).collect(),
        due_at: app.clock.now().day().monday().start().plus_days(7).plus_seconds(MADE_AFTER_SECONDS),
        next: next.map(|cursor| format!("/dashboard/reports?cursor={cursor}")),
        is_later: before.is_some(),
    };
    Ok(page::html(StatusCode::OK, &page))
}

impl From<Report> for Row {
    fn from(report: Report) -> Self {
        Self {
            path: reports::path(report.id),
            kind: reports::kind(report.kind),
            days: reports::days(&report),
            score: report.risk_score,
            level: report.risk_level,
            events: count(report.summary.total_events, "event"),
            generated_at: report.generated_at,
            requested_by: report.requested_by,
        }
    }
}

impl Trend {
    /// That of the `weekly` ones, the newest first. None, unless there are two to compare.
    fn of(weekly: &[Report]) -> Option<Self> {
        let scores: Vec<u32> = weekly.iter().rev().map(|report| report.risk_score).collect();
        let steps = scores.len().checked_sub(1).filter(|steps| *steps > 0)?;
        let point = |(place, score): (usize, &u32)| format!("{},{}", place * STEP, HEIGHT.saturating_sub(*score));
        let points: Vec<_> = scores.iter().enumerate().map(point).collect();
        let scores: Vec<_> = scores.iter().map(u32::to_string).collect();
        Some(Self {
            width: steps * STEP,
            height: HEIGHT,
            points: points.join(" "),
            says: format!("Of 100, the earliest week first: {}", scores.join(", ")),
        })
    }
}
