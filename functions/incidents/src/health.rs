//! How AGE itself is.

use age_model::Timestamp;
use age_platform::{NoQuery, Problem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What a sweep has found is believed for so long. It runs every minute.
const BELIEVED_SECONDS: i64 = 300;

/// How AGE itself is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// Whether anybody has confirmed to get escalations. Null if that is not known.
    notifications_reachable: Option<bool>,
    /// When the latest sweep ran. Null if none ever did.
    last_sweep_at: Option<Timestamp>,
    as_of: Timestamp,
}

/// Whether an escalation would reach anybody, and when the last sweep ran.
#[utoipa::path(get, path = "/api/governance/health", operation_id = "get_health", tag = "About AGE", responses((status = 200, description = "It", body = Health)))]
pub(crate) async fn show(State(App(app)): State<App>, _: NoQuery) -> Result<Json<Health>, Problem> {
    let as_of = app.clock.now();
    let found = app.life.health().get().await?;
    let recent = found.filter(|health| health.last_sweep_at.plus_seconds(BELIEVED_SECONDS) >= as_of);
    let notifications_reachable = recent.and_then(|health| health.notifications_reachable);
    Ok(Json(Health { notifications_reachable, last_sweep_at: found.map(|health| health.last_sweep_at), as_of }))
}
