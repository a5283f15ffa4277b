//! One incident, with all that happened in the order in which it did.

use std::collections::BTreeSet;

use age_model::{Clock, Event, EventId, Severity, TimelineEntry};

use crate::{Actions, Consistency, EventFilter, EventSearch, IncidentRecord, Incidents, StoreError};

/// The most events a story tells, the latest ones. The list of events has the others.
const EVENTS_TOLD: usize = 200;

/// The most notices a story tells, the latest ones.
const NOTICES_TOLD: usize = 500;

/// What happened about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentTimeline {
    /// What happened, the earliest first.
    pub entries: Vec<TimelineEntry>,
    /// Whether there are earlier events that are not told here.
    pub has_earlier_events: bool,
    /// Whether there are earlier notices that are not told here.
    pub has_earlier_notifications: bool,
}

impl IncidentTimeline {
    /// The story of `known`, with its events from the severity `severe` up.
    ///
    /// # Errors
    /// [`StoreError`] if any part of it cannot be read.
    pub async fn read(
        record: &IncidentRecord,
        severe: Severity,
        incidents: &Incidents,
        listing: &EventSearch,
        actions: &Actions,
        clock: &dyn Clock,
    ) -> Result<Self, StoreError> {
        let (events, has_earlier_events) = events(record, severe, listing, clock).await?;
        let actions = actions.of_events(events.iter().map(|event| event.id).collect()).await?;
        let notifications = incidents.notifications(&record.id, NOTICES_TOLD).await?;
        let has_earlier_notifications = record.incident.notifications as usize > notifications.len();
        let entries = age_model::timeline(&record.incident, events, &actions, notifications);
        Ok(Self { entries, has_earlier_events, has_earlier_notifications })
    }
}

/// The events of an incident, and whether there are more.
async fn events(
    IncidentRecord { id, incident, .. }: &IncidentRecord,
    severe: Severity,
    listing: &EventSearch,
    clock: &dyn Clock,
) -> Result<(Vec<Event>, bool), StoreError> {
    let filter = EventFilter {
        engine: Some(id.key.engine),
        event_type: Some(id.key.event_type.clone()),
        severities: Severity::ALL.iter().filter(|severity| **severity >= severe).copied().collect(),
        from: Some(incident.opened_at),
        to: incident.resolved.as_ref().map(|mark| mark.at.plus_millis(1)),
    };
    let page = listing.page(&filter, EVENTS_TOLD, None, clock).await?;
    let mut events = page.events;
    // The event that a remedy was for may have come before the incident that the remedy's end has opened.
    let notified: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
    let before: BTreeSet<EventId> = incident
        .event_id
        .into_iter()
        .chain(incident.last_failed_remediation.map(|failed_remediation| failed_remediation.event_id))
        .collect();
    for event in before.difference(&notified) {
        events.extend(listing.events().get(*event, Consistency::Strong).await?);
    }
    Ok((events, page.next.is_some()))
}
