//! The list. Actions are for HIGH and CRITICAL events only, so the list of those is its directory.

use axum::Json;
use axum::extract::State;
use model::{ActionItem, ActionStatus, Severity};
use platform::{Problem, Query};
use serde::Serialize;
use store::EventFilter;

use crate::App;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
const SCOPE: &str = "actions";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    actions: Vec<ActionItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The actions of up to `limit` events, newest first. With a status most of them may be left out, so a page can be short.
pub(crate) async fn list(State(App(app)): State<App>, mut query: Query) -> Result<Json<Page>, Problem> {
    let limit = query.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT);
    let status: Option<ActionStatus> = query.take("status");
    let filter = EventFilter {
        engine: query.take("engine"),
        severities: Severity::ALL.iter().copied().filter(|severity| *severity >= app.policy.actions.from).collect(),
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
