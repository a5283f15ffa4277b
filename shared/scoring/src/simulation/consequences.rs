//! The consequences of the inputs of a period: actions with their approvals, and incidents with their notifications.

use std::collections::BTreeMap;

use age_model::{
    Action, ActionStatus, ApprovalNotificationKind, EventId, IncidentCause, IncidentChangeKind, IncidentId,
    IncidentKey, IncidentStatus, Notification, NotificationKind, Severity, Timestamp,
};

use crate::simulation::history::{History, RecordedChange};

/// The consequences of the inputs of a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consequences {
    /// The actions, by event and action.
    pub actions: BTreeMap<(EventId, Action), ActionResult>,
    /// The incidents.
    pub incidents: BTreeMap<IncidentId, IncidentResult>,
}

/// The status that an action has reached, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionResult {
    /// The incident key of its event.
    pub key: IncidentKey,
    /// The severity of its event.
    pub severity: Severity,
    /// When it was planned.
    pub created_at: Timestamp,
    /// The status at the end of the period.
    pub status: ActionStatus,
    /// Whether it needed an approval.
    pub needs_approval: bool,
    /// When a responder decided on its approval.
    pub decided_at: Option<Timestamp>,
    /// When it was dispatched.
    pub dispatched_at: Option<Timestamp>,
    /// When its outcome was reported, or it ended without one.
    pub completed_at: Option<Timestamp>,
    /// When it became verified or ineffective.
    pub verified_at: Option<Timestamp>,
    /// The event whose same action suppressed it.
    pub suppressed_by: Option<EventId>,
    /// The notifications about its approval. Of what really followed, only the latest is recorded, without its kind.
    pub approval_notifications: Vec<(Option<ApprovalNotificationKind>, Timestamp)>,
    /// Whether the status depends on an answer that nobody was asked for: it is what follows if nobody answers.
    pub is_unknown: bool,
}

/// The state that an incident has reached, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentResult {
    /// Why it was opened.
    pub cause: IncidentCause,
    /// The highest severity of its events.
    pub severity: Severity,
    /// The status at the end of the period.
    pub status: IncidentStatus,
    /// The event that opened it.
    pub event_id: Option<EventId>,
    /// The number of its events.
    pub events: u64,
    /// How many of its remediations failed.
    pub failed_remediations: u64,
    /// The changes by people and AGE, in order, without comments.
    pub changes: Vec<(IncidentChangeKind, Timestamp, bool)>,
    /// The notifications about it, in order.
    pub notifications: Vec<Notification>,
    /// Whether it depends on an answer that nobody was asked for: it is what follows if nobody answers.
    pub is_unknown: bool,
}

/// Identifies a notification of an incident: its kind, and which of this kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotificationKey {
    /// The kind.
    pub kind: NotificationKind,
    /// The number among those of its kind, from 0.
    pub place: usize,
}

impl IncidentResult {
    /// Returns the notifications by kind and place.
    #[must_use]
    pub fn notifications_by_key(&self) -> BTreeMap<NotificationKey, &Notification> {
        let mut places: BTreeMap<NotificationKind, usize> = BTreeMap::new();
        let with_key = self.notifications.iter().map(|notification| {
            let next = places.entry(notification.kind).or_default();
            let place = *next;
            *next += 1;
            (NotificationKey { kind: notification.kind, place }, notification)
        });
        with_key.collect()
    }

    /// Returns when it was resolved, if it is.
    #[must_use]
    pub fn resolved_at(&self) -> Option<Timestamp> {
        let last = self.changes.iter().rev().find(|(kind, ..)| *kind == IncidentChangeKind::Resolved);
        last.filter(|_| self.status == IncidentStatus::Resolved).map(|(_, at, _)| *at)
    }
}

/// Returns whether a change is one of the status.
pub(crate) fn is_status_change(kind: IncidentChangeKind) -> bool {
    kind != IncidentChangeKind::Commented
}

impl Consequences {
    /// Returns what really followed.
    #[must_use]
    pub fn recorded(history: &History) -> Self {
        let in_period = history.actions.iter().filter(|action| !action.was_over_before(history.from));
        let actions = in_period.map(|action| {
            let approval = action.approval.as_ref();
            let result = ActionResult {
                key: action.key(),
                severity: action.severity,
                created_at: action.created_at,
                status: action.status,
                needs_approval: approval.is_some(),
                decided_at: approval.and_then(|approval| approval.decided_at),
                dispatched_at: action.dispatched_at,
                completed_at: action.completed_at,
                verified_at: action.verified_at,
                suppressed_by: action.suppressed_by,
                approval_notifications: approval
                    .and_then(|approval| approval.notified_at)
                    .map(|at| (None, at))
                    .into_iter()
                    .collect(),
                is_unknown: false,
            };
            ((action.event_id, action.action), result)
        });
        let incidents = history.incidents.iter().map(|incident| {
            let change = |RecordedChange { kind, at, by }: &RecordedChange| (*kind, *at, by.is_some());
            let result = IncidentResult {
                cause: incident.cause,
                severity: incident.severity,
                status: incident.status,
                event_id: incident.event_id,
                events: incident.events,
                failed_remediations: incident.failed_remediations,
                changes: incident.changes.iter().map(change).filter(|(kind, ..)| is_status_change(*kind)).collect(),
                notifications: incident.notifications.clone(),
                is_unknown: false,
            };
            (incident.id.clone(), result)
        });
        Self { actions: actions.collect(), incidents: incidents.collect() }
    }
}
