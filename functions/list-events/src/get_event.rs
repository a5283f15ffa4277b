//! `GET /api/governance/events/{id}`: an event with its actions.

use age_http::{NoQuery, PathId, Problem};
use age_model::{EventId, EventWithActions};
use age_store::{Consistency, Found};
use axum::Json;
use axum::extract::State;

use crate::app::App;

/// Get an event
///
/// Returns the event with its actions, as they are now.
#[utoipa::path(
    get,
    path = "/api/governance/events/{id}",
    operation_id = "get_event", tag = "Events",
    params(("id" = EventId, Path, description = "The id of the event")),
    responses((status = 200, description = "The event", body = EventWithActions)),
)]
pub(crate) async fn get_event(
    State(App(app)): State<App>,
    PathId(id): PathId<EventId>,
    _: NoQuery,
) -> Result<Json<EventWithActions>, Problem> {
    let event = app.events.get(id, Consistency::Strong).await?;
    let event = event.ok_or_else(|| Problem::not_found(format!("event {id} does not exist")))?;
    let Found { items, unreadable } = app.actions.of_event(id).await?;
    Ok(Json(EventWithActions { event, actions: items, unreadable }))
}
