//! The overview: what needs attention, the risk scores, the remediations, and the events of each engine.

mod chart;
mod engines;
mod event_counts;
mod heatmap;
mod needs_attention;
mod risk;

use std::time::Duration;

use age_http::{Access, NoQuery, Problem};
use age_model::{Period, Severity, Timestamp, TopicName};
use age_store::Freshness;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chart::EventChart;
use engines::EngineTile;
use heatmap::Heatmap;
use needs_attention::{AgeProblem, MAX_LISTED, NeedsAttention};
use risk::{CategoryRisk, RiskStart};
use tokio::try_join;

use crate::app::{App, Tables};
use crate::decisions::PendingOperations;
use crate::engine_state::find_unexpected;
use crate::format::format_duration;
use crate::holds::ShownHolds;
use crate::page::{self, Section};
use crate::policy::severities_from;
use crate::remediation_figures::{RemediationFigure, remediation_figures};
use crate::session::Session;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    session: &'a Session,
    section: Section,
    now: Timestamp,
    needs_attention: NeedsAttention,
    paused: ShownHolds,
    /// Whether this version can count all events and remediations. Without that, the figures below are not shown.
    are_counts_complete: bool,
    risks: Vec<CategoryRisk>,
    chart: EventChart,
    heatmap: Heatmap,
    engines: Vec<EngineTile>,
    /// The severities of events that can lead to actions, in words.
    acted_on: String,
    remediations: Vec<RemediationFigure>,
    /// None if no worker has reported an outcome.
    mean_time_to_outcome: Option<String>,
}

/// Makes the same reads, however many events there are: for each engine one of its open actions and one of its rollups of 30 days; 1 of
/// the unresolved incidents, 1 of AGE's health, 1 of its system alerts, and 1 of the holds; and 1 of the pending approvals that it
/// lists. If the policy has guardrails, one more for each engine finds the operations that wait for an approval. One more for each engine
/// without an event in these days and without a credential of its own shows whether it was ever heard. Each further shard of an engine's
/// rollups takes one more, and so does each further megabyte of a response.
pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let active = app.policies.current();
    let now = app.clock.now();
    let (days, week) = (event_counts::period(now), Period::trailing_week(now));
    let Tables { rollups, incidents, actions, decisions, health, system_alerts, fleet_state, .. } = &app.tables;
    let counted = rollups.of(&active.engines, days, Freshness::Cached(now));
    let paused = ShownHolds::read(fleet_state, &active.policy, now);
    let supervised = active.supervised().collect();
    let operations = PendingOperations::read(decisions, &supervised, MAX_LISTED, &active, now);
    let system_health = async { try_join!(health.get(), system_alerts.shown(now)) };
    let (unresolved, open_actions, counted, health, paused, operations) =
        try_join!(incidents.unresolved(), actions.open(), counted, system_health, paused, operations)?;
    let approvals = actions.get_all(needs_attention::listed_approvals(&open_actions)).await?;
    let figures = counted.by_hour(days).and_then(|hours| Ok((hours, counted.actions(week)?)));
    if let Err(error) = &figures {
        tracing::error!(%error, "the overview has no figures: {error}");
    }
    let are_counts_complete = figures.is_ok();
    let (hours, action_counts) = figures.unwrap_or_default();
    let keyring = app.authentication.keyring().await?;
    let unexpected =
        find_unexpected(engines::without_events(&active.policy, &hours), &active.policy, &keyring, &app.tables.rollups)
            .await?;
    let credentials = Access::Admin.permits(session.caller.grant.role).then_some(keyring.as_ref());
    let settled = |status| action_counts.by_status.get(&status).copied().unwrap_or_default();
    let mean_time_to_outcome = action_counts.mean_seconds_to_outcome().map(Duration::from_secs);
    let tiles = engines::tiles(&active.policy, &hours, &unresolved.items, &open_actions, &unexpected, now);
    let mut needs_attention =
        NeedsAttention::of(&active.policy, unresolved, &open_actions, &approvals.items, credentials, health, now);
    needs_attention.add_operations(operations);
    let policy = app.policies.status();
    if !policy.is_readable {
        needs_attention.age_problems.push(AgeProblem::PolicyUnreadable(policy.hash));
    }
    let page = OverviewPage {
        session: &session,
        section: Section::Overview,
        now,
        risks: risk::assess(&active.policy, &hours, now),
        chart: EventChart::of(&hours, now),
        heatmap: Heatmap::of(&active.policy, &hours, now),
        engines: tiles,
        acted_on: severities_from(active.policy.actions.min_severity),
        are_counts_complete,
        needs_attention,
        paused,
        remediations: remediation_figures(action_counts.running(), settled),
        mean_time_to_outcome: mean_time_to_outcome.map(format_duration),
    };
    Ok(page::render(StatusCode::OK, &page))
}
