//! What happened about an incident, in the order in which it did.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Action, ActionItem, ActionStatus, Cause, Event, EventId, Incident, KeyId, Mark, Notice, Timestamp};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoryEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: StoryStep,
}

/// What it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum StoryStep {
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
    Decided {
        /// Who.
        by: KeyId,
        /// Of which action.
        #[serde(flatten)]
        of: TurnOfAction,
    },
    /// What came of an action.
    Outcome {
        /// Of which action.
        #[serde(flatten)]
        of: TurnOfAction,
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
        cause: Cause,
    },
    /// People were written to.
    Notice {
        /// Of what.
        notice: Notice,
    },
    /// Somebody took the incident.
    Acknowledged(Statement),
    /// The incident is over.
    Resolved(Statement),
}

/// An action, and the status that it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TurnOfAction {
    /// The event it is for.
    pub event_id: EventId,
    /// What.
    pub action: Action,
    /// Where it came to.
    pub status: ActionStatus,
}

/// Who said it, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Statement {
    /// Who. None if nobody: it came about by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// What they said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<Mark> for Statement {
    fn from(Mark { by, note, .. }: Mark) -> Self {
        Self { by, note }
    }
}

/// The story of `incident`, the earliest first.
#[must_use]
pub fn story(incident: &Incident, events: Vec<Event>, actions: &[ActionItem], notices: Vec<Notice>) -> Vec<StoryEntry> {
    let mut story: Vec<StoryEntry> = Vec::new();
    story.extend(events.into_iter().map(|event| entry(event.occurred_at, StoryStep::Event { event })));
    story.extend(actions.iter().flat_map(life));
    story.extend(notices.into_iter().map(|notice| entry(notice.at, StoryStep::Notice { notice })));
    story.extend(marks(incident));
    // What happened in one moment is told in the order of cause and effect.
    story.sort_by_key(|entry| (entry.at, entry.what.place()));
    story
}

const fn entry(at: Timestamp, what: StoryStep) -> StoryEntry {
    StoryEntry { at, what }
}

/// The life of an action, turn by turn: how it began, an approval, its worker's word or the lack of one, and whether it helped.
#[must_use]
pub fn life(item: &ActionItem) -> Vec<StoryEntry> {
    let of = |status| TurnOfAction { event_id: item.event_id, action: item.action, status };
    let mut turns = vec![entry(item.created_at, StoryStep::Action { action: item.clone() })];
    if let (Some(at), Some(by)) = (item.decided_at, item.decided_by.clone()) {
        let denied = item.status == ActionStatus::Denied;
        let status = if denied { ActionStatus::Denied } else { ActionStatus::Pending };
        turns.push(entry(at, StoryStep::Decided { by, of: of(status) }));
    }
    if let Some(at) = item.settled_at {
        let status = if item.judged_at.is_some() { ActionStatus::Succeeded } else { item.status };
        let (by, detail) = (item.settled_by.clone(), item.detail.clone());
        turns.push(entry(at, StoryStep::Outcome { of: of(status), by, detail }));
    }
    let judged = |at| entry(at, StoryStep::Outcome { of: of(item.status), by: None, detail: None });
    turns.extend(item.judged_at.map(judged));
    turns
}

fn marks(incident: &Incident) -> Vec<StoryEntry> {
    let mut marks = vec![entry(incident.opened_at, StoryStep::Opened { cause: incident.cause })];
    marks.extend(incident.acknowledged.clone().map(|mark| entry(mark.at, StoryStep::Acknowledged(mark.into()))));
    marks.extend(incident.resolved.clone().map(|mark| entry(mark.at, StoryStep::Resolved(mark.into()))));
    marks
}

impl StoryStep {
    /// The order within one moment.
    const fn place(&self) -> u8 {
        match self {
            Self::Event { .. } => 0,
            Self::Action { .. } => 1,
            Self::Decided { .. } => 2,
            Self::Outcome { .. } => 3,
            Self::Opened { .. } => 4,
            Self::Notice { .. } => 5,
            Self::Acknowledged(_) => 6,
            Self::Resolved(_) => 7,
        }
    }
}
