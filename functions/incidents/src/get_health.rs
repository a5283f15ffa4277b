//! `GET /api/governance/health`: AGE's own health.

use age_http::{NoQuery, Problem};
use age_model::{SystemAlert, Timestamp};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::try_join;
use utoipa::ToSchema;

use crate::app::App;

/// For how long the findings of a sweep count, in seconds. The sweep runs every minute.
const MAX_AGE_SECONDS: i64 = 300;

/// AGE's own health.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// Whether anybody has subscribed to notifications; null if that is unknown.
    notifications_reachable: Option<bool>,
    /// When the sweep last ran; null if it never ran.
    last_sweep_at: Option<Timestamp>,
    /// What AGE could not do for a sender, although it answered. Each is listed until it has not occurred for a day.
    system_alerts: Vec<SystemAlert>,
    as_of: Timestamp,
}

/// Get AGE's own health
///
/// Returns whether notifications would reach anybody, when the sweep last ran, and what AGE refused or could not do.
#[utoipa::path(get, path = "/api/governance/health", operation_id = "get_health", tag = "About AGE", responses((status = 200, description = "The health", body = Health)))]
pub(crate) async fn get_health(State(App(app)): State<App>, _: NoQuery) -> Result<Json<Health>, Problem> {
    let as_of = app.clock.now();
    let (health, system_alerts) = try_join!(app.tables.health.get(), app.tables.system_alerts.shown(as_of))?;
    let recent = health.filter(|health| health.last_sweep_at.plus_seconds(MAX_AGE_SECONDS) >= as_of);
    let notifications_reachable = recent.and_then(|health| health.notifications_reachable);
    let last_sweep_at = health.map(|health| health.last_sweep_at);
    Ok(Json(Health { notifications_reachable, last_sweep_at, system_alerts, as_of }))
}
