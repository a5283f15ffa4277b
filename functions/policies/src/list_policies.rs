//! `GET /api/governance/policies`: the list of policy versions.

use age_governance::PolicyListItem;
use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{PolicyShadow, PolicyVersion, Timestamp, UnreadableItem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// A page of policy versions, the newest first. The default policy comes last.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyPage {
    policies: Vec<PolicySummary>,
    /// The versions of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A policy version, without its document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PolicySummary {
    #[serde(flatten)]
    version: PolicyVersion,
    /// Whether AGE works by this version.
    active: bool,
    /// Since when and until when the version is the shadow. Absent if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shadow: Option<PolicyShadow>,
    /// How often it was activated.
    activations: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_activated_at: Option<Timestamp>,
}

impl PolicySummary {
    fn new(PolicyListItem { listed, is_active, shadow }: PolicyListItem, now: Timestamp) -> Self {
        Self {
            version: listed.version,
            active: is_active,
            shadow: shadow.filter(|shadow| shadow.is_running(now)),
            activations: listed.activations,
            last_activated_at: listed.last_activated_at,
        }
    }
}

/// List policy versions
///
/// Returns up to `limit` versions without their documents, the newest first and the default policy last.
#[utoipa::path(
    get,
    path = "/api/governance/policies",
    operation_id = "list_policies", tag = "Policies",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Maximum number of versions; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of versions", body = PolicyPage)),
)]
pub(crate) async fn list_policies(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<PolicyPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("policies");
    let before: Option<String> = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let list = age_governance::list_policy_versions(&app.policies, limit, before.as_deref()).await?;
    let next_cursor = list.next.map(|position| cursors.seal(&scope, &position));
    let now = app.clock.now();
    let policies = list.versions.into_iter().map(|item| PolicySummary::new(item, now)).collect();
    Ok(Json(PolicyPage { policies, unreadable: list.unreadable, next_cursor }))
}
