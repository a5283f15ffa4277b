//! `POST /api/governance/holds`, `GET …/{id}` and `DELETE …/{id}`: set, get and end a hold.

use age_governance::AppliedHold;
use age_http::{Caller, JsonBody, NoQuery, PathId, Problem, Query};
use age_model::{HoldId, HoldRecord, Note};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::hold_view::HoldView;
use super::new_hold::NewHoldBody;
use crate::app::App;

/// Set a hold
///
/// Stops an engine, or one of its operations: every decision after this response is deny, until the hold ends. The same request
/// again, while its hold is active, has no effect: the response has that hold.
#[utoipa::path(
    post,
    path = "/api/governance/holds",
    operation_id = "set_hold", tag = "Decisions",
    request_body = NewHoldBody,
    responses(
        (status = 201, description = "The hold", body = HoldView, headers(("Location" = String, description = "The path of the hold"))),
        (status = 200, description = "The hold, which was set before", body = HoldView),
        (status = 409, description = "64 holds are active"),
    ),
)]
pub(crate) async fn set_hold(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let (now, clock) = (app.clock.now(), app.clock.as_ref());
    let new = NewHoldBody::parse_at(&body, &app.policies.current(), now)?;
    let view = |hold| Json(HoldView::new(HoldRecord { hold, end: None }, now));
    match age_governance::set_hold(&app.tables.fleet_state, new, caller.kid, clock).await? {
        AppliedHold::Created(hold) => {
            let location = format!("/api/governance/holds/{}", hold.id);
            Ok((StatusCode::CREATED, [(LOCATION, location)], view(hold)).into_response())
        }
        AppliedHold::Exists(hold) => Ok(view(hold).into_response()),
    }
}

/// Get a hold
///
/// A hold can be read for 400 days after its end.
#[utoipa::path(
    get,
    path = "/api/governance/holds/{id}",
    operation_id = "get_hold", tag = "Decisions",
    params(("id" = HoldId, Path, description = "The id of the hold")),
    responses((status = 200, description = "The hold", body = HoldView)),
)]
pub(crate) async fn get_hold(
    State(App(app)): State<App>,
    PathId(id): PathId<HoldId>,
    _: NoQuery,
) -> Result<Json<HoldView>, Problem> {
    let record = app.tables.fleet_state.hold(id).await?.ok_or_else(|| no_hold(id))?;
    Ok(Json(HoldView::new(record, app.clock.now())))
}

/// End a hold
///
/// Ending one that has ended has no effect.
#[utoipa::path(
    delete,
    path = "/api/governance/holds/{id}",
    operation_id = "end_hold", tag = "Decisions",
    params(
        ("id" = HoldId, Path, description = "The id of the hold"),
        ("reason" = Option<Note>, Query, description = "Why the hold ends before its time"),
    ),
    responses(
        (status = 200, description = "The hold, which has ended", body = HoldView),
        (status = 409, description = "A rule of the policy has set the hold: it ends when the incidents are acknowledged or resolved"),
    ),
)]
pub(crate) async fn end_hold(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(id): PathId<HoldId>,
    mut query: Query,
) -> Result<Json<HoldView>, Problem> {
    let reason: Option<Note> = query.optional("reason");
    query.finish()?;
    let clock = app.clock.as_ref();
    let reason = reason.map(String::from);
    let ended = age_governance::end_hold(&app.tables.fleet_state, id, reason, caller.kid, clock).await?;
    let record = ended.ok_or_else(|| no_hold(id))?;
    Ok(Json(HoldView::new(record, clock.now())))
}

fn no_hold(id: HoldId) -> Problem {
    Problem::not_found(format!("hold {id} does not exist"))
}
