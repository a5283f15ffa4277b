//! Lists of actions, newest first. Actions are found through their events, which the index `timeline` has by time: only events from a
//! severity up have actions.

use std::collections::BTreeSet;

use age_model::{
    Action, ActionItem, ActionStatus, Clock, Engine, Event, Severity, StoreError, Timestamp, UnreadableItem,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::actions::Actions;
use crate::dynamodb::keys::Position;
use crate::event_search::{EventFilter, EventSearch};

/// How many events are read in one round, at most.
const EVENTS_PER_ROUND: usize = 100;

/// The most rounds for one page. A page that is short because few actions match still has a next position.
const MAX_ROUNDS: usize = 10;

/// How many events' actions are read concurrently.
const CONCURRENT_READS: usize = 16;

/// The actions to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionFilter {
    /// Only actions for events of these engines.
    pub engines: BTreeSet<Engine>,
    /// Only actions for events of this severity or a higher one.
    pub min_severity: Option<Severity>,
    /// Only actions with these statuses; with any if empty.
    pub statuses: BTreeSet<ActionStatus>,
    /// Only these actions; all if empty.
    pub actions: BTreeSet<Action>,
    /// Only actions planned at this time or later.
    pub from: Option<Timestamp>,
    /// Only actions planned before this time.
    pub to: Option<Timestamp>,
}

impl ActionFilter {
    /// Returns the filter of the events that can have matching actions. Actions are planned when their event is accepted.
    fn events(&self) -> EventFilter {
        let Self { engines, min_severity, from, to, .. } = self;
        EventFilter {
            engines: engines.clone(),
            min_severity: *min_severity,
            from: *from,
            to: *to,
            ..EventFilter::default()
        }
    }

    fn matches(&self, item: &ActionItem) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&item.status))
            && (self.actions.is_empty() || self.actions.contains(&item.action))
    }
}

/// A page of actions, newest first, those of an event in the order of [`Action::ALL`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionPage {
    /// The actions.
    pub actions: Vec<ActionItem>,
    /// The events and actions of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there may be more actions.
    pub next: Option<Position>,
}

/// Lists actions of the `actions` table by the events of an [`EventSearch`].
#[derive(Debug, Clone)]
pub struct ActionSearch {
    events: EventSearch,
    actions: Actions,
}

impl ActionSearch {
    /// Searches these tables.
    #[must_use]
    pub const fn new(events: EventSearch, actions: Actions) -> Self {
        Self { events, actions }
    }

    /// Returns up to `limit` actions that match `filter` and come after `before` in the list.
    ///
    /// The actions of each event are one strong read, of events that have the engine and the time of the filter. A page has fewer than
    /// `limit` actions and still a next position only if those of 1,000 events, or as many as have 20 MB of details, were read for it.
    ///
    /// # Errors
    /// [`StoreError`] if the tables cannot be read.
    pub async fn page(
        &self,
        filter: &ActionFilter,
        limit: usize,
        mut before: Option<Position>,
        clock: &dyn Clock,
    ) -> Result<ActionPage, StoreError> {
        let events_filter = filter.events();
        let mut page = ActionPage::default();
        let mut last = before.clone();
        // Most events have an action, so that the first round is enough unless few of them match.
        let sizes = std::iter::once(EVENTS_PER_ROUND.min(limit + 1)).chain(std::iter::repeat(EVENTS_PER_ROUND));
        for size in sizes.take(MAX_ROUNDS) {
            let events = self.events.page(&events_filter, size, before.clone(), clock).await?;
            page.unreadable.extend(events.unreadable);
            let of_event = |event: Event| async move {
                Ok::<_, StoreError>((event.occurred_at, event.id, self.actions.of_event(event.id).await?))
            };
            let mut reads = stream::iter(events.events).map(of_event).buffered(CONCURRENT_READS);
            while let Some((at, event, found)) = reads.try_next().await? {
                let listed = before.as_ref().map_or(0, |before| before.actions_before(event));
                for (number, item) in (1..).zip(found.items).skip(listed).filter(|(_, item)| filter.matches(item)) {
                    if page.actions.len() == limit {
                        page.next = last;
                        return Ok(page);
                    }
                    page.actions.push(item);
                    last = Some(Position::after_actions(at, event, number));
                }
                page.unreadable.extend(found.unreadable);
            }
            before = events.next;
            if before.is_none() {
                return Ok(page);
            }
        }
        page.next = before;
        Ok(page)
    }
}
