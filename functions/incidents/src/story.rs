//! One incident, with all that happened in the order in which it did.

use axum::Json;
use axum::extract::State;
use model::{IncidentId, StoryEntry};
use platform::{NoQuery, PathId, Problem};
use serde::Serialize;
use store::Story;
use utoipa::ToSchema;

use crate::App;
use crate::view::View;

/// An incident with its story.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentStory)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    #[serde(flatten)]
    incident: View,
    /// What happened, the earliest first.
    story: Vec<StoryEntry>,
    /// Whether there are earlier events that are not told here.
    earlier_events: bool,
    /// Whether there are earlier notices that are not told here.
    earlier_notices: bool,
}

/// One incident, and what happened in the order in which it did.
#[utoipa::path(
    get,
    path = "/api/governance/incidents/{id}",
    operation_id = "get_incident", tag = "Incidents",
    params(("id" = String, Path)),
    responses((status = 200, description = "The incident", body = Answer)),
)]
pub(crate) async fn show(
    State(App(app)): State<App>,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Json<Answer>, Problem> {
    let (known, severe, clock) = (app.known(&id).await?, app.policy.actions.from, app.clock.as_ref());
    let story = Story::read(&known, severe, &app.incidents, &app.listing, app.life.actions(), clock).await?;
    let Story { entries, earlier_events, earlier_notices } = story;
    Ok(Json(Answer { incident: known.into(), story: entries, earlier_events, earlier_notices }))
}
