//! The timeline of an incident: what happened, in order.

use serde::Serialize;
use utoipa::ToSchema;

use crate::action::{Action, ActionItem, ActionStatus};
use crate::channel::ChannelKind;
use crate::channel_name::ChannelName;
use crate::credential::KeyId;
use crate::delivery::{DeliveryAttempt, DeliveryResult};
use crate::event::Event;
use crate::id::EventId;
use crate::incident::{Incident, IncidentCause, Notification};
use crate::incident_change::{IncidentChange, IncidentChangeKind};
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
    /// The sender of an event reported that its problem is resolved.
    ReportedResolved {
        /// The report. Its `resolves` names the event.
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
        /// The policy version by which it was opened.
        #[serde(rename = "policyHash", skip_serializing_if = "Option::is_none")]
        #[schema(pattern = "^[0-9a-f]{64}$")]
        policy_hash: Option<String>,
    },
    /// People were notified.
    Notification {
        /// The notification as it was sent.
        notification: Notification,
    },
    /// A message about the incident was sent to a channel.
    Delivery {
        /// The channel.
        channel: ChannelName,
        /// The kind that the channel had.
        kind: ChannelKind,
        /// The result of the attempt.
        result: DeliveryResult,
        /// The status of the response, or why there was none.
        detail: String,
    },
    /// A responder acknowledged the incident.
    Acknowledged(Attribution),
    /// A responder acknowledged the incident in place of the one who had acknowledged it.
    TakenOver(Attribution),
    /// A responder commented on the incident.
    Commented(Attribution),
    /// The incident was resolved.
    Resolved(Attribution),
    /// A responder reopened the incident.
    Reopened(Attribution),
    /// The incident was changed in a way that only a later version of AGE knows.
    Changed {
        /// The later version's word for the change.
        change: IncidentChangeKind,
        /// By whom, and with which note.
        #[serde(flatten)]
        attribution: Attribution,
    },
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

/// By whom an incident was changed, with which note, and under which policy version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attribution {
    /// The credential that changed it. None: AGE changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// The note that the caller added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The policy version that was active.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub policy_hash: Option<String>,
}

impl From<IncidentChange> for TimelineEntry {
    fn from(IncidentChange { kind, at, by, note, policy_hash, .. }: IncidentChange) -> Self {
        let attribution = Attribution { by, note, policy_hash };
        let item = match kind {
            IncidentChangeKind::Acknowledged => TimelineItem::Acknowledged(attribution),
            IncidentChangeKind::TakenOver => TimelineItem::TakenOver(attribution),
            IncidentChangeKind::Commented => TimelineItem::Commented(attribution),
            IncidentChangeKind::Resolved => TimelineItem::Resolved(attribution),
            IncidentChangeKind::Reopened => TimelineItem::Reopened(attribution),
            change @ IncidentChangeKind::Unknown(_) => TimelineItem::Changed { change, attribution },
        };
        entry(at, item)
    }
}

impl From<DeliveryAttempt> for TimelineEntry {
    fn from(DeliveryAttempt { at, channel, kind, result, detail }: DeliveryAttempt) -> Self {
        entry(at, TimelineItem::Delivery { channel, kind, result, detail })
    }
}

/// Returns the timeline of `incident`, the earliest entry first. `changes` are in the order of their numbers.
#[must_use]
pub fn timeline(
    incident: &Incident,
    events: Vec<Event>,
    actions: &[ActionItem],
    notifications: Vec<Notification>,
    changes: Vec<IncidentChange>,
    attempts: Vec<DeliveryAttempt>,
) -> Vec<TimelineEntry> {
    let opened = TimelineItem::Opened { cause: incident.cause, policy_hash: incident.policy_hash.clone() };
    let mut timeline = vec![entry(incident.opened_at, opened)];
    timeline.extend(events.into_iter().map(event_entry));
    timeline.extend(actions.iter().flat_map(action_timeline));
    timeline.extend(
        notifications
            .into_iter()
            .map(|notification| entry(notification.at, TimelineItem::Notification { notification })),
    );
    timeline.extend(changes.into_iter().map(TimelineEntry::from));
    timeline.extend(attempts.into_iter().map(TimelineEntry::from));
    // Entries of the same time are in the order of cause and effect.
    timeline.sort_by_key(|entry| (entry.at, entry.item.rank()));
    timeline
}

fn event_entry(event: Event) -> TimelineEntry {
    let at = event.occurred_at;
    let item =
        if event.resolves.is_some() { TimelineItem::ReportedResolved { event } } else { TimelineItem::Event { event } };
    entry(at, item)
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

impl TimelineItem {
    /// The position among entries of the same time.
    const fn rank(&self) -> u8 {
        match self {
            Self::Event { .. } | Self::ReportedResolved { .. } => 0,
            Self::Action { .. } => 1,
            Self::Approval { .. } => 2,
            Self::Outcome { .. } => 3,
            Self::Opened { .. } => 4,
            Self::Notification { .. } => 5,
            Self::Delivery { .. } => 7,
            // In the order of their numbers.
            Self::Acknowledged(_)
            | Self::TakenOver(_)
            | Self::Commented(_)
            | Self::Resolved(_)
            | Self::Reopened(_)
            | Self::Changed { .. } => 6,
        }
    }
}
