//! `GET /api/governance/events`: the list of events.

use std::collections::BTreeSet;

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{Engine, Event, EventType, Severity, Timestamp, UnreadableItem};
use age_store::EventFilter;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// A page of events, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventPage {
    events: Vec<Event>,
    /// The events of the page that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List events
///
/// Returns up to `limit` events, newest first.
#[utoipa::path(
    get,
    path = "/api/governance/events",
    operation_id = "list_events", tag = "Events",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Maximum number of events; 50 by default"),
        ("engine" = Option<Vec<Engine>>, Query, style = Form, explode, max_items = 32, description = "Only events of these engines"),
        ("severity" = Option<Vec<Severity>>, Query, style = Form, explode, max_items = 32, description = "Only events of these severities"),
        ("eventType" = Option<Vec<EventType>>, Query, style = Form, explode, max_items = 32, description = "Only events of these types"),
        ("from" = Option<Timestamp>, Query, description = "Only events accepted at this time or later; a day stands for its midnight in UTC"),
        ("to" = Option<Timestamp>, Query, description = "Only events accepted before this time"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page, with the same filters"),
    ),
    responses((status = 200, description = "A page of events; it may have fewer than `limit` and still have a next page", body = EventPage)),
)]
pub(crate) async fn list_events(
    State(App(app)): State<App>,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Json<EventPage>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let of_engines: BTreeSet<Engine> = query.set("engine");
    let active = app.policies.current();
    let engines = active.engines_of_records(of_engines.clone()).unwrap_or_else(|error| {
        query.refuse("engine", error.to_string());
        BTreeSet::new()
    });
    let severities: BTreeSet<Severity> = query.set("severity");
    let event_types: BTreeSet<EventType> = query.set("eventType");
    let (from, to) = query.period();
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("events")
        .filters("engine", &of_engines)
        .filters("severity", &severities)
        .filters("eventType", event_types.iter().map(EventType::as_str))
        .filter("from", from.as_ref())
        .filter("to", to.as_ref());
    let filter = EventFilter { engines, severities, event_types, from, to, ..EventFilter::default() };
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let page = app.search.page(&filter, limit, before, app.clock.as_ref()).await?;
    let next_cursor = page.next.map(|position| cursors.seal(&scope, &position));
    Ok(Json(EventPage { events: page.events, unreadable: page.unreadable, next_cursor }))
}
