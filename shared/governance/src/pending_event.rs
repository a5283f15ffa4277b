//! An event on its way into the store.

use age_model::{
    ActionItem, ActionStatus, Clock, Day, Engine, Event, EventId, IdempotencyKey, Incident, IncidentState, KeyId,
    NewEvent, StoreError, Timestamp,
};
use age_policy::Plan;
use age_store::{IncidentStateRecord, PlannedRemediations};

/// An event to be stored.
#[derive(Debug, Clone)]
pub struct IncomingEvent<'a> {
    /// What the engine reports.
    pub reported: NewEvent,
    /// The name under which a repeat is recognized, if the sender gave one.
    pub key: Option<&'a IdempotencyKey>,
    /// The credential that it was reported with.
    pub by: &'a KeyId,
}

/// The result of storing an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The event is stored and counted, and these actions are planned.
    Created {
        /// The stored event.
        event: Event,
        /// Its actions.
        actions: Vec<ActionItem>,
        /// Whether it may have opened an incident that nobody was notified of.
        may_notify: bool,
    },
    /// The event was stored before under the same idempotency key.
    Replayed(Event),
    /// The idempotency key belongs to another event. Nothing was stored.
    KeyReused,
}

/// An event that is being written, with the decisions made for it.
pub(crate) struct PendingEvent {
    pub(crate) event: Event,
    /// Whether an earlier request may have stored it under the same idempotency key.
    pub(crate) is_keyed: bool,
    /// Whether an attempt of this request may have stored it without a response.
    pub(crate) may_be_stored: bool,
    pub(crate) actions: Vec<ActionItem>,
    /// The state that the plan was made from, and the plan; None for an event that leads to nothing.
    pub(crate) decision: Option<(IncidentStateRecord, Plan)>,
    /// Why the event has no plan, if the state that it would be made from cannot be read.
    pub(crate) unplanned: Option<StoreError>,
}

impl PendingEvent {
    /// The event of `incoming`, accepted at `now`.
    pub(crate) fn new(incoming: IncomingEvent<'_>, now: Timestamp, clock: &dyn Clock) -> Self {
        let IncomingEvent { reported, key, by } = incoming;
        let id = key.map_or_else(|| EventId::fresh(clock), |key| EventId::keyed(reported.engine, key));
        let event = Event { id, reported, occurred_at: now, reported_by: Some(by.clone()) };
        Self {
            event,
            is_keyed: key.is_some(),
            may_be_stored: false,
            actions: Vec::new(),
            decision: None,
            unplanned: None,
        }
    }

    /// The engine and the day whose rollup counts the event.
    pub(crate) fn rollup(&self) -> (Engine, Day) {
        (self.event.reported.engine, self.event.occurred_at.day())
    }

    /// How many remediations are counted with the event. Notifications are counted by their incident.
    pub(crate) fn planned_remediations(&self) -> PlannedRemediations {
        let remediations = || self.actions.iter().filter(|item| item.action.is_remediation());
        let suppressed = remediations().filter(|item| item.status == ActionStatus::Suppressed).count();
        PlannedRemediations {
            planned: i64::try_from(remediations().count() - suppressed).unwrap_or(i64::MAX),
            suppressed: i64::try_from(suppressed).unwrap_or(i64::MAX),
        }
    }

    /// The outcome if this request has stored the event.
    pub(crate) fn created(self) -> WriteOutcome {
        let is_new = |incident: &Incident| incident.notifications == 0;
        let opened = |plan: &Plan| plan.state.as_ref().and_then(IncidentState::open_incident).is_some_and(is_new);
        let may_notify = self.decision.is_some_and(|(_, plan)| opened(&plan));
        WriteOutcome::Created { event: self.event, actions: self.actions, may_notify }
    }

    /// The outcome if an earlier request with the same idempotency key has stored `stored`.
    pub(crate) fn replayed(self, stored: Event) -> WriteOutcome {
        let is_repeat = stored.reported.content_eq(&self.event.reported);
        if is_repeat { WriteOutcome::Replayed(stored) } else { WriteOutcome::KeyReused }
    }
}
