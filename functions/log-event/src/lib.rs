//! Takes events in: parse, decide, store, answer. The first try at what is owed is made before the answer.

mod alertmanager;
mod batch;
mod cloudevent;
#[cfg(test)]
mod mangled;
mod request;

use std::sync::Arc;

use age_dispatch::{Dispatcher, Escalations};
use age_model::{
    Action, ActionItem, ActionStatus, Clock, Event, EventId, IdempotencyKey, IncidentKey, IncidentState, NewEvent,
};
use age_platform::{Access, AnyBody, Caller, FieldError, JsonBody, NoQuery, Origin, Problem, Routes};
use age_scoring::Policy;
use age_store::{Decide, IncomingEvent, Intake, WriteOutcome};
use alertmanager::Webhook;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// Of many events in a request, those that would be begun after so many seconds are left for its next try. The function may
/// run for 25, and the last one that is begun may take 18.
const BEGINNING_SECONDS: i64 = 5;

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

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(log_event, take_alerts, batch::take_events))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .post("/api/governance/event", Access::Engine, log_event)
        .post("/api/governance/events", Access::Engine, batch::take_events)
        // list-events has what is to be got there.
        .allowing("GET,HEAD,POST")
        .post("/api/governance/intake/alertmanager", Access::Engine, take_alerts)
}

/// An event with the actions that it led to.
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedEvent)]
struct Answer {
    #[serde(flatten)]
    event: Event,
    actions: Vec<ActionItem>,
}

/// What was made of an event.
enum Taken {
    /// It is stored now.
    Created(Answer),
    /// It was before, under the same name.
    Replayed(Answer),
    /// Another event was, under the same name.
    Reused,
}

/// Takes an event. `event_type` is understood for `eventType`, and `CloudEvents` in binary mode (`ce-*` headers) are taken, too.
#[utoipa::path(
    post,
    path = "/api/governance/event",
    operation_id = "log_event", tag = "Events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = r"^[!-~](?:[ -~]*[!-~])?$",
        description = "Names the event, so that a repeat of the request is known as one. Not for CloudEvents, which name themselves")),
    request_body(content(
        (request::Body = "application/json"),
        (cloudevent::Body = "application/cloudevents+json"),
    )),
    responses(
        (status = 201, description = "The event is stored, and these actions are owed", body = Answer),
        (status = 200, description = "It was stored before, under the same name", body = Answer,
            headers(("Idempotency-Replayed" = String, description = "true"))),
    ),
)]
async fn log_event(
    State(App(app)): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    headers: HeaderMap,
    body: AnyBody,
) -> Result<Response, Problem> {
    let (reported, key, reused) = if body.media_type.as_deref() == Some(cloudevent::STRUCTURED) {
        named(cloudevent::structured(&headers, &body.bytes)?)
    } else if cloudevent::is_binary(&headers) {
        named(cloudevent::binary(&headers, &body)?)
    } else if body.is_json() {
        let (reported, key) = request::parse(&headers, &body.bytes)?;
        let reused: fn() -> Problem = || request::key_reused(request::KEY_HEADER);
        (reported, key, reused)
    } else {
        return Err(Problem::not_json());
    };
    caller.speak_for(reported.engine)?;
    let arriving = IncomingEvent { reported, key: key.as_ref(), by: &caller.kid };
    match app.take(arriving, origin.as_deref()).await? {
        Taken::Created(answer) => Ok((StatusCode::CREATED, Json(answer)).into_response()),
        Taken::Replayed(answer) => Ok((StatusCode::OK, [(REPLAYED, "true")], Json(answer)).into_response()),
        Taken::Reused => Err(reused()),
    }
}

/// A `CloudEvent` always has a name.
fn named((event, key): (NewEvent, IdempotencyKey)) -> (NewEvent, Option<IdempotencyKey>, fn() -> Problem) {
    (event, Some(key), cloudevent::id_reused)
}

/// What was made of an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertResult)]
#[serde(rename_all = "camelCase")]
struct AlertResult {
    fingerprint: String,
    /// As of the request for it alone: 201 stored, 200 known already, 403 not yours, 422 refused.
    status: u16,
    /// Its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What was made of the alerts of a group.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertResults)]
struct AlertResults {
    alerts: Vec<AlertResult>,
}

/// Takes the alerts of a group, one after the other. What cannot be stored is a 503: Alertmanager sends all of them again,
/// and those that were stored are known then.
#[utoipa::path(
    post,
    path = "/api/governance/intake/alertmanager",
    operation_id = "take_alerts", tag = "Events",
    request_body = Webhook,
    responses((status = 200, description = "A result on each alert", body = AlertResults)),
)]
async fn take_alerts(
    State(App(app)): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<AlertResults>, Problem> {
    let began = app.clock.now();
    let mut results = Vec::new();
    for (place, alert) in Webhook::parse(&body)?.into_iter().enumerate() {
        if app.clock.now() > began.plus_seconds(BEGINNING_SECONDS) {
            return Err(Problem::unavailable("not all alerts could be taken in time; send them again"));
        }
        let (status, id, errors) = match alert.event(&app.dispatcher.policy().alertmanager, place) {
            Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, None, errors),
            Ok((reported, _)) if !caller.grant.may_act_for(reported.engine) => {
                (StatusCode::FORBIDDEN, None, vec![alertmanager::not_yours(place, &caller.kid)])
            }
            Ok((reported, key)) => {
                match app.take(IncomingEvent { reported, key: Some(&key), by: &caller.kid }, origin.as_deref()).await? {
                    Taken::Created(answer) => (StatusCode::CREATED, Some(answer.event.id), Vec::new()),
                    Taken::Replayed(answer) => (StatusCode::OK, Some(answer.event.id), Vec::new()),
                    // Its annotations have changed since: it is the same alert.
                    Taken::Reused => (StatusCode::OK, None, Vec::new()),
                }
            }
        };
        results.push(AlertResult { fingerprint: alert.fingerprint, status: status.as_u16(), id, errors });
    }
    if results.iter().any(|result| result.errors.is_empty()) || results.is_empty() {
        return Ok(Json(AlertResults { alerts: results }));
    }
    if results.iter().all(|result| result.status == StatusCode::FORBIDDEN.as_u16()) {
        return Err(Problem::forbidden(format!("{} may not speak for any of these engines", caller.kid)));
    }
    Err(Problem::invalid(results.into_iter().flat_map(|result| result.errors).collect()))
}

impl Parts {
    /// Whether such an event may lead to actions or an incident.
    fn may_lead_to_something(&self, reported: &NewEvent) -> bool {
        reported.severity >= self.dispatcher.policy().actions.min_severity
    }

    /// Stores an event, does what it leads to, and answers what was made of it.
    async fn take(&self, arriving: IncomingEvent<'_>, origin: Option<&str>) -> Result<Taken, Problem> {
        let policy = self.dispatcher.policy();
        let plan = |event: &Event, state: &IncidentState| age_scoring::plan(policy, event, state);
        let decide = self.may_lead_to_something(&arriving.reported).then_some(&plan as Decide<'_>);
        Ok(match self.intake.record(arriving, decide, Policy::HASH, self.clock.as_ref()).await? {
            WriteOutcome::Created { event, actions, tell } => {
                let mut actions = self.first_try(&event, actions).await;
                if tell {
                    self.tell(&event, &mut actions, origin).await;
                }
                Taken::Created(Answer { event, actions })
            }
            WriteOutcome::Replayed(event) => {
                let actions = self.intake.actions_of(&event).await?;
                Taken::Replayed(Answer { event, actions })
            }
            WriteOutcome::KeyReused => Taken::Reused,
        })
    }

    /// Hands over what is pending. The event is stored by now: nothing here can take that back.
    async fn first_try(&self, event: &Event, mut actions: Vec<ActionItem>) -> Vec<ActionItem> {
        for item in &mut actions {
            if item.status == ActionStatus::Pending && item.action.is_remediation() {
                (*item, _) = self.dispatcher.hand_over(event, item.clone(), self.clock.as_ref()).await;
            }
        }
        actions
    }

    /// Writes to people about an incident that `event` has opened. They come last, so that they are told what has become
    /// of the rest.
    async fn tell(&self, event: &Event, actions: &mut [ActionItem], origin: Option<&str>) {
        let (incident_key, about) = (IncidentKey::of(&event.reported), Some((event, &*actions)));
        let Some(at) = self.escalations.first(&incident_key, about, origin, self.clock.as_ref()).await else {
            return;
        };
        let is_told =
            |item: &&mut ActionItem| (item.action, item.status) == (Action::NotifyAdmin, ActionStatus::Pending);
        for item in actions.iter_mut().filter(is_told) {
            (item.status, item.dispatched_at) = (ActionStatus::Dispatched, Some(at));
        }
    }
}
