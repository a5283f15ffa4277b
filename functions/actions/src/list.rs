//! The list. Actions are for HIGH and CRITICAL events only, so the list of those is its directory.

use age_model::{ActionItem, ActionStatus, Engine, Severity};
use age_platform::{Problem, Query};
use age_store::EventFilter;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
const SCOPE: &str = "actions";

/// The actions of some events, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ActionPage)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    actions: Vec<ActionItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The actions of up to `limit` events, newest first. With a status most of them may be left out, so a page can be short.
#[utoipa::path(
    get,
    path = "/api/governance/actions",
    operation_id = "list_actions", tag = "Actions",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "At most so many events; 50 if not given"),
        ("status" = Option<ActionStatus>, Query, description = "At this status only"),
        ("engine" = Option<Engine>, Query, description = "Of this engine only"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before, with the same filters"),
    ),
    responses((status = 200, description = "A page", body = Page)),
)]
pub(crate) async fn list(State(App(app)): State<App>, mut query: Query) -> Result<Json<Page>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let status: Option<ActionStatus> = query.take("status");
    let filter = EventFilter {
        engine: query.take("engine"),
        severities: Severity::ALL
            .iter()
            .copied()
            .filter(|severity| *severity >= app.policy.actions.min_severity)
            .collect(),
        ..EventFilter::default()
    };
    let cursor: Option<String> = query.take("cursor");
    query.finish()?;

    let scope = format!("{SCOPE} {filter:?} {status:?}");
    let before = cursor.map(|cursor| app.cursors.open(&scope, &cursor)).transpose()?;
    let page = app.listing.page(&filter, limit, before, app.clock.as_ref()).await?;
    let of_events = app.life.actions().of_events(page.events.iter().map(|event| event.id).collect()).await?;
    let actions = of_events.into_iter().filter(|item| status.is_none_or(|status| item.status == status)).collect();
    let next_cursor = page.next.map(|position| app.cursors.seal(&scope, &position));
    Ok(Json(Page { actions, next_cursor }))
}
