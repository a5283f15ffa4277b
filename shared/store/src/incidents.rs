//! Reading incidents: one, its notifications and changes, and lists of them, newest first.

use age_model::{
    Engine, Incident, IncidentChange, IncidentCounters, IncidentId, IncidentKey, IncidentStatus, Notification,
    StoreError, Timestamp,
};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::incident_rows::ArchivedRow;
use crate::incident_states::IncidentStates;

/// How many incidents of a page are read concurrently.
const CONCURRENT_READS: usize = 16;

/// How many entries of the index one call reads that filters them by engine.
const MIN_INDEX_PAGE: i32 = 500;

#[derive(Debug, Deserialize)]
struct NotificationRow {
    notification: Notification,
}

#[derive(Debug, Deserialize)]
struct ChangeRow {
    change: IncidentChange,
}

/// The attributes that the index `by_opened` projects.
#[derive(Debug, Deserialize)]
struct SummaryRow {
    fingerprint: String,
    listed: String,
    status: IncidentStatus,
    #[serde(default)]
    acknowledged_at: Option<Timestamp>,
}

/// An incident as the eventually consistent index `by_opened` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentSummary {
    /// The incident.
    pub id: IncidentId,
    /// The status.
    pub status: IncidentStatus,
    /// When it was first acknowledged, if it was.
    pub acknowledged_at: Option<Timestamp>,
}

impl IncidentSummary {
    /// Whether the incident is about a silent engine.
    #[must_use]
    pub fn is_engine_silent(&self) -> bool {
        self.id.key == IncidentKey::engine_silent(self.id.key.engine)
    }
}

/// An incident as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRecord {
    /// The incident's id.
    pub id: IncidentId,
    /// The incident.
    pub incident: Incident,
    /// The incident's counters.
    pub counters: IncidentCounters,
}

/// A page of incidents, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<IncidentRecord>,
    /// The last incident of the page, if there are more: where the next page begins.
    pub next: Option<IncidentId>,
}

/// Reads the `incidents` table.
#[derive(Debug, Clone)]
pub struct Incidents {
    states: IncidentStates,
}

impl Incidents {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self { states: IncidentStates::new(db, name) }
    }

    /// Returns the incident `id`, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: &IncidentId) -> Result<Option<IncidentRecord>, StoreError> {
        let latest = self.states.get(&id.key).await?;
        if let Some(incident) = latest.state.incident.filter(|incident| incident.opened_at == id.opened_at) {
            return Ok(Some(IncidentRecord { id: id.clone(), incident, counters: latest.counters }));
        }
        let row_key = [("fingerprint", text(keys::fingerprint(&id.key))), ("opened_at", text(id.opened_at))];
        let Some(item) = self.table().get(row_key, Consistency::Strong).await? else { return Ok(None) };
        let row: ArchivedRow = self.table().parse(&item)?;
        let ArchivedRow { incident, events, last_event_at, resolved_events, .. } = row;
        let counters = IncidentCounters { events, last_event_at, resolved_events, last_heard_at: last_event_at };
        Ok(Some(IncidentRecord { id: id.clone(), incident, counters }))
    }

    /// Returns the latest `limit` notifications of the incident `id`, the latest first, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read.
    pub async fn notifications(&self, id: &IncidentId, limit: usize) -> Result<Vec<Notification>, StoreError> {
        let rows: Vec<NotificationRow> = self.latest(id, keys::notifications(id.opened_at), limit).await?;
        Ok(rows.into_iter().map(|row| row.notification).collect())
    }

    /// Returns the latest `limit` changes of the incident `id`, the earliest first, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read.
    pub async fn changes(&self, id: &IncidentId, limit: usize) -> Result<Vec<IncidentChange>, StoreError> {
        let rows: Vec<ChangeRow> = self.latest(id, keys::incident_changes(id.opened_at), limit).await?;
        Ok(rows.into_iter().rev().map(|row| row.change).collect())
    }

    /// Returns the last `limit` rows of the incident `id` whose sort key begins with `prefix`, the last first. They must fit into
    /// one page of a megabyte.
    async fn latest<T: DeserializeOwned>(
        &self,
        id: &IncidentId,
        prefix: String,
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let table = self.table();
        let query = table
            .client
            .query()
            .key_condition_expression("fingerprint = :fingerprint AND begins_with(opened_at, :prefix)")
            .expression_attribute_values(":fingerprint", text(keys::fingerprint(&id.key)))
            .expression_attribute_values(":prefix", text(prefix))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true);
        let page = query.table_name(&table.name).send().await;
        let page = page.map_err(|error| read_failed("Query", &table.name, error))?;
        page.items().iter().map(|item| table.parse(item)).collect()
    }

    /// Returns up to `limit` incidents of `status` and `engine`, or of any, that come after `before` in the list, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read.
    pub async fn list(
        &self,
        status: Option<IncidentStatus>,
        engine: Option<Engine>,
        limit: usize,
        before: Option<&IncidentId>,
    ) -> Result<IncidentPage, StoreError> {
        let statuses = status.as_ref().map_or(IncidentStatus::ALL, std::slice::from_ref);
        // One more than requested, which shows whether the list has more.
        let of_status = |status: &IncidentStatus| self.newest(*status, engine, limit.saturating_add(1), before);
        let items = try_join_all(statuses.iter().map(of_status)).await?;
        let mut summaries: Vec<IncidentSummary> =
            items.iter().flatten().map(|item| self.summary(item)).collect::<Result<_, _>>()?;
        // The index is eventually consistent: an incident that has just changed may be listed under two statuses.
        summaries.sort_by_key(|summary| std::cmp::Reverse(keys::listed(&summary.id)));
        summaries.dedup_by(|a, b| a.id == b.id);
        let more = summaries.len() > limit;
        summaries.truncate(limit);
        let next = summaries.last().filter(|_| more).map(|summary| summary.id.clone());
        let reads: Vec<_> = summaries.iter().map(|summary| self.get(&summary.id)).collect();
        let read: Vec<Option<IncidentRecord>> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let has_status = |record: &IncidentRecord| status.is_none_or(|status| status == record.incident.status);
        Ok(IncidentPage { incidents: read.into_iter().flatten().filter(has_status).collect(), next })
    }

    /// Returns the first `limit` entries of the index for `status` and `engine` after `before`, newest first.
    async fn newest(
        &self,
        status: IncidentStatus,
        engine: Option<Engine>,
        limit: usize,
        before: Option<&IncidentId>,
    ) -> Result<Vec<Item>, StoreError> {
        let query = self.of_status(status).scan_index_forward(false).table_name(&self.table().name);
        let query =
            query.limit(i32::try_from(limit).unwrap_or(i32::MAX).max(MIN_INDEX_PAGE * i32::from(engine.is_some())));
        let query = match before {
            Some(id) => query
                .key_condition_expression("#status = :status AND listed < :before")
                .expression_attribute_values(":before", text(keys::listed(id))),
            None => query.key_condition_expression("#status = :status"),
        };
        let query = match engine {
            Some(engine) => query
                .filter_expression("begins_with(fingerprint, :of_engine)")
                .expression_attribute_values(":of_engine", text(keys::fingerprints(engine))),
            None => query,
        };
        let (mut entries, mut found) = (query.into_paginator().items().send(), Vec::new());
        while found.len() < limit
            && let Some(entry) = entries.next().await
        {
            found.push(entry.map_err(|error| read_failed("Query", &self.table().name, error))?);
        }
        Ok(found)
    }

    /// Returns the incidents that were opened from `from` on and before `to`, the earliest first.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read.
    pub async fn opened(&self, from: Timestamp, to: Timestamp) -> Result<Vec<IncidentSummary>, StoreError> {
        let of_status = |status: &IncidentStatus| {
            let query = self
                .of_status(*status)
                .key_condition_expression("#status = :status AND listed BETWEEN :from AND :to")
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to));
            self.table().all(query)
        };
        let items = try_join_all(IncidentStatus::ALL.iter().map(of_status)).await?;
        let mut summaries: Vec<IncidentSummary> =
            items.iter().flatten().map(|item| self.summary(item)).collect::<Result<_, _>>()?;
        // The index is eventually consistent: of an incident that has just changed, the later status counts.
        summaries.sort_by_key(|summary| (keys::listed(&summary.id), std::cmp::Reverse(summary.status)));
        summaries.dedup_by(|a, b| a.id == b.id);
        Ok(summaries)
    }

    /// Returns the incidents that are open or acknowledged, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read.
    pub async fn unresolved(&self) -> Result<Vec<IncidentSummary>, StoreError> {
        let unresolved = [IncidentStatus::Open, IncidentStatus::Acknowledged];
        let of_status = |status| self.table().all(self.of_status(status).key_condition_expression("#status = :status"));
        let items = try_join_all(unresolved.map(of_status)).await?;
        let mut summaries: Vec<IncidentSummary> =
            items.iter().flatten().map(|item| self.summary(item)).collect::<Result<_, _>>()?;
        // The index is eventually consistent: of an incident that has just changed, the later status counts.
        summaries.sort_by_key(|summary| std::cmp::Reverse((keys::listed(&summary.id), summary.status)));
        summaries.dedup_by(|a, b| a.id == b.id);
        Ok(summaries)
    }

    fn of_status(&self, status: IncidentStatus) -> QueryFluentBuilder {
        let query = self.table().client.query().index_name("by_opened");
        let query = query.expression_attribute_names("#status", "status");
        query.expression_attribute_values(":status", text(status))
    }

    fn summary(&self, item: &Item) -> Result<IncidentSummary, StoreError> {
        let table = self.table();
        let row: SummaryRow = table.parse(item)?;
        let opened_at = row.listed.split('#').next().and_then(|at| at.parse().ok());
        let id = keys::incident_key(&row.fingerprint).zip(opened_at);
        let (key, opened_at) = id.ok_or_else(|| table.corrupt(item, "listed", "must be a time and an incident key"))?;
        let SummaryRow { status, acknowledged_at, .. } = row;
        Ok(IncidentSummary { id: IncidentId { key, opened_at }, status, acknowledged_at })
    }

    const fn table(&self) -> &Table {
        self.states.table()
    }
}
