//! What a responder decides about an action that waits.

use axum::Json;
use axum::extract::State;
use model::{Action, ActionItem, ActionStatus, Decision, EventId};
use platform::{Caller, Fields, JsonBody, NoQuery, PathNames, Problem};
use store::StoreError;
use utoipa::ToSchema;

use crate::{App, request};

/// What is decided, about exactly what has this digest.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the form of what `decide` reads")]
struct Approval {
    decision: Decision,
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
    let to = match decision {
        Decision::Approve => ActionStatus::Pending,
        Decision::Deny => ActionStatus::Denied,
    };
    let item = app.action(event, action).await?;
    let now = app.clock.now();
    if item.status != ActionStatus::AwaitingApproval {
        return Err(not_waiting(&item));
    }
    if item.due_at.is_some_and(|until| until <= now) {
        return Err(Problem::conflict("the time to approve this is over"));
    }
    if item.digest != digest {
        return Err(Problem::conflict(
            "the digest is not that of what would be done now; look again before you decide",
        ));
    }
    let decided = app.life.settle(item, to, &|_, _| {}, app.clock.as_ref(), |item| ActionItem {
        status: to,
        // Due at once: the next sweep hands it over.
        due_at: (to == ActionStatus::Pending).then_some(now),
        decided_by: Some(caller.kid.clone()),
        decided_at: Some(now),
        ..item.clone()
    });
    match decided.await {
        // Somebody else decided in the same moment.
        Err(StoreError::Illegal(_)) => Err(not_waiting(&app.action(event, action).await?)),
        decided => Ok(Json(decided?)),
    }
}

fn not_waiting(item: &ActionItem) -> Problem {
    Problem::conflict(match &item.decided_by {
        Some(earlier) => format!("this was decided already, by {earlier}: the action is {}", item.status),
        None => format!("only an action that is awaiting_approval can be decided on; this one is {}", item.status),
    })
}
