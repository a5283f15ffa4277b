//! The timeline of an incident: what happened, in order.

use serde::Serialize;
use utoipa::ToSchema;

use crate::action::{Action, ActionItem, ActionStatus};
use crate::credential::KeyId;
use crate::event::Event;
use crate::id::EventId;
use crate::incident::{Incident, IncidentCause, Notification, StatusChange};
use crate::time::Timestamp;

/// An entry of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// When it happened.
    pub at: Timestamp,
    /// The type of the entry, with its fields.
    #[serde(flatten)]
    pub item: TimelineItem,
}

/// A timeline entry, by type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum TimelineItem {
    /// An event of the incident was accepted.
    Event {
        /// The event.
        event: Event,
    },
    /// An action was planned.
    Action {
        /// The action with its current status.
        action: Box<ActionItem>,
    },
    /// A person approved or denied an action.
    Approval {
        /// The credential that approved or denied it.
        by: KeyId,
        /// The action and its new status.
        #[serde(flatten)]
        of: ActionTransition,
    },
    /// The outcome of an action became known.
    Outcome {
        /// The action and its new status.
        #[serde(flatten)]
        of: ActionTransition,
        /// The credential that reported the outcome. None: AGE recorded it.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<KeyId>,
        /// The worker's note on the outcome.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// The incident was opened.
    Opened {
        /// Why it was opened.
        cause: IncidentCause,
    },
    /// People were notified.
    Notification {
        /// The notification as it was sent.
        notification: Notification,
    },
    /// The incident was acknowledged.
    Acknowledged(Attribution),
    /// The incident was resolved.
    Resolved(Attribution),
}

/// The change of an action to a new status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionTransition {
    /// The event that the action is for.
    pub event_id: EventId,
    /// The action.
    pub action: Action,
    /// The new status.
    pub status: ActionStatus,
}

/// By whom an incident's status was changed, and with which note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attribution {
    /// The credential that changed the status. None: AGE changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// The note that the caller added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<StatusChange> for Attribution {
    fn from(StatusChange { by, note, .. }: StatusChange) -> Self {
        Self { by, note }
    }
}

/// Returns the timeline of `incident`, the earliest entry first.
#[must_use]
pub fn timeline(
    incident: &Incident,
    events: Vec<Event>,
    actions: &[ActionItem],
    notifications: Vec<Notification>,
) -> Vec<TimelineEntry> {
    let mut timeline: Vec<TimelineEntry> = Vec::new();
    timeline.extend(events.into_iter().map(|event| entry(event.occurred_at, TimelineItem::Event { event })));
    timeline.extend(actions.iter().flat_map(action_timeline));
    timeline.extend(
        notifications
            .into_iter()
            .map(|notification| entry(notification.at, TimelineItem::Notification { notification })),
    );
    timeline.extend(status_changes(incident));
    // Entries of the same time are in the order of cause and effect.
    timeline.sort_by_key(|entry| (entry.at, entry.item.rank()));
    timeline
}

const fn entry(at: Timestamp, item: TimelineItem) -> TimelineEntry {
    TimelineEntry { at, item }
}

/// Returns the timeline of an action: its planning, its approval, its outcome, and its verification, as far as they happened.
#[must_use]
pub fn action_timeline(item: &ActionItem) -> Vec<TimelineEntry> {
    let of = |status| ActionTransition { event_id: item.event_id, action: item.action, status };
    let mut entries = vec![entry(item.created_at, TimelineItem::Action { action: Box::new(item.clone()) })];
    if let (Some(at), Some(by)) = (item.decided_at, item.decided_by.clone()) {
        let denied = item.status == ActionStatus::Denied;
        let status = if denied { ActionStatus::Denied } else { ActionStatus::Pending };
        entries.push(entry(at, TimelineItem::Approval { by, of: of(status) }));
    }
    if let Some(at) = item.completed_at {
        let status = if item.verified_at.is_some() { ActionStatus::Succeeded } else { item.status };
        let (by, detail) = (item.completed_by.clone(), item.detail.clone());
        entries.push(entry(at, TimelineItem::Outcome { of: of(status), by, detail }));
    }
    let verification = |at| entry(at, TimelineItem::Outcome { of: of(item.status), by: None, detail: None });
    entries.extend(item.verified_at.map(verification));
    entries
}

fn status_changes(incident: &Incident) -> Vec<TimelineEntry> {
    let mut entries = vec![entry(incident.opened_at, TimelineItem::Opened { cause: incident.cause })];
    entries.extend(
        incident.acknowledged.clone().map(|change| entry(change.at, TimelineItem::Acknowledged(change.into()))),
    );
    entries.extend(incident.resolved.clone().map(|change| entry(change.at, TimelineItem::Resolved(change.into()))));
    entries
}

impl TimelineItem {
    /// The position among entries of the same time.
    const fn rank(&self) -> u8 {
        match self {
            Self::Event { .. } => 0,
            Self::Action { .. } => 1,
            Self::Approval { .. } => 2,
            Self::Outcome { .. } => 3,
            Self::Opened { .. } => 4,
            Self::Notification { .. } => 5,
            Self::Acknowledged(_) => 6,
            Self::Resolved(_) => 7,
        }
    }
}
