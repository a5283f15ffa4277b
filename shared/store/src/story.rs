//! One incident, with all that happened in the order in which it did.

use std::collections::BTreeSet;

use model::{Clock, Event, EventId, Severity, StoryEntry};

use crate::{Actions, Consistency, EventFilter, Incidents, Known, Listing, StoreError};

/// The most events a story tells, the latest ones. The list of events has the others.
const EVENTS_TOLD: usize = 200;

/// The most notices a story tells, the latest ones.
const NOTICES_TOLD: usize = 500;

/// What happened about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What happened, the earliest first.
    pub entries: Vec<StoryEntry>,
    /// Whether there are earlier events that are not told here.
    pub earlier_events: bool,
    /// Whether there are earlier notices that are not told here.
    pub earlier_notices: bool,
}

impl Story {
    /// The story of `known`, with its events from the severity `severe` up.
    ///
    /// # Errors
    /// [`StoreError`] if any part of it cannot be read.
    pub async fn read(
        known: &Known,
        severe: Severity,
        incidents: &Incidents,
        listing: &Listing,
        actions: &Actions,
        clock: &dyn Clock,
    ) -> Result<Self, StoreError> {
        let (events, earlier_events) = events(known, severe, listing, clock).await?;
        let actions = actions.of_events(events.iter().map(|event| event.id).collect()).await?;
        let notices = incidents.notices(&known.id, NOTICES_TOLD).await?;
        let earlier_notices = known.incident.notices as usize > notices.len();
        let entries = model::story(&known.incident, events, &actions, notices);
        Ok(Self { entries, earlier_events, earlier_notices })
    }
}

/// The events of an incident, and whether there are more.
async fn events(
    Known { id, incident, .. }: &Known,
    severe: Severity,
    listing: &Listing,
    clock: &dyn Clock,
) -> Result<(Vec<Event>, bool), StoreError> {
    let filter = EventFilter {
        engine: Some(id.kind.engine),
        event_type: Some(id.kind.event_type.clone()),
        severities: Severity::ALL.iter().filter(|severity| **severity >= severe).copied().collect(),
        from: Some(incident.opened_at),
        to: incident.resolved.as_ref().map(|mark| mark.at.plus_millis(1)),
    };
    let page = listing.page(&filter, EVENTS_TOLD, None, clock).await?;
    let mut events = page.events;
    // The event that a remedy was for may have come before the incident that the remedy's end has opened.
    let told: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
    let before: BTreeSet<EventId> =
        incident.event_id.into_iter().chain(incident.last_alarm.map(|alarm| alarm.event_id)).collect();
    for event in before.difference(&told) {
        events.extend(listing.events().get(*event, Consistency::Strong).await?);
    }
    Ok((events, page.next.is_some()))
}
