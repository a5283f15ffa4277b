//! Reading incidents: one, its notifications and changes, and sets of them. Their list is in `incident_list`.

use age_model::{
    Incident, IncidentChange, IncidentCounters, IncidentId, IncidentKey, IncidentStatus, Notification, Severity,
    StoreError, Timestamp,
};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures_util::future::try_join_all;
use serde::Deserialize;

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::found::Found;
use crate::incident_rows::{self, ArchivedRow, ListingEntry};
use crate::incident_shards::{add_shards, read_shards};
use crate::incident_state_row::{read_row, read_state};

#[derive(Debug, Deserialize)]
struct NotificationRow {
    notification: Notification,
}

#[derive(Debug, Deserialize)]
struct ChangeRow {
    change: IncidentChange,
}

/// The attributes that the index `listing` projects.
#[derive(Debug, Deserialize)]
struct SummaryRow {
    fingerprint: String,
    #[serde(flatten)]
    entry: ListingEntry,
}

/// An incident as the eventually consistent index `listing` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentSummary {
    /// The incident.
    pub id: IncidentId,
    /// The status.
    pub status: IncidentStatus,
    /// The severity.
    pub severity: Severity,
    /// When it was acknowledged, if it was.
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

/// Reads the `incidents` table.
#[derive(Debug, Clone)]
pub struct Incidents(pub(crate) Table);

/// An incident of a list, with when its row expires.
pub(crate) type ListedIncident = Option<(IncidentRecord, Option<i64>)>;

impl Incidents {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, incident_rows::KEY))
    }

    /// Returns the incident `id`, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: &IncidentId) -> Result<Option<IncidentRecord>, StoreError> {
        Ok(self.read(id).await?.map(|(record, _)| record))
    }

    /// Returns the incident `id` without its counters, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        let latest = match read_row(&self.0, &id.key).await {
            Ok(latest) => latest.state.incident,
            // The row is about the latest incident of the key. An earlier one has a row of its own.
            Err(error @ StoreError::Corrupt { .. }) => {
                return Ok(Some(self.archived_row(id).await?.ok_or(error)?.incident));
            }
            Err(error) => return Err(error),
        };
        match latest.filter(|incident| incident.opened_at == id.opened_at) {
            Some(incident) => Ok(Some(incident)),
            None => Ok(self.archived_row(id).await?.map(|row| row.incident)),
        }
    }

    pub(crate) async fn read(&self, id: &IncidentId) -> Result<ListedIncident, StoreError> {
        let latest = match read_state(&self.0, &id.key).await {
            Ok((latest, _)) => latest,
            // The row is about the latest incident of the key. An earlier one has a row of its own.
            Err(error @ StoreError::Corrupt { .. }) => return Ok(Some(self.archived(id).await?.ok_or(error)?)),
            Err(error) => return Err(error),
        };
        let expires_at = latest.expires_at();
        if let Some(incident) = latest.state.incident.filter(|incident| incident.opened_at == id.opened_at) {
            return Ok(Some((IncidentRecord { id: id.clone(), incident, counters: latest.counters }, expires_at)));
        }
        self.archived(id).await
    }

    async fn archived(&self, id: &IncidentId) -> Result<ListedIncident, StoreError> {
        let Some(row) = self.archived_row(id).await? else { return Ok(None) };
        let ArchivedRow { incident, events, last_event_at, resolved_events, is_sharded, expires_at, .. } = row;
        let mut counters = IncidentCounters { events, last_event_at, resolved_events, last_heard_at: last_event_at };
        if is_sharded {
            add_shards(&mut counters, &read_shards(&self.0, &id.key, id.opened_at).await?);
        }
        Ok(Some((IncidentRecord { id: id.clone(), incident, counters }, expires_at)))
    }

    async fn archived_row(&self, id: &IncidentId) -> Result<Option<ArchivedRow>, StoreError> {
        let row_key = [("fingerprint", text(keys::fingerprint(&id.key))), ("opened_at", text(id.opened_at))];
        let item = self.0.get(row_key, Consistency::Strong).await?;
        item.map(|item| self.0.parse(&item)).transpose()
    }

    /// Returns the latest `limit` notifications of the incident `id`, the latest first, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn notifications(&self, id: &IncidentId, limit: usize) -> Result<Found<Notification>, StoreError> {
        let items = self.latest(id, keys::notifications(id.opened_at), limit).await?;
        Found::of(items.iter().map(|item| Ok(self.0.parse::<NotificationRow>(item)?.notification)))
    }

    /// Returns the latest `limit` changes of the incident `id`, the earliest first, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn changes(&self, id: &IncidentId, limit: usize) -> Result<Found<IncidentChange>, StoreError> {
        let items = self.latest(id, keys::incident_changes(id.opened_at), limit).await?;
        Found::of(items.iter().rev().map(|item| Ok(self.0.parse::<ChangeRow>(item)?.change)))
    }

    /// Returns the last `limit` rows of the incident `id` whose sort key begins with `prefix`, the last first. They must fit into
    /// one page of a megabyte.
    async fn latest(&self, id: &IncidentId, prefix: String, limit: usize) -> Result<Vec<Item>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("fingerprint = :fingerprint AND begins_with(opened_at, :prefix)")
            .expression_attribute_values(":fingerprint", text(keys::fingerprint(&id.key)))
            .expression_attribute_values(":prefix", text(prefix))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true);
        let page = query.table_name(&self.0.name).send().await;
        let page = page.map_err(|error| read_failed("Query", &self.0.name, error))?;
        Ok(page.items.unwrap_or_default())
    }

    /// Returns the incidents that were opened from `from` on and before `to`, the earliest first.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read: whoever counts them must have all.
    pub async fn opened(&self, from: Timestamp, to: Timestamp) -> Result<Vec<IncidentSummary>, StoreError> {
        let of_listing = |listing: &'static str| {
            let query = self
                .of_listing(listing)
                .key_condition_expression("listing = :listing AND listed BETWEEN :from AND :to")
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to));
            self.0.all(query)
        };
        let items = try_join_all([keys::UNRESOLVED, keys::RESOLVED].map(of_listing)).await?;
        let mut summaries: Vec<IncidentSummary> =
            items.iter().flatten().map(|item| self.summary(item)).collect::<Result<_, _>>()?;
        // The index is eventually consistent: of an incident that has just changed, the resolved entry counts.
        summaries.sort_by_key(|summary| (keys::listed(&summary.id), summary.status != IncidentStatus::Resolved));
        summaries.dedup_by(|a, b| a.id == b.id);
        Ok(summaries)
    }

    /// Returns the incidents that are not resolved, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn unresolved(&self) -> Result<Found<IncidentSummary>, StoreError> {
        let query = self.of_listing(keys::UNRESOLVED).key_condition_expression("listing = :listing");
        let items = self.0.all(query.scan_index_forward(false)).await?;
        Found::of(items.iter().map(|item| self.summary(item)))
    }

    /// Returns the incidents that are not resolved, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if one of them cannot be read: whoever counts them must have all.
    pub async fn all_unresolved(&self) -> Result<Vec<IncidentSummary>, StoreError> {
        let query = self.of_listing(keys::UNRESOLVED).key_condition_expression("listing = :listing");
        let items = self.0.all(query.scan_index_forward(false)).await?;
        items.iter().map(|item| self.summary(item)).collect()
    }

    pub(crate) fn of_listing(&self, listing: &'static str) -> QueryFluentBuilder {
        let query = self.0.client.query().index_name("listing");
        query.expression_attribute_values(":listing", text(listing))
    }

    pub(crate) fn summary(&self, item: &Item) -> Result<IncidentSummary, StoreError> {
        let SummaryRow { fingerprint, entry } = self.0.parse(item)?;
        let opened_at = entry.listed.split('#').next().and_then(|at| at.parse().ok());
        let id = keys::incident_key(&fingerprint).zip(opened_at);
        let (key, opened_at) =
            id.ok_or_else(|| self.0.corrupt(item, "listed", "must be a time and an incident key"))?;
        let ListingEntry { status, severity, acknowledged_at, .. } = entry;
        Ok(IncidentSummary { id: IncidentId { key, opened_at }, status, severity, acknowledged_at })
    }
}
