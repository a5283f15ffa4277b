//! Shows events: a list, newest first, and one with its actions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use age_model::{ActionItem, Clock, Day, Engine, Event, EventId, EventType, Severity, Timestamp};
use age_platform::{Access, CursorKey, NoQuery, PathId, Problem, Query, Routes};
use age_store::{Actions, Consistency, EventFilter, EventSearch, Events};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    events: Events,
    listing: EventSearch,
    actions: Actions,
    cursors: CursorKey,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        events: Events,
        listing: EventSearch,
        actions: Actions,
        cursors: CursorKey,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Parts { events, listing, actions, cursors, clock: Box::new(clock) }))
    }
}

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(list, show))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/events", Access::Reader, list)
        // log-event takes what is posted there.
        .allowing("GET,HEAD,POST")
        .get("/api/governance/events/{id}", Access::Reader, show)
}

/// Some events, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = EventPage)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Events, newest first.
#[utoipa::path(
    get,
    path = "/api/governance/events",
    operation_id = "list_events", tag = "Events",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "At most so many; 50 if not given"),
        ("engine" = Option<Engine>, Query, description = "Of this engine only"),
        ("severity" = Option<Severity>, Query, description = "Of this severity only"),
        ("eventType" = Option<EventType>, Query, description = "Of this type only"),
        ("from" = Option<Timestamp>, Query, description = "Accepted at this moment or later; a day stands for its midnight, UTC"),
        ("to" = Option<Timestamp>, Query, description = "Accepted before this moment"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before, with the same filters"),
    ),
    responses((status = 200, description = "A page; it may be shorter than the limit and still have a next one", body = Page)),
)]
async fn list(State(App(app)): State<App>, mut query: Query) -> Result<Json<Page>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let filter = filter(&mut query);
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("events {filter:?}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let page = app.listing.page(&filter, limit, before, app.clock.as_ref()).await?;
    let next_cursor = page.next.map(|position| app.cursors.seal(&scope, &position));
    Ok(Json(Page { events: page.events, next_cursor }))
}

fn filter(query: &mut Query) -> EventFilter {
    let filter = EventFilter {
        engine: query.take("engine"),
        severities: query.take("severity").into_iter().collect(),
        event_type: query.take("eventType"),
        from: query.take("from").map(|Moment(moment)| moment),
        to: query.take("to").map(|Moment(moment)| moment),
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from > to
    {
        query.refuse("from", "must not be after to");
    }
    filter
}

/// A moment as a parameter: a time, or a day, which stands for its midnight.
struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let day = || text.parse::<Day>().map(Day::start);
        text.parse().or_else(|_| day()).map(Self).map_err(|_| InvalidMoment)
    }
}

struct InvalidMoment;

impl fmt::Display for InvalidMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "must be a day such as 2026-11-23 or an RFC 3339 time such as 2026-11-23T00:05:00Z (write + as %2B)",
        )
    }
}

/// An event with its actions.
#[derive(Serialize, ToSchema)]
#[schema(as = EventWithActions)]
struct One {
    #[serde(flatten)]
    event: Event,
    actions: Vec<ActionItem>,
}

/// One event, with its actions as they are now.
#[utoipa::path(
    get,
    path = "/api/governance/events/{id}",
    operation_id = "get_event", tag = "Events",
    params(("id" = EventId, Path)),
    responses((status = 200, description = "The event", body = One)),
)]
async fn show(State(App(app)): State<App>, PathId(id): PathId<EventId>, _: NoQuery) -> Result<Json<One>, Problem> {
    let event = app.events.get(id, Consistency::Strong).await?;
    let event = event.ok_or_else(|| Problem::not_found("there is no event with this id"))?;
    let actions = app.actions.of_event(id).await?;
    Ok(Json(One { event, actions }))
}
