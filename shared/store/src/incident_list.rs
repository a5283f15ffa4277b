//! The list of incidents, newest first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use age_model::{Engine, IncidentId, IncidentStatus, Severity, StoreError, Timestamp, UnreadableItem};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::dynamodb::query_filter::QueryFilter;
use crate::dynamodb::sort_key_range::SortKeyRange;
use crate::found::{Found, unreadable};
use crate::incidents::{IncidentRecord, IncidentSummary, Incidents};

/// How many incidents of a page are read concurrently.
const CONCURRENT_READS: usize = 16;

/// The incidents to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only incidents with these statuses; with any if empty.
    pub statuses: BTreeSet<IncidentStatus>,
    /// Only incidents with these severities; with any if empty.
    pub severities: BTreeSet<Severity>,
    /// Only incidents of these engines; of any if empty.
    pub engines: BTreeSet<Engine>,
    /// Only incidents opened at this time or later.
    pub from: Option<Timestamp>,
    /// Only incidents opened before this time.
    pub to: Option<Timestamp>,
}

impl IncidentFilter {
    /// Returns the partitions of the index `listing` that can have matching incidents.
    fn listings(&self) -> BTreeSet<&'static str> {
        if self.statuses.is_empty() {
            return BTreeSet::from([keys::UNRESOLVED, keys::RESOLVED]);
        }
        self.statuses.iter().map(|status| keys::listing(*status)).collect()
    }

    /// Returns the conditions on the entries of `listing` that are no part of the index's key.
    fn conditions(&self, listing: &str) -> QueryFilter {
        let mut conditions = QueryFilter::default();
        if listing == keys::UNRESOLVED {
            conditions.one_of("status", &self.statuses);
        }
        conditions.one_of("severity", &self.severities);
        conditions.begins_with_one_of("fingerprint", self.engines.iter().map(|engine| keys::fingerprints(*engine)));
        conditions
    }

    fn matches(&self, IncidentRecord { incident, .. }: &IncidentRecord) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&incident.status))
            && (self.severities.is_empty() || self.severities.contains(&incident.severity))
    }
}

/// A page of incidents, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<IncidentRecord>,
    /// The incidents of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The last incident of the page, if there are more: where the next page begins.
    pub next: Option<IncidentId>,
}

impl Incidents {
    /// Returns up to `limit` incidents that match `filter` and come after `before` in the list, newest first. Incidents that have
    /// expired at `now` are not listed.
    ///
    /// The times are a range of the index's key. The other conditions filter its entries: for a full page, up to all entries of
    /// the period are read, about 5,000 with each query for 128 read units, and then only the incidents of the page.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn list(
        &self,
        filter: &IncidentFilter,
        limit: usize,
        before: Option<&IncidentId>,
        now: Timestamp,
    ) -> Result<IncidentPage, StoreError> {
        let mut page = IncidentPage { incidents: Vec::new(), unreadable: Vec::new(), next: before.cloned() };
        loop {
            let missing = limit.saturating_sub(page.incidents.len() + page.unreadable.len());
            let Found { items: mut summaries, unreadable: unlisted } =
                self.summaries(filter, missing + 1, page.next.as_ref()).await?;
            page.unreadable.extend(unlisted);
            let more = summaries.len() > missing;
            summaries.truncate(missing);
            page.next = summaries.last().filter(|_| more).map(|summary| summary.id.clone());
            let reads: Vec<_> = summaries.iter().map(|summary| self.read(&summary.id)).collect();
            let read: Vec<_> = stream::iter(reads).buffered(CONCURRENT_READS).collect().await;
            for (summary, read) in summaries.iter().zip(read) {
                match read {
                    Ok(Some((record, expires_at))) => {
                        // The index is eventually consistent: status and severity may have changed.
                        let has_expired = expires_at.is_some_and(|expires_at| expires_at <= now.seconds());
                        page.incidents.extend(Some(record).filter(|it| filter.matches(it) && !has_expired));
                    }
                    Ok(None) => {}
                    Err(error) => page.unreadable.push(unreadable(Some(summary.id.to_string()), error)?),
                }
            }
            if page.next.is_none() || page.incidents.len() + page.unreadable.len() >= limit {
                return Ok(page);
            }
        }
    }

    /// Returns up to `limit` incidents of the list, newest first, and the entries that cannot be read.
    async fn summaries(
        &self,
        filter: &IncidentFilter,
        limit: usize,
        before: Option<&IncidentId>,
    ) -> Result<Found<IncidentSummary>, StoreError> {
        let [from, to] = [filter.from, filter.to].map(|time| time.map(|time| time.to_string()));
        let range = SortKeyRange::new(from, [to, before.map(keys::listed)]);
        let of_listing = |listing: &'static str| self.entries(listing, &range, filter, limit);
        let items = try_join_all(filter.listings().into_iter().map(of_listing)).await?;
        let mut found = Found::of(items.iter().flatten().map(|item| self.summary(item)))?;
        // The index is eventually consistent: an incident that has just changed may be in both parts.
        found.items.sort_by_key(|summary| Reverse(keys::listed(&summary.id)));
        found.items.dedup_by(|a, b| a.id == b.id);
        found.items.truncate(limit);
        Ok(found)
    }

    /// Returns up to `limit` entries of a partition of the index `listing`, newest first.
    async fn entries(
        &self,
        listing: &'static str,
        range: &SortKeyRange,
        filter: &IncidentFilter,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.of_listing(listing).scan_index_forward(false).table_name(&self.0.name);
        let query = filter.conditions(listing).apply(range.apply(query, "listing = :listing", "listed"), limit);
        let mut entries = query.into_paginator().items().send();
        let mut items = Vec::new();
        while items.len() < limit {
            let Some(item) = entries.next().await else { break };
            let item = item.map_err(|error| read_failed("Query", &self.0.name, error))?;
            let listed = item.get("listed").and_then(|listed| listed.as_s().ok());
            if listed.is_none_or(|listed| range.contains(listed)) {
                items.push(item);
            }
        }
        Ok(items)
    }
}
