//! Takes events in: parse, decide, store, answer. The first try at what is owed is made before the answer.

mod dispatch;
mod request;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use model::{ActionRecord, Clock, Event};
use platform::{JsonBody, Origin, Problem};
use scoring::Policy;
use serde::Serialize;
use store::{Intake, Recorded};

pub use dispatch::Dispatcher;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    intake: Intake,
    dispatcher: Dispatcher,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(intake: Intake, dispatcher: Dispatcher, policy: Policy, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Parts { intake, dispatcher, policy, clock: Box::new(clock) }))
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
    actions: Vec<ActionRecord>,
}

async fn log_event(
    State(App(app)): State<App>,
    origin: Origin,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let (reported, key) = request::parse(&headers, &body)?;
    let owed = scoring::select_actions(&app.policy, &reported);
    match app.intake.record(reported, key.as_ref(), owed, Policy::HASH, app.clock.as_ref()).await? {
        Recorded::Created(event, owed) => {
            let actions =
                app.dispatcher.first_try(&app.policy, &app.intake, &event, owed, origin, app.clock.as_ref()).await;
            Ok((StatusCode::CREATED, Json(Answer { event, actions })).into_response())
        }
        Recorded::Replayed(event, actions) => {
            Ok((StatusCode::OK, [(REPLAYED, "true")], Json(Answer { event, actions })).into_response())
        }
        Recorded::KeyReused => Err(request::key_reused()),
    }
}
