//! An event on its way into the store.

use age_model::{
    ActionItem, ActionStatus, AlertId, AlertStatus, Clock, Day, Engine, Event, EventId, IdempotencyKey, IncidentKey,
    KeyId, NewEvent, PlannedAction, Timestamp,
};
use age_policy::{EventRole, Policy};
use age_store::{IncidentStateRecord, PlannedRemediations};

/// An event to be recorded.
#[derive(Debug, Clone)]
pub struct IncomingEvent {
    /// What the engine reports.
    pub reported: NewEvent,
    /// How a repeat of it is recognized.
    pub identity: EventIdentity,
}

/// How a repeat of an event is recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventIdentity {
    /// It is not: each report is another event.
    Unnamed,
    /// By the key that its sender gave it.
    Key(IdempotencyKey),
    /// By the alert whose status it reports. Its sender reports it again and again.
    Alert(AlertId, AlertStatus),
}

impl From<Option<IdempotencyKey>> for EventIdentity {
    fn from(key: Option<IdempotencyKey>) -> Self {
        key.map_or(Self::Unnamed, Self::Key)
    }
}

/// The incident of a stored event, of which people may have to be notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnnotifiedIncident {
    /// The event has opened no incident, or people were notified of it.
    None,
    /// The incident key is as the event has left it.
    Known(Box<IncidentStateRecord>),
    /// The event may have opened an incident, which must be read.
    Unread,
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
        /// The incident of the event, if nobody was notified of it.
        incident: UnnotifiedIncident,
    },
    /// The event was stored before under the same identity.
    Replayed(Event),
    /// The idempotency key belongs to another event. Nothing was stored.
    KeyReused,
}

/// An event that was recognized as new, before it is accepted.
#[derive(Debug, Clone)]
pub(crate) struct NewcomingEvent {
    pub(crate) reported: NewEvent,
    /// The key that determines the event's id. None: no earlier request may have stored it.
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) role: EventRole,
    /// The event whose problem this one reports as resolved.
    pub(crate) resolves: Option<EventId>,
}

/// An event that is being written.
#[derive(Debug, Clone)]
pub(crate) struct PendingEvent {
    pub(crate) event: Event,
    pub(crate) role: EventRole,
    /// Whether an earlier request may have stored it under the same key.
    pub(crate) is_keyed: bool,
    /// Whether an attempt of this request may have stored it without a response.
    pub(crate) may_be_stored: bool,
    pub(crate) actions: Vec<ActionItem>,
}

impl PendingEvent {
    /// The event of `new`, accepted at `now`.
    pub(crate) fn new(new: NewcomingEvent, by: &KeyId, now: Timestamp, clock: &dyn Clock) -> Self {
        let NewcomingEvent { reported, key, role, resolves } = new;
        let id = key.as_ref().map_or_else(|| EventId::fresh(clock), |key| EventId::keyed(reported.engine, key));
        let event = Event { id, reported, occurred_at: now, reported_by: Some(by.clone()), resolves };
        Self { event, role, is_keyed: key.is_some(), may_be_stored: false, actions: Vec::new() }
    }

    /// Sets the actions to those that the policy version `hash` has `planned`.
    pub(crate) fn plan(&mut self, planned: Vec<PlannedAction>, hash: &str) {
        self.actions = planned.into_iter().map(|one| ActionItem::new(&self.event, one, hash)).collect();
    }

    /// The operation that the event reports by `policy`: the name of an action. The end of an alert reports none.
    pub(crate) fn operation<'a>(&self, policy: &'a Policy) -> Option<&'a str> {
        let is_resolution = matches!(self.role, EventRole::Resolution(_));
        policy.decisions.operation_of(&self.event.reported.event_type).filter(|_| !is_resolution)
    }

    /// The engine and the day whose rollup counts the event.
    pub(crate) fn rollup(&self) -> (Engine, Day) {
        (self.event.reported.engine, self.event.occurred_at.day())
    }

    /// The incident key whose state the event may change.
    pub(crate) fn incident_key(&self) -> Option<IncidentKey> {
        (self.role != EventRole::Counted).then(|| IncidentKey::of(&self.event.reported))
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

    /// The outcome if an earlier request with the same key has stored `stored`.
    pub(crate) fn replayed(self, stored: Event) -> WriteOutcome {
        // Senders of alerts may change annotations while an alert fires.
        let is_alert = matches!(self.role, EventRole::FiringAlert | EventRole::Resolution(_));
        let is_repeat = is_alert || stored.resolves.is_some() || stored.reported.content_eq(&self.event.reported);
        if is_repeat { WriteOutcome::Replayed(stored) } else { WriteOutcome::KeyReused }
    }
}
