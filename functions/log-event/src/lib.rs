//! Takes events in: parse, decide, store, answer. The first try at what is owed is made before the answer.

mod request;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use dispatch::{Dispatcher, Escalations};
use model::{Action, ActionItem, ActionStatus, Clock, Event, Kind, Watch};
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
    escalations: Escalations,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(intake: Intake, dispatcher: Dispatcher, escalations: Escalations, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Parts { intake, dispatcher, escalations, clock: Box::new(clock) }))
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
    let policy = app.dispatcher.policy();
    let plan = |event: &Event, watch: &Watch| scoring::plan(policy, event, watch);
    let decide: Option<Decide<'_>> = if reported.severity < policy.actions.from { None } else { Some(&plan) };
    match app.intake.record(reported, key.as_ref(), decide, Policy::HASH, app.clock.as_ref()).await? {
        Recorded::Created { event, actions, tell } => {
            let mut actions = app.first_try(&event, actions).await;
            if tell {
                app.tell(&event, &mut actions, origin.as_deref()).await;
            }
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
    async fn first_try(&self, event: &Event, mut actions: Vec<ActionItem>) -> Vec<ActionItem> {
        for item in &mut actions {
            if item.status == ActionStatus::Pending && item.action.is_remedy() {
                (*item, _) = self.dispatcher.hand_over(event, item.clone(), self.clock.as_ref()).await;
            }
        }
        actions
    }

    /// Writes to people about an incident that `event` has opened. They come last, so that they are told what has become
    /// of the rest.
    async fn tell(&self, event: &Event, actions: &mut [ActionItem], origin: Option<&str>) {
        let (kind, about) = (Kind::of(&event.reported), Some((event, &*actions)));
        let Some(at) = self.escalations.first(&kind, about, origin, self.clock.as_ref()).await else {
            return;
        };
        let is_told =
            |item: &&mut ActionItem| (item.action, item.status) == (Action::NotifyAdmin, ActionStatus::Pending);
        for item in actions.iter_mut().filter(is_told) {
            (item.status, item.dispatched_at) = (ActionStatus::Dispatched, Some(at));
        }
    }
}
