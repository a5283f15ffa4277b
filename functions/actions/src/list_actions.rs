//! `GET /api/governance/actions`: the list of actions.
//!
//! Only events from a severity up have actions, so the list of those events is the index of actions.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{ActionItem, ActionStatus, Engine, UnreadableItem};
use age_store::{EventFilter, Found};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// A page of actions, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionPage {
    actions: Vec<ActionItem>,
    /// The events and actions of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List actions
///
/// Returns the actions of up to `limit` events, newest first. With a `status`, a page may be short or empty and still have a
/// next one.
#[utoipa::path(
    get,
    path = "/api/governance/actions",
    operation_id = "list_actions", tag = "Actions",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Maximum number of events; 50 by default"),
        ("status" = Option<ActionStatus>, Query, description = "Only actions with this status"),
        ("engine" = Option<Engine>, Query, description = "Only actions of this engine"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page, with the same filters"),
    ),
    responses((status = 200, description = "A page of actions", body = ActionPage)),
)]
pub(crate) async fn list_actions(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<ActionPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let status: Option<ActionStatus> = query.optional("status");
    let engine: Option<Engine> = query.optional("engine");
    let active = app.policies.current();
    let engines = active.engines_of_records(engine).unwrap_or_else(|error| {
        query.refuse("engine", error.to_string());
        BTreeSet::new()
    });
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let min_severity = Some(active.policy.actions.min_severity);
    let filter = EventFilter { engines, min_severity, ..EventFilter::default() };
    let scope = CursorScope::new("actions").filter("status", status.as_ref()).filter("engine", engine.as_ref());
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.search.page(&filter, limit, before, app.clock.as_ref()).await?;
    let events = page.events.iter().map(|event| event.id).collect();
    let Found { items, unreadable } = app.lifecycle.actions().of_events(events).await?;
    let actions = items.into_iter().filter(|item| status.is_none_or(|status| item.status == status)).collect();
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    let unreadable = [page.unreadable, unreadable].concat();
    Ok(Json(ActionPage { actions, unreadable, next_cursor }))
}
