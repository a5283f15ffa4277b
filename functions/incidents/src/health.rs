//! How AGE itself is.

use axum::Json;
use axum::extract::State;
use model::Timestamp;
use platform::{NoQuery, Problem};
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
    escalation_reachable: Option<bool>,
    /// When the latest sweep ran. Null if none ever did.
    swept_at: Option<Timestamp>,
    as_of: Timestamp,
}

/// Whether an escalation would reach anybody, and when the last sweep ran.
#[utoipa::path(get, path = "/api/governance/health", operation_id = "get_health", tag = "About AGE", responses((status = 200, description = "It", body = Health)))]
pub(crate) async fn show(State(App(app)): State<App>, _: NoQuery) -> Result<Json<Health>, Problem> {
    let as_of = app.clock.now();
    let found = app.life.health().get().await?;
    let recent = found.filter(|health| health.swept_at.plus_seconds(BELIEVED_SECONDS) >= as_of);
    let escalation_reachable = recent.and_then(|health| health.escalation_reachable);
    Ok(Json(Health { escalation_reachable, swept_at: found.map(|health| health.swept_at), as_of }))
}
