//! `GET /api/governance/policies/activations`: when which policy version was activated, by whom and why.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{PolicyActivation, UnreadableItem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// A page of activations, the newest first. Before the first one, the default policy was active.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyActivationPage {
    activations: Vec<PolicyActivation>,
    /// The activations of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List activations of policy versions
///
/// Returns up to `limit` activations, the newest first.
#[utoipa::path(
    get,
    path = "/api/governance/policies/activations",
    operation_id = "list_policy_activations", tag = "Policies",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Maximum number of activations; 50 by default"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of activations", body = PolicyActivationPage)),
)]
pub(crate) async fn list_policy_activations(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<PolicyActivationPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("policy_activations");
    let before: Option<String> = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.policies.activations(limit, before.as_deref()).await?;
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    let (activations, unreadable) = (page.activations.items, page.activations.unreadable);
    Ok(Json(PolicyActivationPage { activations, unreadable, next_cursor }))
}
