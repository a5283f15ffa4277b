//! `GET /api/governance/holds`: the list of holds.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Engine, HoldStatus, Timestamp, UnreadableItem};
use age_store::{HoldFilter, HoldPosition};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::hold_view::HoldView;
use crate::app::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// A page of holds: the active ones first, and of each status the one that was set last.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HoldPage {
    holds: Vec<HoldView>,
    /// The holds of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List holds
///
/// Returns up to `limit` holds: the active ones first, and of each status the one that was set last.
#[utoipa::path(
    get,
    path = "/api/governance/holds",
    operation_id = "list_holds", tag = "Decisions",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Maximum number of holds; 50 by default"),
        ("status" = Option<Vec<HoldStatus>>, Query, style = Form, explode, max_items = 32, description = "Only holds with these statuses"),
        ("engine" = Option<Vec<Engine>>, Query, style = Form, explode, max_items = 32, description = "Only holds of these engines"),
        ("from" = Option<Timestamp>, Query, description = "Only holds that were set at this time or later; a day stands for its midnight in UTC"),
        ("to" = Option<Timestamp>, Query, description = "Only holds that were set before this time"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page, with the same filters"),
    ),
    responses((status = 200, description = "A page of holds", body = HoldPage)),
)]
pub(crate) async fn list_holds(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<HoldPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let statuses: BTreeSet<HoldStatus> = query.set("status");
    let engines: BTreeSet<Engine> = query.set("engine");
    if let Err(error) = app.policies.current().engines_of_records(engines.clone()) {
        query.refuse("engine", error.to_string());
    }
    let (from, to) = query.period();
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("holds")
        .filters("status", &statuses)
        .filters("engine", &engines)
        .filter("from", from.as_ref())
        .filter("to", to.as_ref());
    let after: Option<HoldPosition> = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let (filter, now) = (HoldFilter { statuses, engines, from, to }, app.clock.now());
    let page = app.tables.fleet_state.list_holds(&filter, limit, after, now).await?;
    let next_cursor = page.next.map(|last| cursors.seal(&scope, &last));
    let holds = page.holds.into_iter().map(|record| HoldView::new(record, now)).collect();
    Ok(Json(HoldPage { holds, unreadable: page.unreadable, next_cursor }))
}
