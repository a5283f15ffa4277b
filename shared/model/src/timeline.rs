//! What happened about an incident, in the order in which it did.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Action, ActionItem, ActionStatus, Event, EventId, Incident, IncidentCause, KeyId, Notification, StatusChange,
    Timestamp,
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: TimelineItem,
}

/// What it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum TimelineItem {
    /// An engine reported it.
    Event {
        /// What it reported.
        event: Event,
    },
    /// AGE began to do something about it, or decided not to.
    Action {
        /// What, and how far it has come by now.
        action: ActionItem,
    },
    /// A person approved or denied an action.
    Approval {
        /// Who.
        by: KeyId,
        /// Of which action.
        #[serde(flatten)]
        of: ActionTransition,
    },
    /// What came of an action.
    Outcome {
        /// Of which action.
        #[serde(flatten)]
        of: ActionTransition,
        /// Whose credential it came with.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<KeyId>,
        /// What its worker said besides.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// The incident was opened.
    Opened {
        /// Why.
        cause: IncidentCause,
    },
    /// People were written to.
    Notification {
        /// The notification as it was sent.
        notification: Notification,
    },
    /// Somebody took the incident.
    Acknowledged(Attribution),
    /// The incident is over.
    Resolved(Attribution),
}

/// An action, and the status that it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionTransition {
    /// The event it is for.
    pub event_id: EventId,
    /// What.
    pub action: Action,
    /// Where it came to.
    pub status: ActionStatus,
}

/// Who said it, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attribution {
    /// Who. None if nobody: it came about by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// What they said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<StatusChange> for Attribution {
    fn from(StatusChange { by, note, .. }: StatusChange) -> Self {
        Self { by, note }
    }
}

/// The story of `incident`, the earliest first.
#[must_use]
pub fn timeline(
    incident: &Incident,
    events: Vec<Event>,
    actions: &[ActionItem],
    notifications: Vec<Notification>,
) -> Vec<TimelineEntry> {
    let mut timeline: Vec<TimelineEntry> = Vec::new();
    timeline.extend(events.into_iter().map(|event| entry(event.occurred_at, TimelineItem::Event { event })));
    timeline.extend(actions.iter().flat_map(life));
    timeline.extend(
        notifications
            .into_iter()
            .map(|notification| entry(notification.at, TimelineItem::Notification { notification })),
    );
    timeline.extend(marks(incident));
    // What happened in one moment is told in the order of cause and effect.
    timeline.sort_by_key(|entry| (entry.at, entry.what.place()));
    timeline
}

const fn entry(at: Timestamp, what: TimelineItem) -> TimelineEntry {
    TimelineEntry { at, what }
}

/// The life of an action, turn by turn: how it began, an approval, its worker's word or the lack of one, and whether it helped.
#[must_use]
pub fn life(item: &ActionItem) -> Vec<TimelineEntry> {
    let of = |status| ActionTransition { event_id: item.event_id, action: item.action, status };
    let mut turns = vec![entry(item.created_at, TimelineItem::Action { action: item.clone() })];
    if let (Some(at), Some(by)) = (item.decided_at, item.decided_by.clone()) {
        let denied = item.status == ActionStatus::Denied;
        let status = if denied { ActionStatus::Denied } else { ActionStatus::Pending };
        turns.push(entry(at, TimelineItem::Approval { by, of: of(status) }));
    }
    if let Some(at) = item.completed_at {
        let status = if item.verified_at.is_some() { ActionStatus::Succeeded } else { item.status };
        let (by, detail) = (item.completed_by.clone(), item.detail.clone());
        turns.push(entry(at, TimelineItem::Outcome { of: of(status), by, detail }));
    }
    let judged = |at| entry(at, TimelineItem::Outcome { of: of(item.status), by: None, detail: None });
    turns.extend(item.verified_at.map(judged));
    turns
}

fn marks(incident: &Incident) -> Vec<TimelineEntry> {
    let mut marks = vec![entry(incident.opened_at, TimelineItem::Opened { cause: incident.cause })];
    marks.extend(incident.acknowledged.clone().map(|mark| entry(mark.at, TimelineItem::Acknowledged(mark.into()))));
    marks.extend(incident.resolved.clone().map(|mark| entry(mark.at, TimelineItem::Resolved(mark.into()))));
    marks
}

impl TimelineItem {
    /// The order within one moment.
    const fn place(&self) -> u8 {
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
