//! The first page: what needs a person, which risk is high and since when, what AGE did and whether it helped.

mod chart;
mod engines;
mod heat;
mod needs;
mod risk;

use std::collections::BTreeMap;

use age_model::{EventCounts, Period, Severity, Timestamp};
use age_platform::{NoQuery, Problem};
use age_store::Freshness;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chart::Chart;
use engines::Row;
use heat::Heat;
use needs::Needs;
use risk::{Risk, Since};
use tokio::try_join;

use crate::page::{self, Part};
use crate::session::Session;
use crate::text::span;
use crate::{App, Tables, actions};

/// How far back the page looks: the days of its chart.
const DAYS: i64 = 30;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    now: Timestamp,
    needs: Needs,
    risks: Vec<Risk>,
    chart: Chart,
    heat: Heat,
    engines: Vec<Row>,
    activity: Vec<(&'static str, u64)>,
    /// How long workers took on average, if any has answered.
    took: Option<String>,
}

/// However many events there are, it makes 19 reads: 2 of the incidents that are not over, 8 of the actions that have not
/// ended, 8 of the counters of 30 days, and 1 of how AGE is. An engine whose counters
/// were spread over several rows in these days has one more for each further row, and each answer of over a megabyte has a
/// second one.
pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let now = app.clock.now();
    let (days, week) = (Period::trailing_hours(now, DAYS * 24), Period::trailing_week(now));
    let Tables { life, incidents, .. } = &app.tables;
    let (health, counted) = (life.health(), life.rollups().of(days, Freshness::Remembered(now)));
    let (unresolved, open_actions, counted, health) =
        try_join!(incidents.unresolved(), life.actions().open_actions(), counted, health.get())?;
    let (hours, acted) = (counted.by_hour(days), counted.actions(week));
    let settled = |status| acted.by_status.get(&status).copied().unwrap_or_default();
    let page = Page {
        session: &session,
        part: Part::Overview,
        now,
        risks: risk::all(&app.policy, &hours, now),
        chart: Chart::of(&hours, now),
        heat: Heat::of(&app.policy, &hours, now),
        engines: engines::rows(&app.policy, &hours, (&unresolved, &open_actions), now),
        needs: Needs::of(&app.policy, unresolved, open_actions, health, now),
        activity: actions::outcomes(acted.running(), settled),
        took: acted.mean_seconds_to_outcome().map(|seconds| span(i64::try_from(seconds).unwrap_or(i64::MAX))),
    };
    Ok(page::html(StatusCode::OK, &page))
}

/// The counts of `hours` that are in `period`.
fn within(hours: &BTreeMap<Timestamp, EventCounts>, period: Period) -> EventCounts {
    let mut counts = EventCounts::default();
    for (_, counted) in hours.range(period.from()..period.to()) {
        counts.merge(counted);
    }
    counts
}
