//! `GET /api/governance/stats`: statistics of the last 30 days, from rollups, so that the cost does not grow with the events.

use std::collections::BTreeMap;

use age_http::{NoQuery, Problem};
use age_model::{DecisionCounts, Engine, EventCounts, Period, Severity, Timestamp};
use age_policy::Policy;
use age_store::Freshness;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::try_join;
use utoipa::ToSchema;

use crate::app::App;

/// The 30 days of the original sketch, in whole hours.
const HOURS: i64 = 30 * 24;

/// Statistics of the last 30 days.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    total_events: u64,
    /// Number of CRITICAL events.
    critical_count: u64,
    /// The risk score of the latest report; null if there is no report.
    #[schema(required)]
    latest_risk_score: Option<u32>,
    /// The engine with the highest sum of severity weights; null if there are no events.
    #[schema(required)]
    top_risky_engine: Option<Engine>,
    /// The engine with the most events; null if there are no events.
    #[schema(required)]
    busiest_engine: Option<Engine>,
    by_engine: BTreeMap<Engine, u64>,
    by_severity: BTreeMap<Severity, u64>,
    /// The decisions on operations of all engines.
    decisions: DecisionCounts,
    /// The decisions by engine, of the engines that have any.
    decisions_by_engine: BTreeMap<Engine, DecisionCounts>,
    as_of: Timestamp,
}

/// Get statistics
///
/// Returns statistics of the last 30 days: 720 whole hours and the current one.
#[utoipa::path(get, path = "/api/governance/stats", operation_id = "get_stats", tag = "Reports", responses((status = 200, description = "The statistics", body = Stats)))]
pub(crate) async fn get_stats(State(App(app)): State<App>, _: NoQuery) -> Result<Json<Stats>, Problem> {
    let now = app.clock.now();
    let period = Period::trailing_hours(now, HOURS);
    let active = app.policies.current();
    let (rollups, latest) =
        try_join!(app.rollups.of(&active.engines, period, Freshness::Cached(now)), app.reports.latest())?;
    let (counts, decisions) = (rollups.events(period)?, rollups.decisions_by_engine(period)?);
    let latest = latest.map(|report| report.risk_score);
    Ok(Json(Stats::new(&active.policy, &counts, decisions, latest, now)))
}

impl Stats {
    fn new(
        policy: &Policy,
        counts: &EventCounts,
        decisions_by_engine: BTreeMap<Engine, DecisionCounts>,
        latest_risk_score: Option<u32>,
        as_of: Timestamp,
    ) -> Self {
        Self {
            decisions: decisions_by_engine.values().collect(),
            decisions_by_engine,
            total_events: counts.total(),
            critical_count: counts.of(Severity::Critical),
            latest_risk_score,
            top_risky_engine: highest(counts, |engine| age_scoring::severity_weight(policy, &counts.engine(engine))),
            busiest_engine: highest(counts, |engine| counts.engine(engine).total()),
            by_engine: counts.by_engine(policy.engines.keys().copied()),
            by_severity: counts.by_severity(),
            as_of,
        }
    }
}

/// Returns the engine with the highest figure; of equal ones the first in alphabetical order. None if all are zero.
fn highest(counts: &EventCounts, figure: impl Fn(Engine) -> u64) -> Option<Engine> {
    let mut highest = (0, None);
    for engine in counts.by_engine([]).into_keys() {
        let figure = figure(engine);
        if figure > highest.0 {
            highest = (figure, Some(engine));
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
        let decided = DecisionCounts { allowed: 2, ..DecisionCounts::default() };
        let decisions = ["qa", "maos"].map(|engine| (Engine::from_static(engine), decided.clone())).into();
        Stats::new(&Policy::compiled().unwrap(), &counts, decisions, None, "2026-11-23T00:05:00Z".parse().unwrap())
    }

    #[test]
    fn risky_is_not_busy() {
        let stats = stats_of(&[
            (Engine::from_static("documentation"), Severity::Low, 24),
            (Engine::from_static("billing"), Severity::Critical, 1),
        ]);
        assert_eq!(
            (stats.top_risky_engine, stats.busiest_engine),
            (Some(Engine::from_static("billing")), Some(Engine::from_static("documentation")))
        );
        assert_eq!((stats.total_events, stats.critical_count), (25, 1));
    }

    #[test]
    fn decisions_are_those_of_all_engines() {
        let stats = stats_of(&[]);
        assert_eq!((stats.decisions.allowed, stats.decisions_by_engine.len()), (4, 2));
    }

    #[test]
    fn of_equals_the_first_and_of_nothing_none() {
        let tied = stats_of(&[
            (Engine::from_static("maos"), Severity::High, 1),
            (Engine::from_static("qa"), Severity::High, 1),
        ]);
        assert_eq!(
            (tied.top_risky_engine, tied.busiest_engine),
            (Some(Engine::from_static("maos")), Some(Engine::from_static("maos")))
        );
        let nothing = stats_of(&[]);
        assert_eq!((nothing.top_risky_engine, nothing.busiest_engine), (None, None));
    }
}
