//! Lists of events, newest first.

use std::collections::BTreeSet;

use age_model::{Clock, Engine, Event, EventType, Severity, StoreError, Timestamp, UnreadableItem};

use crate::dynamodb::keys::Position;
use crate::dynamodb::query_filter::QueryFilter;
use crate::events::Events;
use crate::found::Found;
use crate::rollups::Rollups;
use crate::timeline::{ReadAhead, Timeline, TimelineFilter, TimelinePage};

/// The events to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of these engines.
    pub engines: BTreeSet<Engine>,
    /// Only events of these severities; of any if empty.
    pub severities: BTreeSet<Severity>,
    /// Only events of this severity or a higher one. A severity that this version does not know counts as higher.
    pub min_severity: Option<Severity>,
    /// Only events of these types; of any if empty. At most 100, as DynamoDB allows.
    pub event_types: BTreeSet<EventType>,
    /// Also events of other severities that report an event as resolved.
    pub or_resolving: bool,
    /// Only events accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Only events accepted before this time.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    fn timeline(&self) -> TimelineFilter {
        let is_wanted = |severity: &Severity| {
            let is_min = self.or_resolving || self.min_severity.is_none_or(|min| *severity >= min);
            is_min && (self.severities.is_empty() || self.severities.contains(severity))
        };
        TimelineFilter {
            engines: self.engines.clone(),
            severities: Severity::ALL.iter().copied().filter(is_wanted).collect(),
            or_unknown_severities: self.severities.is_empty(),
            from: self.from,
            to: self.to,
            conditions: self.conditions(),
        }
    }

    /// Returns the conditions on attributes that are no part of the index's key.
    fn conditions(&self) -> QueryFilter {
        let mut conditions = QueryFilter::default();
        conditions.one_of("severity", &self.severities);
        for lower in Severity::ALL.iter().filter(|severity| self.min_severity.is_some_and(|min| **severity < min)) {
            let (severity, lower) = (conditions.attribute("severity"), conditions.value(lower));
            let or_resolving = if self.or_resolving { " OR attribute_exists(resolves)" } else { "" };
            conditions.require(format!("({severity} <> {lower}{or_resolving})"));
        }
        conditions.one_of("event_type", self.event_types.iter().map(EventType::as_str));
        conditions
    }
}

/// A page of events, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// The events of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there may be more events.
    pub next: Option<Position>,
}

/// Lists events of the `events` table by the `rollups` table.
#[derive(Debug, Clone)]
pub struct EventSearch {
    events: Events,
    timeline: Timeline,
}

impl EventSearch {
    /// Searches these tables.
    #[must_use]
    pub fn new(events: Events, rollups: Rollups) -> Self {
        let timeline = Timeline::new(events.table().clone(), rollups, events.retention_days());
        Self { events, timeline }
    }

    /// Returns the `events` table.
    #[must_use]
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// Returns up to `limit` events that match `filter` and come after `before` in the list, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the tables cannot be read.
    pub async fn page(
        &self,
        filter: &EventFilter,
        limit: usize,
        before: Option<Position>,
        clock: &dyn Clock,
    ) -> Result<EventPage, StoreError> {
        let TimelinePage { entries, next } =
            self.timeline.page(&filter.timeline(), limit, before, ReadAhead::None, clock).await?;
        let found = Found::of(entries.iter().map(|entry| self.events.parse(&entry.item)))?;
        Ok(EventPage { events: found.items, unreadable: found.unreadable, next })
    }
}
