//! `GET /api/governance/actions`: the list of actions.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Action, ActionItem, ActionStatus, Engine, Timestamp, UnreadableItem};
use age_store::ActionFilter;
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
    /// The actions of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List actions
///
/// Returns up to `limit` actions, newest first. A page is full unless it is the last one, or only few of 5,000 actions match.
#[utoipa::path(
    get,
    path = "/api/governance/actions",
    operation_id = "list_actions", tag = "Actions",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Maximum number of actions; 50 by default"),
        ("status" = Option<Vec<ActionStatus>>, Query, style = Form, explode, max_items = 32, description = "Only actions with these statuses"),
        ("action" = Option<Vec<Action>>, Query, style = Form, explode, max_items = 32, description = "Only these actions"),
        ("engine" = Option<Vec<Engine>>, Query, style = Form, explode, max_items = 32, description = "Only actions for events of these engines"),
        ("from" = Option<Timestamp>, Query, description = "Only actions planned at this time or later; a day stands for its midnight in UTC"),
        ("to" = Option<Timestamp>, Query, description = "Only actions planned before this time"),
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
    let statuses: BTreeSet<ActionStatus> = query.set("status");
    let actions: BTreeSet<Action> = query.set("action");
    let of_engines: BTreeSet<Engine> = query.set("engine");
    let active = app.policies.current();
    let engines = active.engines_of_records(of_engines.clone()).unwrap_or_else(|error| {
        query.refuse("engine", error.to_string());
        BTreeSet::new()
    });
    let (from, to) = query.period();
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("actions")
        .filters("status", &statuses)
        .filters("action", &actions)
        .filters("engine", &of_engines)
        .filter("from", from.as_ref())
        .filter("to", to.as_ref());
    let min_severity = Some(active.policy.actions.min_severity);
    let filter = ActionFilter { engines, min_severity, statuses, actions, from, to };
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.search.page(&filter, limit, before, app.clock.as_ref()).await?;
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    Ok(Json(ActionPage { actions: page.actions, unreadable: page.unreadable, next_cursor }))
}
