//! The timeline of an incident: its events, their actions, its notifications, their deliveries to channels and what people did, in order.

use std::collections::BTreeSet;

use age_model::{Clock, Event, EventId, Severity, StoreError, TimelineEntry, UnreadableItem};
use age_store::{Actions, Consistency, Deliveries, EventFilter, EventSearch, Events, Found, IncidentRecord, Incidents};
use futures_util::future::try_join;

/// The most events of a timeline, the latest ones. The list of events has the others.
const MAX_EVENTS: usize = 200;

/// The most notifications of a timeline, the latest ones.
const MAX_NOTIFICATIONS: usize = 500;

/// The most changes and comments of a timeline, the latest ones. With the longest notes they have less than a megabyte.
const MAX_CHANGES: usize = 200;

/// The most attempts to deliver messages of a timeline, the latest ones.
const MAX_DELIVERIES: usize = 500;

/// The tables that a timeline is read from.
#[derive(Debug, Clone, Copy)]
pub struct TimelineTables<'a> {
    /// The incidents, with their notifications and changes.
    pub incidents: &'a Incidents,
    /// The index of events.
    pub search: &'a EventSearch,
    /// The events.
    pub events: &'a Events,
    /// The actions of events.
    pub actions: &'a Actions,
    /// The deliveries of messages to channels.
    pub deliveries: &'a Deliveries,
}

/// What happened about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentTimeline {
    /// The entries, the earliest first.
    pub entries: Vec<TimelineEntry>,
    /// Whether there are earlier events that are left out.
    pub has_earlier_events: bool,
    /// Whether there are earlier notifications that are left out.
    pub has_earlier_notifications: bool,
    /// Whether there are earlier changes or comments that are left out.
    pub has_earlier_changes: bool,
    /// The events, actions, notifications and changes that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
}

impl IncidentTimeline {
    /// Reads the timeline of `record`, with its events from `min_severity` up.
    ///
    /// # Errors
    /// [`StoreError`] if the tables cannot be read.
    pub async fn read(
        record: &IncidentRecord,
        min_severity: Severity,
        tables: TimelineTables<'_>,
        clock: &dyn Clock,
    ) -> Result<Self, StoreError> {
        let TimelineTables { incidents, search, events: stored_events, actions, deliveries } = tables;
        let (events, has_earlier_events) = events(record, min_severity, search, stored_events, clock).await?;
        let actions = actions.of_events(events.items.iter().map(|event| event.id).collect()).await?;
        let id = record.id.to_string();
        let (notifications, attempts) =
            try_join(incidents.notifications(&record.id, MAX_NOTIFICATIONS), deliveries.attempts(&id, MAX_DELIVERIES))
                .await?;
        let read = notifications.items.len() + notifications.unreadable.len();
        let changes = incidents.changes(&record.id, MAX_CHANGES).await?;
        let has_earlier_changes = changes.items.first().is_some_and(|earliest| earliest.number > 1);
        let (incident, notified) = (&record.incident, notifications.items);
        let entries =
            age_model::timeline(incident, events.items, &actions.items, notified, changes.items, attempts.items);
        Ok(Self {
            entries,
            has_earlier_events,
            has_earlier_changes,
            has_earlier_notifications: incident.notifications as usize > read,
            unreadable: [
                events.unreadable,
                actions.unreadable,
                notifications.unreadable,
                changes.unreadable,
                attempts.unreadable,
            ]
            .concat(),
        })
    }
}

/// Returns the events of an incident, and whether there are more.
async fn events(
    IncidentRecord { id, incident, .. }: &IncidentRecord,
    min_severity: Severity,
    search: &EventSearch,
    stored_events: &Events,
    clock: &dyn Clock,
) -> Result<(Found<Event>, bool), StoreError> {
    let filter = EventFilter {
        engines: BTreeSet::from([id.key.engine]),
        event_types: BTreeSet::from([id.key.event_type.clone()]),
        min_severity: Some(min_severity),
        or_resolving: true,
        from: Some(incident.opened_at),
        to: incident.resolved.as_ref().map(|change| change.at.plus_millis(1)),
        ..EventFilter::default()
    };
    let page = search.page(&filter, MAX_EVENTS, None, clock).await?;
    let mut events = Found { items: page.events, unreadable: page.unreadable };
    // The event of a remediation may be older than the incident that the remediation's failure has opened.
    let listed: BTreeSet<EventId> = events.items.iter().map(|event| event.id).collect();
    let failed = incident.last_failed_remediation.map(|failed| failed.event_id);
    let earlier: BTreeSet<EventId> = incident.event_id.into_iter().chain(failed).collect();
    for event in earlier.difference(&listed) {
        match stored_events.get(*event, Consistency::Strong).await {
            Ok(event) => events.items.extend(event),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(%error, event.id = %event, "the timeline of incident {id} lacks event {event}: {error}");
                events.unreadable.push(UnreadableItem { id: event.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((events, page.next.is_some()))
}
