//! Many events in one request, each with a result of its own. HIGH and CRITICAL ones are taken first, one by one, for
//! somebody may have to act; the others, which lead to nothing, are packed into as few transactions as can be.

mod body;
mod form;

use std::collections::{BTreeMap, BTreeSet};

use age_model::{ActionItem, EventId, Timestamp};
use age_platform::{AnyBody, Caller, FieldError, NoQuery, Origin, Problem};
use age_store::{IncomingEvent, WriteOutcome};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use body::{Item, MAX_BYTES};
use form::{CloudEvents, Events, Unfinished};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{Answer, App, BEGINNING_SECONDS, Parts, Taken};

/// What was made of one event of a batch.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EventResult)]
#[serde(rename_all = "camelCase")]
struct EventResult {
    /// As of the request for it alone: 201 stored, 200 stored before, under the same name; 400, 413 or 422 refused, 403 not
    /// yours; 500 stored data is damaged; 503 not now.
    status: u16,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    /// When AGE accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Timestamp>,
    /// What it led to, if it led to anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<ActionItem>,
    /// Why it is not stored, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Every field that is wrong; the pointers are into the event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What was made of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventResults)]
pub(crate) struct EventResults {
    /// In the order of the events.
    results: Vec<EventResult>,
}

impl EventResult {
    fn stored(status: StatusCode, Answer { event, actions }: Answer) -> Self {
        let (id, occurred_at) = (Some(event.id), Some(event.occurred_at));
        Self { status: status.as_u16(), id, occurred_at, actions, detail: None, errors: Vec::new() }
    }

    /// Whether it may be another the next time.
    fn is_passing(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE.as_u16()
    }
}

impl From<Problem> for EventResult {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status().as_u16(),
            id: None,
            occurred_at: None,
            actions: Vec::new(),
            detail: Some(problem.detail().to_owned()),
            errors: problem.errors().to_vec(),
        }
    }
}

/// Takes up to 500 events, 1 MB, each with a result of its own. Details are not repeated in the answer. If some cannot be
/// stored now, it is a 503 with the results so far: send those again whose own say 503.
#[utoipa::path(
    post,
    path = "/api/governance/events",
    operation_id = "take_events", tag = "Events",
    request_body(content(
        (Events = "application/json"),
        (String = "application/x-ndjson"),
        (CloudEvents = "application/cloudevents-batch+json"),
    )),
    responses(
        (status = 200, description = "A result on each event", body = EventResults),
        (status = 503, description = "Not now, or not all of them", body = Unfinished, content_type = "application/problem+json",
            headers(("Retry-After" = u16))),
    ),
)]
pub(crate) async fn take_events(
    State(App(app)): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    headers: HeaderMap,
    body: AnyBody<MAX_BYTES>,
) -> Result<Json<EventResults>, Problem> {
    let items = body::read(&headers, &body)?;
    let mut batch = Batch {
        app: &app,
        caller: &caller,
        origin: origin.as_deref(),
        began: app.clock.now(),
        results: items.iter().map(|_| None).collect(),
    };
    batch.take(items).await;
    batch.answer()
}

/// A batch that is being taken.
struct Batch<'a> {
    app: &'a Parts,
    caller: &'a Caller,
    origin: Option<&'a str>,
    began: Timestamp,
    results: Vec<Option<EventResult>>,
}

impl Batch<'_> {
    async fn take(&mut self, items: Vec<Result<Item, Problem>>) {
        let (mut serious, mut others, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
        let mut names = BTreeSet::new();
        for (place, item) in items.into_iter().enumerate() {
            let spoken = item.and_then(|item| self.caller.speak_for(item.reported.engine).map(|()| item));
            match spoken {
                Err(problem) => self.settle(place, problem.into()),
                Ok(item) if !item.id().is_none_or(|id| names.insert(id)) => repeats.push((place, item)),
                Ok(item) if self.app.may_lead_to_something(&item.reported) => serious.push((place, item)),
                Ok(item) => others.push((place, item)),
            }
        }
        for (place, item) in serious {
            self.take_one(place, item).await;
        }
        for pack in age_store::packs(others, |(_, item)| item.reported.engine) {
            self.take_pack(&pack).await;
        }
        // They come after those whose names they have, and the table says what they are.
        for (place, item) in repeats {
            self.take_one(place, item).await;
        }
    }

    async fn take_one(&mut self, place: usize, item: Item) {
        if self.is_over() {
            return;
        }
        let arriving = IncomingEvent { reported: item.reported, key: item.key.as_ref(), by: &self.caller.kid };
        let result = match self.app.take(arriving, self.origin).await {
            Ok(Taken::Created(answer)) => EventResult::stored(StatusCode::CREATED, answer),
            Ok(Taken::Replayed(answer)) => EventResult::stored(StatusCode::OK, answer),
            Ok(Taken::Reused) => (item.reused)().into(),
            Err(problem) => problem.into(),
        };
        self.settle(place, result);
    }

    async fn take_pack(&mut self, pack: &[(usize, Item)]) {
        if self.is_over() {
            return;
        }
        let by = &self.caller.kid;
        let arriving = pack.iter().map(|(_, Item { reported, key, .. })| {
            let reported = reported.clone();
            IncomingEvent { reported, key: key.as_ref(), by }
        });
        let recorded = self.app.intake.record_all(arriving.collect(), self.app.clock.as_ref()).await;
        // Each failure is logged once, however many it concerns.
        let mut failures: BTreeMap<String, Problem> = BTreeMap::new();
        for ((place, item), recorded) in pack.iter().zip(recorded) {
            let stored = |status, event| EventResult::stored(status, Answer { event, actions: Vec::new() });
            let result = match recorded {
                Ok(WriteOutcome::Created { event, .. }) => stored(StatusCode::CREATED, event),
                Ok(WriteOutcome::Replayed(event)) => stored(StatusCode::OK, event),
                Ok(WriteOutcome::KeyReused) => (item.reused)().into(),
                Err(error) => failures.entry(error.to_string()).or_insert_with(|| error.into()).clone().into(),
            };
            self.settle(*place, result);
        }
    }

    fn settle(&mut self, place: usize, result: EventResult) {
        if let Some(unsettled) = self.results.get_mut(place) {
            *unsettled = Some(result);
        }
    }

    /// Whether nothing more is begun: the store has failed, or the time is up.
    fn is_over(&self) -> bool {
        let failed = self.results.iter().flatten().any(EventResult::is_passing);
        failed || self.app.clock.now() > self.began.plus_seconds(BEGINNING_SECONDS)
    }

    fn answer(self) -> Result<Json<EventResults>, Problem> {
        let left = || Problem::unavailable("it was not begun: nothing was stored, send it again").into();
        let results: Vec<EventResult> = self.results.into_iter().map(|result| result.unwrap_or_else(left)).collect();
        if results.iter().any(EventResult::is_passing) {
            let detail = "not all events could be stored; send those again whose results say 503";
            return Err(Problem::unavailable(detail).with_member("results", json!(results)));
        }
        Ok(Json(EventResults { results }))
    }
}
