//! Lists of actions, newest first. The index `timeline` has the keys of all actions by time.

use std::collections::BTreeSet;

use age_model::{Action, ActionItem, ActionStatus, Clock, Engine, Severity, StoreError, Timestamp, UnreadableItem};

use crate::actions::Actions;
use crate::dynamodb::attribute::Item;
use crate::dynamodb::keys::Position;
use crate::found::unreadable;
use crate::rollups::Rollups;
use crate::timeline::{Entry, ReadAhead, Timeline, TimelineFilter};

/// How many actions are read in each round after the first one.
const ACTIONS_PER_ROUND: usize = 500;

/// The most rounds for one page. A page that is short because few actions match still has a next position.
const MAX_ROUNDS: usize = 11;

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
    /// Returns the filter of the index. It is read where the rollups have events of the severities: most of them have actions.
    fn timeline(&self) -> TimelineFilter {
        let is_acted_on = |severity: &Severity| self.min_severity.is_none_or(|min| *severity >= min);
        TimelineFilter {
            engines: self.engines.clone(),
            severities: Severity::ALL.iter().copied().filter(is_acted_on).collect(),
            or_unknown_severities: true,
            from: self.from,
            to: self.to,
            ..TimelineFilter::default()
        }
    }

    /// Whether every entry of the index that is read matches.
    fn includes_all(&self) -> bool {
        self.statuses.is_empty() && self.actions.is_empty()
    }

    fn includes_action(&self, entry: &Entry) -> bool {
        let action = entry.item.get("action").and_then(|action| action.as_s().ok());
        self.actions.is_empty() || self.actions.iter().any(|it| action.is_some_and(|action| action == it.as_str()))
    }

    fn includes_status(&self, item: &ActionItem) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&item.status)
    }
}

/// A page of actions, newest first, those of an event in the order of [`Action::ALL`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionPage {
    /// The actions.
    pub actions: Vec<ActionItem>,
    /// The actions of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there may be more actions.
    pub next: Option<Position>,
}

/// Lists actions of the `actions` table by the `rollups` table.
#[derive(Debug, Clone)]
pub struct ActionSearch {
    actions: Actions,
    timeline: Timeline,
}

impl ActionSearch {
    /// Searches these tables. Actions expire `retention_days` after they were planned.
    #[must_use]
    pub fn new(actions: Actions, rollups: Rollups, retention_days: i64) -> Self {
        let timeline = Timeline::new(actions.table().clone(), rollups, retention_days);
        Self { actions, timeline }
    }

    /// Returns up to `limit` actions that match `filter` and come after `before` in the list.
    ///
    /// The keys of the actions come from the index, and then the actions themselves, read strongly, up to 100 with a call. A page has fewer
    /// than `limit` actions and still a next position only if few of the last 5,000 and more match.
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
        let of_filter = filter.timeline();
        let mut page = ActionPage::default();
        let mut last = before.clone();
        let first = (limit, ReadAhead::NewestDay);
        let rounds = std::iter::once(first).chain(std::iter::repeat((ACTIONS_PER_ROUND, ReadAhead::None)));
        for (size, read_ahead) in rounds.take(MAX_ROUNDS) {
            let found = self.timeline.page(&of_filter, size, before, read_ahead, clock).await?;
            let entries: Vec<Entry> = found.entries.into_iter().filter(|entry| filter.includes_action(entry)).collect();
            let items = self.actions.read(entries.iter().map(key).collect()).await?;
            for (entry, item) in entries.into_iter().zip(items) {
                match item {
                    Some(Ok(item)) if filter.includes_status(&item) => {
                        if page.actions.len() == limit {
                            page.next = last;
                            return Ok(page);
                        }
                        page.actions.push(item);
                        last = Some(entry.position);
                    }
                    Some(Err(error)) => {
                        page.unreadable.push(unreadable(None, error)?);
                        last = Some(entry.position);
                    }
                    // Of another status, or expired.
                    Some(Ok(_)) | None => {}
                }
            }
            before = found.next;
            if before.is_none() {
                return Ok(page);
            }
            // Whether another one matches is known without reading it.
            if filter.includes_all() && page.actions.len() == limit {
                break;
            }
        }
        page.next = before;
        Ok(page)
    }
}

/// Returns the key of the row that an entry belongs to.
fn key(entry: &Entry) -> Item {
    let names = ["event_id", "action"].iter();
    names.filter_map(|name| Some(((*name).to_owned(), entry.item.get(*name)?.clone()))).collect()
}
