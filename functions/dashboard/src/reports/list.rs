//! The list of reports, newest first, with the trend of the weekly scores.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Day, KeyId, Report, ReportKind, RiskLevel, Timestamp};
use age_store::ReportFilter;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::app::App;
use crate::day_span::DaySpan;
use crate::format::format_count;
use crate::page::{self, Section};
use crate::paths::{list_url, report_path};
use crate::reports::labels::{first_and_last_day, kind_label};
use crate::session::Session;

/// The reports of a page, and the weekly reports of the trend: half a year.
const PAGE_SIZE: usize = 26;

/// The schedule runs the weekly report this long after Monday, 00:00 UTC.
const WEEKLY_REPORT_DELAY_SECONDS: i64 = 300;

/// The width of a week, in units of the trend.
const WEEK_WIDTH: usize = 20;
/// The height of the trend, in its units: that of the highest score.
const HEIGHT: u32 = 100;

#[derive(Template)]
#[template(path = "reports.html")]
struct ReportsPage<'a> {
    session: &'a Session,
    section: Section,
    form: ReportFilterForm,
    reports: Vec<ReportRow>,
    /// How many reports of the page cannot be read.
    unreadable: usize,
    trend: Option<ScoreTrend>,
    /// When the schedule generates the next weekly report.
    next_weekly_at: Timestamp,
    next_page: Option<String>,
    has_previous_page: bool,
}

/// The fields of the filter form, as they stand in the URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ReportFilterForm {
    kind: Option<ReportKind>,
    /// When they were generated.
    days: DaySpan,
}

struct ReportRow {
    path: String,
    kind: String,
    first_day: Day,
    last_day: Day,
    score: u32,
    level: RiskLevel,
    events: String,
    generated_at: Timestamp,
    requested_by: Option<KeyId>,
}

/// The scores of the weekly reports, the earliest first.
struct ScoreTrend {
    width: usize,
    height: u32,
    points: String,
    /// The scores as a text.
    scores: String,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    cursors: CursorKey,
    query: Query,
) -> Result<Response, Problem> {
    let mut query = query.without_blanks();
    let form = ReportFilterForm { kind: query.optional("kind"), days: DaySpan::read(&mut query) };
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;
    let scope = CursorScope::new("dashboard/reports").filter("filter", Some(&form.url(None)));
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let (reports, filter) = (&app.tables.reports, form.filter());
    let weekly = reports.newest(ReportKind::Weekly, PAGE_SIZE);
    let (found, weekly) = try_join!(reports.list(&filter, PAGE_SIZE, before.as_ref()), weekly)?;
    let cursor = found.next.map(|position| cursors.seal(&scope, &position));
    let next_monday = app.clock.now().day().monday().start().plus_days(7);
    let page = ReportsPage {
        session: &session,
        section: Section::Reports,
        form,
        trend: ScoreTrend::of(&weekly),
        reports: found.reports.into_iter().map(ReportRow::from).collect(),
        unreadable: found.unreadable.len(),
        next_weekly_at: next_monday.plus_seconds(WEEKLY_REPORT_DELAY_SECONDS),
        next_page: cursor.map(|cursor| form.url(Some(cursor))),
        has_previous_page: before.is_some(),
    };
    Ok(page::render(StatusCode::OK, &page))
}

impl ReportFilterForm {
    fn filter(self) -> ReportFilter {
        let Self { kind, days } = self;
        ReportFilter { kinds: kind.into_iter().collect(), from: days.start(), to: days.end() }
    }

    /// Returns the URL of the list with these fields.
    fn url(self, cursor: Option<String>) -> String {
        let kind = ("kind", self.kind.map(|kind| kind.to_string()));
        list_url("/dashboard/reports", [kind].into_iter().chain(self.days.fields()).chain([("cursor", cursor)]))
    }

    fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl From<Report> for ReportRow {
    fn from(report: Report) -> Self {
        let (first_day, last_day) = first_and_last_day(&report);
        Self {
            path: report_path(report.id),
            kind: kind_label(report.kind),
            first_day,
            last_day,
            score: report.risk_score,
            level: report.risk_level,
            events: format_count(report.summary.total_events, "event"),
            generated_at: report.generated_at,
            requested_by: report.requested_by,
        }
    }
}

impl ScoreTrend {
    /// Returns the trend of `weekly` reports, the newest of which is the first. None if there are fewer than two.
    fn of(weekly: &[Report]) -> Option<Self> {
        let scores: Vec<u32> = weekly.iter().rev().map(|report| report.risk_score).collect();
        let steps = scores.len().checked_sub(1).filter(|steps| *steps > 0)?;
        let point = |(index, score): (usize, &u32)| format!("{},{}", index * WEEK_WIDTH, HEIGHT.saturating_sub(*score));
        let points: Vec<_> = scores.iter().enumerate().map(point).collect();
        let scores: Vec<_> = scores.iter().map(u32::to_string).collect();
        Some(Self { width: steps * WEEK_WIDTH, height: HEIGHT, points: points.join(" "), scores: scores.join(", ") })
    }
}
