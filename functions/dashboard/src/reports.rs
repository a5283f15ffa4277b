//! Reports: a list with the trend of scores, each on a page and as a file, and a new one when somebody asks.

pub(crate) mod list;
pub(crate) mod one;
mod table;

use age_model::{Day, Period, Report, ReportId, ReportKind};
use age_platform::{NoQuery, Problem};
use axum::extract::State;
use axum::response::Response;

use crate::form::Form;
use crate::session::Session;
use crate::{App, page};

/// Where the page of a report is.
pub(crate) fn path(id: ReportId) -> String {
    format!("/dashboard/reports/{id}")
}

/// Makes a report of the last 168 whole hours and the running one, and shows it.
pub(crate) async fn make(
    State(App(app)): State<App>,
    session: Session,
    _: NoQuery,
    Form(form): Form,
) -> Result<Response, Problem> {
    form.finish()?;
    let (tables, clock) = (&app.tables, app.clock.as_ref());
    let week = Period::trailing_week(clock.now());
    let figures = age_store::figures(tables.life.rollups(), &tables.incidents, week, None).await?;
    let report = age_scoring::report(&app.policy, ReportKind::OnDemand, week, figures, clock);
    let report = Report { requested_by: Some(session.caller.kid), ..report };
    tables.reports.add(&report).await?;
    Ok(page::see(&path(report.id)))
}

/// The first and the last day of a report. It ends before the moment `to`.
fn days(report: &Report) -> (Day, Day) {
    (report.from.day(), report.to.plus_millis(-1).day())
}

const fn kind(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Weekly => "weekly",
        ReportKind::OnDemand => "on demand",
    }
}
