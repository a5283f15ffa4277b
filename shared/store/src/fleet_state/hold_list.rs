//! The list of holds: the active ones first, and of each status those that were set last.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use age_model::{Engine, HoldId, HoldRecord, HoldStatus, StoreError, Timestamp, UnreadableItem};
use thiserror::Error;

use super::{FleetStateStore, hold_rows};
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::dynamodb::query_filter::QueryFilter;
use crate::dynamodb::sort_key_range::SortKeyRange;
use crate::found::unreadable;

/// The holds to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// Only holds of these statuses; of any if empty.
    pub statuses: BTreeSet<HoldStatus>,
    /// Only holds of these engines; of any if empty.
    pub engines: BTreeSet<Engine>,
    /// Only holds that were set at this time or later.
    pub from: Option<Timestamp>,
    /// Only holds that were set before this time.
    pub to: Option<Timestamp>,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldPage {
    /// The records of the holds.
    pub holds: Vec<HoldRecord>,
    /// The records of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there are more.
    pub next: Option<HoldPosition>,
}

/// A position in the list: after the hold `id` among those of `status`. Its text is `status.id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldPosition {
    status: HoldStatus,
    id: HoldId,
}

/// The text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a position in the list of holds such as ended.01936f2e-0000-7000-8000-00000000000a")]
pub struct InvalidHoldPosition;

impl fmt::Display for HoldPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.status, self.id)
    }
}

impl FromStr for HoldPosition {
    type Err = InvalidHoldPosition;

    fn from_str(text: &str) -> Result<Self, InvalidHoldPosition> {
        let (status, id) = text.split_once('.').ok_or(InvalidHoldPosition)?;
        let status = status.parse().map_err(|_| InvalidHoldPosition)?;
        Ok(Self { status, id: id.parse().map_err(|_| InvalidHoldPosition)? })
    }
}

impl HoldFilter {
    fn wants(&self, status: HoldStatus) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status)
    }

    fn range(&self, before: Option<HoldId>) -> SortKeyRange {
        let [from, to] = [self.from, self.to].map(|time| time.map(keys::holds_from));
        SortKeyRange::new(from, [to, before.map(|id| id.to_string())])
    }
}

impl FleetStateStore {
    /// Returns up to `limit` holds that match `filter` at `now` and come after `after` in the list, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn list_holds(
        &self,
        filter: &HoldFilter,
        limit: usize,
        after: Option<HoldPosition>,
        now: Timestamp,
    ) -> Result<HoldPage, StoreError> {
        // One more than requested, which shows whether the list has more.
        let mut rows = Vec::new();
        let is_among_ended = after.is_some_and(|after| after.status == HoldStatus::Ended);
        if filter.wants(HoldStatus::Active) && !is_among_ended {
            rows = self.active_holds(filter, after.map(|after| after.id), now).await?;
        }
        if filter.wants(HoldStatus::Ended) && rows.len() <= limit {
            let before = after.filter(|_| is_among_ended).map(|after| after.id);
            rows.extend(self.ended_holds(filter, limit + 1 - rows.len(), before, now).await?);
        }
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).and_then(|(position, _)| *position);
        let mut page = HoldPage { holds: Vec::new(), unreadable: Vec::new(), next };
        for (_, record) in rows {
            match record {
                Ok(record) => page.holds.push(record),
                Err(error) => page.unreadable.push(unreadable(None, error)?),
            }
        }
        Ok(page)
    }

    async fn active_holds(
        &self,
        filter: &HoldFilter,
        before: Option<HoldId>,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let range = filter.range(before);
        let mut holds = self.holds(&self.item().await?)?;
        holds.retain(|hold| {
            hold.is_active(now)
                && range.contains(&hold.id.to_string())
                && (filter.engines.is_empty() || filter.engines.contains(&hold.engine))
        });
        let row = |hold: age_model::Hold| {
            (Some(HoldPosition { status: HoldStatus::Active, id: hold.id }), Ok(HoldRecord { hold, end: None }))
        };
        Ok(holds.into_iter().rev().map(row).collect())
    }

    /// Returns up to `limit` records of holds that have ended, the last set first.
    async fn ended_holds(
        &self,
        filter: &HoldFilter,
        limit: usize,
        before: Option<HoldId>,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let range = filter.range(before);
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let query = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .expression_attribute_values(":holds", text(keys::HOLDS))
            .scan_index_forward(false)
            .consistent_read(true);
        let mut conditions = QueryFilter::default();
        conditions.one_of("engine", &filter.engines);
        // Active holds are among the records, and are not listed a second time.
        let page_rows = limit.saturating_add(Self::MAX_ACTIVE_HOLDS);
        let query = conditions.apply(range.apply(query, "fingerprint = :holds", "opened_at"), page_rows);
        let mut items = query.into_paginator().items().send();
        let mut rows = Vec::new();
        while rows.len() < limit {
            let Some(item) = items.next().await else { break };
            let item: Item = item.map_err(|error| read_failed("Query", &self.0.name, error))?;
            let Some(id) = item.get("opened_at").and_then(|id| id.as_s().ok()) else { continue };
            let record = hold_rows::record(&self.0, &item);
            let is_active = record.as_ref().is_ok_and(|record| record.status(now) == HoldStatus::Active);
            if range.contains(id) && !is_active {
                let position = id.parse().ok().map(|id| HoldPosition { status: HoldStatus::Ended, id });
                rows.push((position, record));
            }
        }
        Ok(rows)
    }
}

/// A hold of the list: its position, and its record, which this version may not be able to read.
type Row = (Option<HoldPosition>, Result<HoldRecord, StoreError>);
