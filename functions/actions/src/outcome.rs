//! What a worker says came of an action.

use axum::Json;
use axum::extract::State;
use model::{ActionItem, ActionStatus, IllegalMove};
use platform::{JsonBody, NoQuery, PathNames, Problem};
use store::StoreError;

use crate::App;
use crate::request::{self, Fields};

pub(crate) async fn report(
    State(App(app)): State<App>,
    PathNames([id, action]): PathNames<2>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ActionItem>, Problem> {
    let (event, action) = request::named(&id, &action)?;
    let mut fields = Fields::parse(&body)?;
    let outcome = fields.one_of("outcome", [("succeeded", ActionStatus::Succeeded), ("failed", ActionStatus::Failed)]);
    let detail = fields.text("detail");
    fields.finish()?;
    let Some(outcome) = outcome else { return Err(Problem::invalid(Vec::new())) };

    let item = app.action(event, action).await?;
    if !action.is_remedy() {
        return Err(Problem::conflict(format!("{action} is AGE's own; nobody else can say what came of it")));
    }
    if says_the_same(&item, outcome) {
        return Ok(Json(item));
    }
    let now = app.clock.now();
    let verify = app.policy.actions.verify_after_seconds;
    let settled = app.life.settle(item, outcome, now, |item| ActionItem {
        status: outcome,
        settled_at: Some(now),
        due_at: (outcome == ActionStatus::Succeeded).then(|| now.plus_seconds(verify)),
        detail: detail.clone(),
        ..item.clone()
    });
    match settled.await {
        // The same word, said twice at the same time.
        Err(StoreError::Illegal(IllegalMove { from, to })) if from == to => Ok(Json(app.action(event, action).await?)),
        settled => Ok(Json(settled?)),
    }
}

/// A repeat of what was said before, even if the action has moved on since.
fn says_the_same(item: &ActionItem, outcome: ActionStatus) -> bool {
    use ActionStatus::{Ineffective, Succeeded, Verified};
    item.status == outcome || (outcome == Succeeded && matches!(item.status, Verified | Ineffective))
}
