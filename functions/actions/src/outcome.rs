//! What a worker says came of an action.

use age_model::{Action, ActionItem, ActionStatus, EventId, InvalidTransition, Note, Outcome};
use age_platform::{Caller, Fields, JsonBody, NoQuery, Origin, PathNames, Problem};
use age_store::StoreError;
use axum::Json;
use axum::extract::State;
use utoipa::ToSchema;

use crate::{App, request};

/// What came of an action.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the form of what `report` reads")]
struct OutcomeReport {
    outcome: Outcome,
    detail: Option<Note>,
}

/// Says what came of an action. The same word may be said again.
#[utoipa::path(
    post,
    path = "/api/governance/events/{id}/actions/{action}/outcome",
    operation_id = "report_outcome", tag = "Actions",
    params(("id" = EventId, Path), ("action" = Action, Path)),
    request_body = OutcomeReport,
    responses(
        (status = 200, description = "The action as it is now", body = ActionItem),
        (status = 409, description = "It has come to another end, or it is not for others to say"),
    ),
)]
pub(crate) async fn report(
    State(App(app)): State<App>,
    caller: Caller,
    PathNames([id, action]): PathNames<2>,
    Origin(origin): Origin,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ActionItem>, Problem> {
    let (event, action) = request::named(&id, &action)?;
    let (outcome, note) = Fields::read(&body, |fields| {
        let (outcome, note) = (fields.required("outcome"), fields.optional::<Note>("detail"));
        Ok((outcome?, note?))
    })?;
    let to = match outcome {
        Outcome::Succeeded => ActionStatus::Succeeded,
        Outcome::Failed => ActionStatus::Failed,
    };
    let item = app.action(event, action).await?;
    caller.speak_for(item.engine)?;
    if !action.is_remediation() {
        return Err(Problem::conflict(format!("{action} is AGE's own; nobody else can say what came of it")));
    }
    if says_the_same(&item, to) {
        return Ok(Json(item));
    }
    let now = app.clock.now();
    let verify = app.policy.actions.verify_after_seconds;
    let detail: Option<String> = note.map(String::from);
    let (severity, incident_key) = (item.severity, item.incident_key());
    let on_failed_remediation = |state: &mut _, failed_remediation| {
        app.policy.incidents.record_failed_remediation(state, failed_remediation, severity)
    };
    let settled = app.life.settle(item, to, &on_failed_remediation, app.clock.as_ref(), |item| ActionItem {
        status: to,
        completed_at: Some(now),
        completed_by: Some(caller.kid.clone()),
        due_at: (to == ActionStatus::Succeeded).then(|| now.plus_seconds(verify)),
        detail: detail.clone(),
        ..item.clone()
    });
    match settled.await {
        // The same word, said twice at the same time.
        Err(StoreError::Illegal(InvalidTransition { from, to })) if from == to => {
            Ok(Json(app.action(event, action).await?))
        }
        settled => {
            let item = settled?;
            if item.status.is_failure() {
                app.escalations.first(&incident_key, None, origin.as_deref(), app.clock.as_ref()).await;
            }
            Ok(Json(item))
        }
    }
}

/// A repeat of what was said before, even if the action has moved on since.
fn says_the_same(item: &ActionItem, to: ActionStatus) -> bool {
    use ActionStatus::{Ineffective, Succeeded, Verified};
    item.status == to || (to == Succeeded && matches!(item.status, Verified | Ineffective))
}
