//! What an admin decides about an action that waits.

use axum::Json;
use axum::extract::State;
use model::{ActionItem, ActionStatus};
use platform::{JsonBody, NoQuery, PathNames, Problem};

use crate::App;
use crate::request::{self, Fields};

pub(crate) async fn decide(
    State(App(app)): State<App>,
    PathNames([id, action]): PathNames<2>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ActionItem>, Problem> {
    let (event, action) = request::named(&id, &action)?;
    let mut fields = Fields::parse(&body)?;
    let to = fields.one_of("decision", [("approve", ActionStatus::Pending), ("deny", ActionStatus::Denied)]);
    let (digest, by) = (fields.required("digest"), fields.required("by"));
    fields.finish()?;
    let (Some(to), Some(digest), Some(by)) = (to, digest, by) else { return Err(Problem::invalid(Vec::new())) };

    let item = app.action(event, action).await?;
    let now = app.clock.now();
    if item.status != ActionStatus::AwaitingApproval {
        return Err(Problem::conflict(match &item.decided_by {
            Some(earlier) => format!("this was decided already, by {earlier}: the action is {}", item.status),
            None => format!("only an action that is awaiting_approval can be decided on; this one is {}", item.status),
        }));
    }
    if item.due_at.is_some_and(|until| until <= now) {
        return Err(Problem::conflict("the time to approve this is over"));
    }
    if item.digest != digest {
        return Err(Problem::conflict(
            "the digest is not that of what would be done now; look again before you decide",
        ));
    }
    let decided = app.life.settle(item, to, now, |item| ActionItem {
        status: to,
        // Due at once: the next sweep hands it over.
        due_at: (to == ActionStatus::Pending).then_some(now),
        settled_at: (to == ActionStatus::Denied).then_some(now),
        decided_by: Some(by.clone()),
        ..item.clone()
    });
    Ok(Json(decided.await?))
}
