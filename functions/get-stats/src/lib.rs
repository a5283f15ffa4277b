//! The last 30 days in a few figures, read from rollups: the cost does not grow with the number of events.

use std::collections::BTreeMap;
use std::sync::Arc;

use age_model::{Clock, Engine, EventCounts, Period, Severity, Timestamp};
use age_platform::{Access, NoQuery, Problem, Routes};
use age_scoring::Policy;
use age_store::{Freshness, Reports, Rollups};
use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use tokio::try_join;
use utoipa::{OpenApi, ToSchema};

/// The seed's 30 days, by whole hours.
const HOURS: i64 = 30 * 24;

/// What the handler needs. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    rollups: Rollups,
    reports: Reports,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(rollups: Rollups, reports: Reports, policy: Policy, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Parts { rollups, reports, policy, clock: Box::new(clock) }))
    }
}

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(stats, openapi))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new().get("/api/governance/stats", Access::Reader, stats).get(
        "/api/governance/openapi.json",
        Access::Public,
        openapi,
    )
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    total_events: u64,
    critical_count: u64,
    latest_risk_score: Option<u32>,
    top_risky_engine: Option<Engine>,
    busiest_engine: Option<Engine>,
    by_engine: BTreeMap<Engine, u64>,
    by_severity: BTreeMap<Severity, u64>,
    as_of: Timestamp,
}

/// The last 30 days, by whole hours and the running one.
#[utoipa::path(get, path = "/api/governance/stats", operation_id = "get_stats", tag = "Reports", responses((status = 200, description = "The figures", body = Stats)))]
async fn stats(State(App(app)): State<App>, _: NoQuery) -> Result<Json<Stats>, Problem> {
    let now = app.clock.now();
    let period = Period::trailing_hours(now, HOURS);
    let (counted, latest) = try_join!(app.rollups.of(period, Freshness::Remembered(now)), app.reports.list(1, None))?;
    let (counts, latest) = (counted.events(period), latest.reports.first());
    Ok(Json(Stats::new(&app.policy, &counts, latest.map(|report| report.risk_score), now)))
}

/// This description of the API.
#[utoipa::path(get, path = "/api/governance/openapi.json", operation_id = "get_contract", tag = "About AGE", responses((status = 200, description = "It", body = Object)))]
async fn openapi(_: NoQuery) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], include_str!("../../../infra/openapi.json"))
}

impl Stats {
    fn new(policy: &Policy, counts: &EventCounts, latest_risk_score: Option<u32>, as_of: Timestamp) -> Self {
        Self {
            total_events: counts.total(),
            critical_count: counts.of(Severity::Critical),
            latest_risk_score,
            top_risky_engine: first_highest(|engine| age_scoring::severity_weight(policy, &counts.engine(engine))),
            busiest_engine: first_highest(|engine| counts.engine(engine).total()),
            by_engine: counts.by_engine(),
            by_severity: counts.by_severity(),
            as_of,
        }
    }
}

/// The engine with the highest figure, of equals the first in the seed's order. None if all are zero.
fn first_highest(figure: impl Fn(Engine) -> u64) -> Option<Engine> {
    let mut highest = (0, None);
    for engine in Engine::ALL {
        let figure = figure(*engine);
        if figure > highest.0 {
            highest = (figure, Some(*engine));
        }
    }
    highest.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats_of(events: &[(Engine, Severity, u64)]) -> Stats {
        let mut counts = EventCounts::default();
        for (engine, severity, number) in events {
            counts.add(*engine, *severity, *number);
        }
        Stats::new(&Policy::compiled().unwrap(), &counts, None, "2026-11-23T00:05:00Z".parse().unwrap())
    }

    #[test]
    fn risky_is_not_busy() {
        let stats = stats_of(&[(Engine::Documentation, Severity::Low, 24), (Engine::Billing, Severity::Critical, 1)]);
        assert_eq!(
            (stats.top_risky_engine, stats.busiest_engine),
            (Some(Engine::Billing), Some(Engine::Documentation))
        );
        assert_eq!((stats.total_events, stats.critical_count), (25, 1));
    }

    #[test]
    fn of_equals_the_first_and_of_nothing_none() {
        let tied = stats_of(&[(Engine::Maos, Severity::High, 1), (Engine::Qa, Severity::High, 1)]);
        assert_eq!((tied.top_risky_engine, tied.busiest_engine), (Some(Engine::Qa), Some(Engine::Qa)));
        let nothing = stats_of(&[]);
        assert_eq!((nothing.top_risky_engine, nothing.busiest_engine), (None, None));
    }
}
