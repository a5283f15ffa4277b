//! `GET /api/governance/health`: AGE's own health.

use age_governance::PolicyStatus;
use age_http::{NoQuery, Problem};
use age_model::{SystemAlert, Timestamp, TopicName, TopicStatus};
use age_store::SystemHealth;
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
    #[schema(required)]
    notifications_reachable: Option<bool>,
    /// Whether the messages of each topic that people rely on reach anybody.
    topics: Vec<TopicView>,
    /// When the sweep last ran; null if it never ran.
    #[schema(required)]
    last_sweep_at: Option<Timestamp>,
    /// The policy version that AGE works by.
    policy: PolicyHealth,
    /// The system alerts: messages that AGE refused or did not understand, and expired credentials in use. Each is listed
    /// until it has not occurred for a day.
    system_alerts: Vec<SystemAlert>,
    as_of: Timestamp,
}

/// A topic that people rely on.
#[derive(Serialize, ToSchema)]
#[schema(as = TopicHealth)]
pub(crate) struct TopicView {
    name: TopicName,
    status: TopicStatus,
}

/// The policy version that AGE works by.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyHealth {
    /// The SHA-256 of the version.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
    /// When it was activated. Absent for the default policy, unless it was activated.
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<Timestamp>,
    /// Whether it is the active version. If not, that one cannot be read, and AGE goes on with the last version that it could read.
    is_readable: bool,
}

impl From<PolicyStatus> for PolicyHealth {
    fn from(PolicyStatus { hash, activated_at, is_readable }: PolicyStatus) -> Self {
        Self { hash, activated_at, is_readable }
    }
}

/// Get AGE's own health
///
/// Returns whether notifications, escalations, reports and alarms would reach anybody, when the sweep last ran, which policy version AGE
/// works by, and what it refused or could not do.
#[utoipa::path(get, path = "/api/governance/health", operation_id = "get_health", tag = "About AGE", responses((status = 200, description = "The health", body = Health)))]
pub(crate) async fn get_health(State(App(app)): State<App>, _: NoQuery) -> Result<Json<Health>, Problem> {
    let as_of = app.clock.now();
    let (health, system_alerts) = try_join!(app.tables.health.get(), app.tables.system_alerts.shown(as_of))?;
    let last_sweep_at = health.as_ref().map(|health| health.last_sweep_at);
    let recent = health.filter(|health| health.last_sweep_at.plus_seconds(MAX_AGE_SECONDS) >= as_of);
    let notifications_reachable = recent.as_ref().and_then(SystemHealth::notifications_reachable);
    let status =
        |name: TopicName| recent.as_ref().map_or(TopicStatus::Unknown, |health| health.topic(name).status(name));
    let topics = TopicName::ALL.iter().map(|name| TopicView { name: *name, status: status(*name) }).collect();
    Ok(Json(Health {
        notifications_reachable,
        topics,
        last_sweep_at,
        policy: app.policies.status().into(),
        system_alerts,
        as_of,
    }))
}
