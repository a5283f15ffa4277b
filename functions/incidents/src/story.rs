//! One incident, with all that happened in the order in which it did.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use model::{
    Action, ActionItem, ActionStatus, Cause, Event, EventId, Incident, IncidentId, Mark, Notice, Severity, Timestamp,
};
use platform::{NoQuery, PathId, Problem};
use serde::Serialize;
use store::{Consistency, EventFilter, Known};

use crate::view::View;
use crate::{App, Parts};

/// The most events a story tells, the latest ones. The list of events has the others.
const EVENTS_TOLD: usize = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    #[serde(flatten)]
    incident: View,
    /// What happened, the earliest first.
    story: Vec<Entry>,
    /// Whether there are earlier events that are not told here.
    earlier_events: bool,
}

/// Something that happened.
#[derive(Serialize)]
struct Entry {
    at: Timestamp,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
enum What {
    Event { event: Event },
    Action { action: ActionItem },
    Outcome(Outcome),
    Opened { cause: Cause },
    Notice { notice: Notice },
    Acknowledged(Said),
    Resolved(Said),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    event_id: EventId,
    action: Action,
    status: ActionStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl From<Mark> for Said {
    fn from(Mark { by, note, .. }: Mark) -> Self {
        Self { by, note }
    }
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    PathId(id): PathId<IncidentId>,
    _: NoQuery,
) -> Result<Json<Answer>, Problem> {
    let known = app.known(&id).await?;
    let (events, earlier_events) = app.events(&known).await?;
    let ids = events.iter().map(|event| event.id).collect();
    let actions = app.life.actions().of_events(ids).await?;
    let notices = app.incidents.notices(&known.id).await?;

    let mut story: Vec<Entry> = Vec::new();
    story.extend(events.into_iter().map(|event| entry(event.occurred_at, What::Event { event })));
    story.extend(outcomes(&actions));
    story.extend(actions.into_iter().map(|action| entry(action.created_at, What::Action { action })));
    story.extend(notices.into_iter().map(|notice| entry(notice.at, What::Notice { notice })));
    story.extend(marks(&known.incident));
    // What happened in one moment is told in the order of cause and effect.
    story.sort_by_key(|entry| (entry.at, entry.what.place()));
    Ok(Json(Answer { incident: known.into(), story, earlier_events }))
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
        // The event that a remedy was for came before the incident that the remedy's end has opened.
        let told: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
        if let Some(first) = incident.event_id.filter(|first| !told.contains(first)) {
            events.extend(self.listing.events().get(first, Consistency::Strong).await?);
        }
        Ok((events, page.next.is_some()))
    }
}

const fn entry(at: Timestamp, what: What) -> Entry {
    Entry { at, what }
}

fn outcomes(actions: &[ActionItem]) -> impl Iterator<Item = Entry> {
    actions.iter().filter_map(|item| {
        let ActionItem { event_id, action, status, detail, .. } = item.clone();
        Some(entry(item.settled_at?, What::Outcome(Outcome { event_id, action, status, detail })))
    })
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
            Self::Outcome(_) => 2,
            Self::Opened { .. } => 3,
            Self::Notice { .. } => 4,
            Self::Acknowledged(_) => 5,
            Self::Resolved(_) => 6,
        }
    }
}
