//! What a responder decides about an action that waits.

use age_model::{Action, ActionItem, ApprovalDecision, EventId};
use age_platform::{Caller, Fields, JsonBody, NoQuery, PathNames, Problem};
use axum::Json;
use axum::extract::State;
use utoipa::ToSchema;

use crate::{App, request};

/// What is decided, about exactly what has this digest.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the form of what `decide` reads")]
struct Approval {
    decision: ApprovalDecision,
    digest: String,
}

/// Approves or denies an action that waits.
#[utoipa::path(
    post,
    path = "/api/governance/events/{id}/actions/{action}/approval",
    operation_id = "decide_action", tag = "Actions",
    params(("id" = EventId, Path), ("action" = Action, Path)),
    request_body = Approval,
    responses(
        (status = 200, description = "The action as it is now", body = ActionItem),
        (status = 409, description = "It does not wait, or no longer, or the digest is that of something else"),
    ),
)]
pub(crate) async fn decide(
    State(App(app)): State<App>,
    caller: Caller,
    PathNames([id, action]): PathNames<2>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ActionItem>, Problem> {
    let (event, action) = request::named(&id, &action)?;
    let (decision, digest) = Fields::read(&body, |fields| {
        let (decision, digest) = (fields.required("decision"), fields.required::<String>("digest"));
        Ok((decision?, digest?))
    })?;
    let item = app.action(event, action).await?;
    Ok(Json(app.life.decide(item, decision, &digest, &caller.kid, app.clock.as_ref()).await?))
}
