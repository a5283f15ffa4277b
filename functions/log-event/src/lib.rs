//! Takes events in: parse, decide, store, answer. The first try at what is owed is made before the answer.

mod request;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use dispatch::Dispatcher;
use model::{Action, ActionItem, ActionStatus, Clock, Event, Watch};
use platform::{JsonBody, NoQuery, Origin, Problem};
use scoring::Policy;
use serde::Serialize;
use store::{Decide, Intake, Recorded};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    intake: Intake,
    dispatcher: Dispatcher,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(intake: Intake, dispatcher: Dispatcher, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Parts { intake, dispatcher, clock: Box::new(clock) }))
    }
}

/// The routes of this function.
pub fn router(app: App) -> Router {
    platform::router(Router::new().route("/api/governance/event", post(log_event)).with_state(app))
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    event: Event,
    actions: Vec<ActionItem>,
}

async fn log_event(
    State(App(app)): State<App>,
    Origin(origin): Origin,
    _: NoQuery,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let (reported, key) = request::parse(&headers, &body)?;
    let policy = &app.dispatcher.policy;
    let plan = |event: &Event, watch: &Watch| scoring::plan(policy, event, watch);
    let decide: Option<Decide<'_>> = if reported.severity < policy.actions.from { None } else { Some(&plan) };
    match app.intake.record(reported, key.as_ref(), decide, Policy::HASH, app.clock.as_ref()).await? {
        Recorded::Created(event, owed) => {
            let actions = app.first_try(&event, owed, origin.as_deref()).await;
            Ok((StatusCode::CREATED, Json(Answer { event, actions })).into_response())
        }
        Recorded::Replayed(event, actions) => {
            Ok((StatusCode::OK, [(REPLAYED, "true")], Json(Answer { event, actions })).into_response())
        }
        Recorded::KeyReused => Err(request::key_reused()),
    }
}

impl Parts {
    /// Hands over what is pending. The event is stored by now: nothing here can take that back.
    async fn first_try(&self, event: &Event, mut owed: Vec<ActionItem>, origin: Option<&str>) -> Vec<ActionItem> {
        // People come last, so that they are told what has become of the rest.
        owed.sort_by_key(|item| (item.action == Action::NotifyAdmin, item.action));
        let mut done: Vec<ActionItem> = Vec::with_capacity(owed.len());
        for mut item in owed {
            if item.status == ActionStatus::Pending {
                item = self.dispatcher.hand_over(event, item, &done, origin, self.clock.as_ref()).await;
            }
            done.push(item);
        }
        done
    }
}
