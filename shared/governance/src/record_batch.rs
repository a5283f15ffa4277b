//! Recording many events of one request. What is stored already is recognized first, so that each attempt gets further than the one
//! before. HIGH and CRITICAL events go first, because they may need action.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    ActionStatus, AlertId, Clock, Engine, Event, EventId, IncidentKey, KeyId, NewEvent, StoreError, Timestamp,
};
use age_policy::EventRole;

use crate::alert_occurrences::{AlertReport, recognize_alerts};
use crate::pending_event::{
    EventIdentity, IncomingEvent, NewcomingEvent, PendingEvent, UnnotifiedIncident, WriteOutcome,
};
use crate::record_event::{EventRecorder, RecordResult, RecordedEvent, StoredEvent};
use crate::transaction_chunks::transaction_chunks;

/// Events that would be begun so many seconds after the request are left for its next attempt. The function may run for 25, and
/// the last events that are begun may take 18.
const BEGIN_WITHIN_SECONDS: i64 = 5;

/// The most events that may lead to actions in one transaction. A larger one would conflict more often.
const MAX_PLANNED_EVENTS: usize = 20;

/// How many e-mails about one request are sent at once, at most. The sweep notifies people of the other incidents, together.
const MAX_INITIAL_NOTIFICATIONS: usize = 5;

/// Something of a batch, with its place in it.
type Placed<T> = (usize, T);

/// The result of one event of a batch: of recording it, or None if it was not begun, because the time was up or the store has failed.
pub type BatchResult = Option<Result<RecordResult, StoreError>>;

/// The events of a batch by what is to be done with them, each with its place.
#[derive(Debug, Default)]
struct Recognized {
    /// New events that may lead to actions.
    problems: Vec<Placed<NewcomingEvent>>,
    /// New events that report problems as resolved.
    resolutions: Vec<Placed<NewcomingEvent>>,
    /// New events that lead to nothing.
    others: Vec<Placed<NewcomingEvent>>,
    repeats: Vec<Placed<Repeat>>,
}

/// A repeat of a stored event.
#[derive(Debug)]
struct Repeat {
    event: Event,
    /// What was reported, if it must equal the event.
    reported: Option<NewEvent>,
    /// Whether the problem of the event lasts.
    is_sign_of_life: bool,
}

/// A batch that is being recorded.
struct Batch<'a> {
    recorder: &'a EventRecorder,
    by: &'a KeyId,
    origin: Option<&'a str>,
    clock: &'a dyn Clock,
    began: Timestamp,
    has_failed: bool,
    notifications: usize,
    results: Vec<BatchResult>,
}

impl EventRecorder {
    /// Records `events` in the name of `by`. Returns their results in order.
    pub async fn record_batch(
        &self,
        events: Vec<IncomingEvent>,
        by: &KeyId,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Vec<BatchResult> {
        let results = events.iter().map(|_| None).collect();
        let (began, has_failed, notifications) = (clock.now(), false, 0);
        let mut batch = Batch { recorder: self, by, origin, clock, began, has_failed, notifications, results };
        let (first, again) = split_off_same(events);
        batch.record(first).await;
        // These come after the events whose identity they have: the table says whether they are the same.
        for event in again {
            batch.record(vec![event]).await;
        }
        batch.results
    }

    /// Whether `reported` may lead to actions or an incident.
    fn needs_plan(&self, reported: &NewEvent) -> bool {
        reported.severity >= self.active_policy().policy.actions.min_severity
    }

    /// Finds out which of `events` are stored already.
    async fn recognize(&self, events: Vec<Placed<IncomingEvent>>, now: Timestamp) -> Result<Recognized, StoreError> {
        let stored = self.stored_events(&events).await?;
        let mut recognized = Recognized::default();
        let (mut alerts, mut places) = (Vec::new(), Vec::new());
        for (place, IncomingEvent { reported, identity }) in events {
            let key = match identity {
                EventIdentity::Alert(alert, status) => {
                    alerts.push((alert, status, reported));
                    places.push(place);
                    continue;
                }
                EventIdentity::Key(key) => Some(key),
                EventIdentity::Unnamed => None,
            };
            let id = key.as_ref().map(|key| EventId::keyed(reported.engine, key));
            if let Some(event) = id.and_then(|id| stored.get(&id)).cloned() {
                recognized.repeats.push((place, Repeat { event, reported: Some(reported), is_sign_of_life: true }));
            } else {
                let role = if self.needs_plan(&reported) { EventRole::Problem } else { EventRole::Counted };
                recognized.add(place, NewcomingEvent { reported, key, role, resolves: None });
            }
        }
        for (place, report) in places.into_iter().zip(recognize_alerts(&self.writer.events, alerts, now).await?) {
            match report {
                AlertReport::Repeat { event, is_firing: is_sign_of_life } => {
                    recognized.repeats.push((place, Repeat { event, reported: None, is_sign_of_life }));
                }
                AlertReport::New(mut new) => {
                    let leads_to_nothing = match &new.role {
                        EventRole::Resolution(of) => !self.needs_plan(&of.reported),
                        _ => !self.needs_plan(&new.reported),
                    };
                    if leads_to_nothing {
                        new.role = EventRole::Counted;
                    }
                    recognized.add(place, new);
                }
            }
        }
        Ok(recognized)
    }

    /// Returns those of `events` that are stored under their key. One alone is not looked up: writing it shows that it is stored.
    async fn stored_events(&self, events: &[Placed<IncomingEvent>]) -> Result<BTreeMap<EventId, Event>, StoreError> {
        let ids = events.iter().filter_map(|(_, IncomingEvent { reported, identity })| match identity {
            EventIdentity::Key(key) if self.needs_plan(reported) => Some(EventId::keyed(reported.engine, key)),
            _ => None,
        });
        let ids: BTreeSet<EventId> = ids.collect();
        if ids.len() > 1 { self.writer.events.get_all(&ids).await } else { Ok(BTreeMap::new()) }
    }
}

impl Recognized {
    fn add(&mut self, place: usize, new: NewcomingEvent) {
        let of_role = match new.role {
            EventRole::Counted => &mut self.others,
            EventRole::Problem | EventRole::FiringAlert => &mut self.problems,
            EventRole::Resolution(_) => &mut self.resolutions,
        };
        of_role.push((place, new));
    }
}

impl Batch<'_> {
    /// Records `events`, no two of which have the same identity.
    async fn record(&mut self, events: Vec<Placed<IncomingEvent>>) {
        if self.is_over() {
            return;
        }
        let places: Vec<usize> = events.iter().map(|(place, _)| *place).collect();
        match self.recorder.recognize(events, self.clock.now()).await {
            Ok(Recognized { problems, resolutions, others, repeats }) => {
                self.record_repeats(repeats).await;
                for chunk in chunks(problems) {
                    self.write(chunk).await;
                }
                // After the problems: an incident does not end by one alert while another of its key begins.
                for chunk in chunks(resolutions) {
                    self.write(chunk).await;
                }
                for chunk in transaction_chunks(others, |(_, new)| new.reported.engine) {
                    self.write(chunk).await;
                }
            }
            Err(error) => {
                for place in places {
                    self.set(place, Err(error.clone()));
                }
            }
        }
    }

    /// Stores new events, then dispatches their actions and notifies people.
    async fn write(&mut self, events: Vec<Placed<NewcomingEvent>>) {
        if self.is_over() {
            return;
        }
        let (places, new): (Vec<usize>, Vec<NewcomingEvent>) = events.into_iter().unzip();
        // One time for all: a midnight between them would need one more rollup.
        let now = self.clock.now();
        let pending = new.into_iter().map(|new| PendingEvent::new(new, self.by, now, self.clock)).collect();
        let active = self.recorder.active_policy();
        let outcomes = self.recorder.writer.write(pending, &active, self.clock).await;
        let (mut created, mut repeats) = (Vec::new(), Vec::new());
        for (place, outcome) in places.into_iter().zip(outcomes) {
            match outcome {
                Ok(WriteOutcome::Created { event, actions, incident }) => {
                    created.push((place, RecordedEvent { event, actions }, incident));
                }
                Ok(WriteOutcome::Replayed(event)) => {
                    repeats.push((place, Repeat { event, reported: None, is_sign_of_life: true }));
                }
                Ok(WriteOutcome::KeyReused) => self.set(place, Ok(RecordResult::KeyReused)),
                Err(error) => self.set(place, Err(error)),
            }
        }
        self.follow_up(created).await;
        self.record_repeats(repeats).await;
    }

    async fn follow_up(&mut self, created: Vec<(usize, RecordedEvent, UnnotifiedIncident)>) {
        let mut keys = BTreeSet::new();
        let (mut places, mut stored) = (Vec::new(), Vec::new());
        for (place, recorded, incident) in created {
            let may_open = incident != UnnotifiedIncident::None;
            let opens = may_open && keys.insert(IncidentKey::of(&recorded.event.reported));
            let incident = if opens { incident } else { UnnotifiedIncident::None };
            let waits = recorded.actions.iter().any(|item| item.status == ActionStatus::PendingApproval);
            let is_notified = (opens || waits) && self.notifications < MAX_INITIAL_NOTIFICATIONS;
            self.notifications += usize::from(is_notified);
            places.push(place);
            stored.push(StoredEvent { recorded, incident, is_notified });
        }
        // Later than that, the sweep dispatches and notifies.
        if !self.is_late() {
            self.recorder.follow_up(&mut stored, self.begins_until(), self.origin, self.clock).await;
        }
        for (place, StoredEvent { recorded, .. }) in places.into_iter().zip(stored) {
            self.set(place, Ok(RecordResult::Created(recorded)));
        }
    }

    /// Records that the engines and the problems of stored events were heard again.
    async fn record_repeats(&mut self, mut repeats: Vec<Placed<Repeat>>) {
        // Repeats of one incident key show the same, and that of the earliest event that can lead to something shows the most.
        repeats
            .sort_by_key(|(_, Repeat { event, .. })| (!self.recorder.needs_plan(&event.reported), event.occurred_at));
        let mut heard: BTreeMap<IncidentKey, Result<(), StoreError>> = BTreeMap::new();
        let mut replayed = Vec::new();
        for (place, Repeat { event, reported, is_sign_of_life }) in repeats {
            if reported.is_some_and(|reported| !event.reported.content_eq(&reported)) {
                self.set(place, Ok(RecordResult::KeyReused));
                continue;
            }
            let key = IncidentKey::of(&event.reported);
            let result = match heard.get(&key) {
                Some(result) => result.clone(),
                None => self.record_heard(&event, is_sign_of_life).await,
            };
            if is_sign_of_life {
                heard.insert(key, result.clone());
            }
            match result {
                Ok(()) => replayed.push((place, event)),
                Err(error) => self.set(place, Err(error)),
            }
        }
        let ids = replayed.iter().filter(|(_, event)| self.recorder.needs_plan(&event.reported));
        let ids = ids.map(|(_, event)| event.id).collect();
        match self.recorder.writer.lifecycle.actions().of_events(ids).await {
            Ok(actions) => {
                for (place, event) in replayed {
                    let actions = actions.items.iter().filter(|item| item.event_id == event.id).cloned().collect();
                    self.set(place, Ok(RecordResult::Replayed(RecordedEvent { event, actions })));
                }
            }
            Err(error) => {
                for (place, _) in replayed {
                    self.set(place, Err(error.clone()));
                }
            }
        }
    }

    async fn record_heard(&self, event: &Event, is_sign_of_life: bool) -> Result<(), StoreError> {
        let writer = &self.recorder.writer;
        writer.record_engine_heard(event.reported.engine, self.clock).await?;
        let active = self.recorder.active_policy();
        if is_sign_of_life && let Some(key) = writer.record_problem_heard(event, &active, self.clock).await? {
            self.recorder.notify_of_repeat(&key, self.origin, self.clock).await;
        }
        Ok(())
    }

    fn set(&mut self, place: usize, result: Result<RecordResult, StoreError>) {
        self.has_failed |= result.as_ref().is_err_and(may_pass);
        if let Some(place) = self.results.get_mut(place) {
            *place = Some(result);
        }
    }

    /// Whether nothing more is begun: the store has failed, and would fail as slowly again, or the time is up.
    fn is_over(&self) -> bool {
        self.has_failed || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.clock.now() > self.begins_until()
    }

    /// The time after which nothing more is begun.
    fn begins_until(&self) -> Timestamp {
        self.began.plus_seconds(BEGIN_WITHIN_SECONDS)
    }
}

/// Splits `events` into the first of each identity and the others, each with its place.
fn split_off_same(events: Vec<IncomingEvent>) -> (Vec<Placed<IncomingEvent>>, Vec<Placed<IncomingEvent>>) {
    let mut ids = BTreeSet::new();
    let mut alerts: BTreeSet<(Engine, AlertId)> = BTreeSet::new();
    let is_first = |(_, IncomingEvent { reported, identity }): &Placed<IncomingEvent>| match identity {
        EventIdentity::Unnamed => true,
        EventIdentity::Key(key) => ids.insert(EventId::keyed(reported.engine, key)),
        EventIdentity::Alert(alert, _) => alerts.insert((reported.engine, alert.clone())),
    };
    events.into_iter().enumerate().partition(is_first)
}

/// Splits events that may lead to something into groups that are written together.
fn chunks(events: Vec<Placed<NewcomingEvent>>) -> Vec<Vec<Placed<NewcomingEvent>>> {
    let mut events = events.into_iter().peekable();
    let mut chunks = Vec::new();
    while events.peek().is_some() {
        chunks.push(events.by_ref().take(MAX_PLANNED_EVENTS).collect());
    }
    chunks
}

/// Whether a later attempt may succeed.
const fn may_pass(error: &StoreError) -> bool {
    !matches!(error, StoreError::InvalidTransition(_) | StoreError::Corrupt { .. })
}
