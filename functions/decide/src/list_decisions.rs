//! `GET /api/governance/decisions`: the list of decisions.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{
    Decision, DecisionApprovalStatus, DecisionEventStatus, Engine, ShadowComparison, Timestamp, UnreadableItem, Verdict,
};
use age_store::DecisionFilter;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// A page of decisions, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionPage {
    decisions: Vec<Decision>,
    /// The decisions of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List decisions
///
/// Returns up to `limit` decisions, newest first. The approvals are shown as they are now. One that nobody has decided in time
/// is found as `expired` within a minute or two; one that was approved and not used in time is found as `approved`.
#[utoipa::path(
    get,
    path = "/api/governance/decisions",
    operation_id = "list_decisions", tag = "Decisions",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Maximum number of decisions; 50 by default"),
        ("engine" = Option<Vec<Engine>>, Query, style = Form, explode, max_items = 32, description = "Only decisions for these engines"),
        ("verdict" = Option<Vec<Verdict>>, Query, style = Form, explode, max_items = 32, description = "Only decisions with these verdicts"),
        ("approval" = Option<Vec<DecisionApprovalStatus>>, Query, style = Form, explode, max_items = 32, description = "Only decisions whose approvals have these statuses"),
        ("event" = Option<Vec<DecisionEventStatus>>, Query, style = Form, explode, max_items = 32, description = "Only decisions of whose operations the event has these statuses"),
        ("shadow" = Option<ShadowComparison>, Query, description = "Only decisions to which the shadow would have given another verdict"),
        ("from" = Option<Timestamp>, Query, description = "Only decisions made at this time or later; a day stands for its midnight in UTC"),
        ("to" = Option<Timestamp>, Query, description = "Only decisions made before this time"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page, with the same filters"),
    ),
    responses((status = 200, description = "A page of decisions", body = DecisionPage)),
)]
pub(crate) async fn list_decisions(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<DecisionPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let of_engines: BTreeSet<Engine> = query.set("engine");
    let engines = app.policies().current().engines_of_records(of_engines.clone()).unwrap_or_else(|error| {
        query.refuse("engine", error.to_string());
        BTreeSet::new()
    });
    let verdicts: BTreeSet<Verdict> = query.set("verdict");
    let approvals: BTreeSet<DecisionApprovalStatus> = query.set("approval");
    let events: BTreeSet<DecisionEventStatus> = query.set("event");
    let shadow: Option<ShadowComparison> = query.optional("shadow");
    let (from, to) = query.period();
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("decisions")
        .filters("engine", &of_engines)
        .filters("verdict", &verdicts)
        .filters("approval", &approvals)
        .filters("event", &events)
        .filter("shadow", shadow.as_ref())
        .filter("from", from.as_ref())
        .filter("to", to.as_ref());
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let shadow_differs = shadow.is_some();
    let filter = DecisionFilter { engines, verdicts, approvals, events, shadow_differs, from, to };
    let page = app.decisions().list(&filter, limit, before.as_ref()).await?;
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    let now = app.clock.now();
    let decisions = page.decisions.into_iter().map(|decision| decision.as_of(now)).collect();
    Ok(Json(DecisionPage { decisions, unreadable: page.unreadable, next_cursor }))
}
