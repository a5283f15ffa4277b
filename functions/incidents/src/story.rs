//! One incident, with all that happened in the order in which it did.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use model::{
    Action, ActionItem, ActionStatus, Cause, Event, EventId, Incident, IncidentId, KeyId, Mark, Notice, Severity,
    Timestamp,
};
use platform::{NoQuery, PathId, Problem};
use serde::Serialize;
use store::{Consistency, EventFilter, Known};
use utoipa::ToSchema;

use crate::view::View;
use crate::{App, Parts};

/// The most events a story tells, the latest ones. The list of events has the others.
const EVENTS_TOLD: usize = 200;

/// The most notices a story tells, the latest ones.
const NOTICES_TOLD: usize = 500;

/// An incident with its story.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentStory)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    #[serde(flatten)]
    incident: View,
    /// What happened, the earliest first.
    story: Vec<Entry>,
    /// Whether there are earlier events that are not told here.
    earlier_events: bool,
    /// Whether there are earlier notices that are not told here.
    earlier_notices: bool,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[schema(as = StoryEntry)]
struct Entry {
    at: Timestamp,
    #[serde(flatten)]
    what: What,
}

/// What it was.
#[derive(Serialize, ToSchema)]
#[schema(as = StoryStep)]
#[serde(rename_all = "snake_case", tag = "what")]
enum What {
    Event {
        event: Event,
    },
    Action {
        action: ActionItem,
    },
    Decided {
        by: KeyId,
        #[serde(flatten)]
        of: Of,
    },
    Outcome {
        #[serde(flatten)]
        of: Of,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<KeyId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    Opened {
        cause: Cause,
    },
    Notice {
        notice: Notice,
    },
    Acknowledged(Said),
    Resolved(Said),
}

/// An action, and the status that it came to.
#[derive(Serialize, ToSchema)]
#[schema(as = TurnOfAction)]
#[serde(rename_all = "camelCase")]
struct Of {
    event_id: EventId,
    action: Action,
    status: ActionStatus,
}

/// Who said it, and what.
#[derive(Serialize, ToSchema)]
#[schema(as = Statement)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl From<Mark> for Said {
    fn from(Mark { by, note, .. }: Mark) -> Self {
        Self { by, note }
    }
}

/// One incident, and what happened in the order in which it did.
#[utoipa::path(
    get,
    path = "/api/governance/incidents/{id}",
    operation_id = "get_incident", tag = "Incidents",
    params(("id" = String, Path)),
    responses((status = 200, description = "The incident", body = Answer)),
)]
pub(crate) async fn show(
    State(App(app)): State<App>,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Json<Answer>, Problem> {
    let known = app.known(&id).await?;
    let (events, earlier_events) = app.events(&known).await?;
    let ids = events.iter().map(|event| event.id).collect();
    let actions = app.life.actions().of_events(ids).await?;
    let notices = app.incidents.notices(&known.id, NOTICES_TOLD).await?;
    let earlier_notices = known.incident.notices as usize > notices.len();

    let mut story: Vec<Entry> = Vec::new();
    story.extend(events.into_iter().map(|event| entry(event.occurred_at, What::Event { event })));
    story.extend(actions.iter().flat_map(turns));
    story.extend(actions.into_iter().map(|action| entry(action.created_at, What::Action { action })));
    story.extend(notices.into_iter().map(|notice| entry(notice.at, What::Notice { notice })));
    story.extend(marks(&known.incident));
    // What happened in one moment is told in the order of cause and effect.
    story.sort_by_key(|entry| (entry.at, entry.what.place()));
    Ok(Json(Answer { incident: known.into(), story, earlier_events, earlier_notices }))
}

impl Parts {
    /// The events of an incident, and whether there are more.
    async fn events(&self, known: &Known) -> Result<(Vec<Event>, bool), Problem> {
        let Known { id, incident, .. } = known;
        let severe = |severity: &&Severity| **severity >= self.policy.actions.from;
        let filter = EventFilter {
            engine: Some(id.kind.engine),
            event_type: Some(id.kind.event_type.clone()),
            severities: Severity::ALL.iter().filter(severe).copied().collect(),
            from: Some(incident.opened_at),
            to: incident.resolved.as_ref().map(|mark| mark.at.plus_millis(1)),
        };
        let page = self.listing.page(&filter, EVENTS_TOLD, None, self.clock.as_ref()).await?;
        let mut events = page.events;
        // The event that a remedy was for may have come before the incident that the remedy's end has opened.
        let told: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
        let before: BTreeSet<EventId> =
            incident.event_id.into_iter().chain(incident.last_alarm.map(|alarm| alarm.event_id)).collect();
        for event in before.difference(&told) {
            events.extend(self.listing.events().get(*event, Consistency::Strong).await?);
        }
        Ok((events, page.next.is_some()))
    }
}

const fn entry(at: Timestamp, what: What) -> Entry {
    Entry { at, what }
}

/// What came of an action, turn by turn: an approval, its worker's word or the lack of one, and whether it helped.
fn turns(item: &ActionItem) -> Vec<Entry> {
    let of = |status| Of { event_id: item.event_id, action: item.action, status };
    let mut turns = Vec::new();
    if let (Some(at), Some(by)) = (item.decided_at, item.decided_by.clone()) {
        let denied = item.status == ActionStatus::Denied;
        let status = if denied { ActionStatus::Denied } else { ActionStatus::Pending };
        turns.push(entry(at, What::Decided { by, of: of(status) }));
    }
    if let Some(at) = item.settled_at {
        let status = if item.judged_at.is_some() { ActionStatus::Succeeded } else { item.status };
        turns.push(entry(
            at,
            What::Outcome { of: of(status), by: item.settled_by.clone(), detail: item.detail.clone() },
        ));
    }
    turns.extend(item.judged_at.map(|at| entry(at, What::Outcome { of: of(item.status), by: None, detail: None })));
    turns
}

fn marks(incident: &Incident) -> Vec<Entry> {
    let mut marks = vec![entry(incident.opened_at, What::Opened { cause: incident.cause })];
    marks.extend(incident.acknowledged.clone().map(|mark| entry(mark.at, What::Acknowledged(mark.into()))));
    marks.extend(incident.resolved.clone().map(|mark| entry(mark.at, What::Resolved(mark.into()))));
    marks
}

impl What {
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
