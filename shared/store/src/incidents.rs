//! Incidents as people read them: one, the story of its notices, and all of them, newest first.

use std::collections::BTreeSet;

use age_model::{Engine, Incident, IncidentCounters, IncidentId, IncidentKey, IncidentStatus, Notification, Timestamp};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::row::{Item, RowName, text};
use crate::{Consistency, IncidentStates, StoreError, keys};

pub(crate) const KEY: &[&str] = &["fingerprint", "opened_at"];

/// How many incidents of a page are read at the same time.
const READS_AT_ONCE: usize = 16;

/// An incident that a later one of its kind has followed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FiledRow {
    fingerprint: String,
    opened_at: String,
    status: IncidentStatus,
    listed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acknowledged_at: Option<Timestamp>,
    events: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_event_at: Option<Timestamp>,
    incident: Incident,
}

impl FiledRow {
    pub(crate) fn new(key: &IncidentKey, incident: &Incident, counters: IncidentCounters) -> Self {
        let id = IncidentId { key: key.clone(), opened_at: incident.opened_at };
        Self {
            fingerprint: keys::fingerprint(key),
            opened_at: incident.opened_at.to_string(),
            status: incident.status,
            listed: keys::listed(&id),
            acknowledged_at: incident.acknowledged.as_ref().map(|mark| mark.at),
            events: counters.events,
            last_event_at: counters.last_event_at,
            incident: incident.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct NoticeRow {
    notification: Notification,
}

/// What the list of incidents has of one.
#[derive(Debug, Deserialize)]
struct ListedRow {
    fingerprint: String,
    listed: String,
    status: IncidentStatus,
    #[serde(default)]
    acknowledged_at: Option<Timestamp>,
}

/// Where an incident stands in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentSummary {
    /// Its name.
    pub id: IncidentId,
    /// Whether somebody has taken it.
    pub status: IncidentStatus,
    /// When somebody did.
    pub acknowledged_at: Option<Timestamp>,
}

impl IncidentSummary {
    /// Whether it is about an engine that says nothing.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        self.id.key == IncidentKey::silence_of(self.id.key.engine)
    }
}

/// An incident as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRecord {
    /// Its name.
    pub id: IncidentId,
    /// What was decided on.
    pub incident: Incident,
    /// What was counted.
    pub counters: IncidentCounters,
}

/// Some incidents, newest first, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<IncidentRecord>,
    /// The last of them, if there are more.
    pub next: Option<IncidentId>,
}

/// Reads the `incidents` table.
#[derive(Debug, Clone)]
pub struct Incidents {
    table: Table,
    watches: IncidentStates,
}

impl Incidents {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        let watches = IncidentStates::new(db, name);
        Self { table: watches.0.clone(), watches }
    }

    /// The incident called `id`.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: &IncidentId) -> Result<Option<IncidentRecord>, StoreError> {
        let record = self.watches.get(&id.key).await?;
        if let Some(incident) = record.state.incident.filter(|incident| incident.opened_at == id.opened_at) {
            return Ok(Some(IncidentRecord { id: id.clone(), incident, counters: record.counters }));
        }
        let key = [("fingerprint", text(keys::fingerprint(&id.key))), ("opened_at", text(id.opened_at))];
        let Some(item) = self.table.get(key, Consistency::Strong).await? else { return Ok(None) };
        let FiledRow { incident, events, last_event_at, .. } = self.row_name().read(&item)?;
        Ok(Some(IncidentRecord { id: id.clone(), incident, counters: IncidentCounters { events, last_event_at } }))
    }

    /// The latest `limit` notices about the incident called `id`, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn notifications(&self, id: &IncidentId, limit: usize) -> Result<Vec<Notification>, StoreError> {
        let query = self
            .table
            .client
            .query()
            .key_condition_expression("fingerprint = :fingerprint AND begins_with(opened_at, :notices)")
            .expression_attribute_values(":fingerprint", text(keys::fingerprint(&id.key)))
            .expression_attribute_values(":notices", text(keys::notifications(id.opened_at)))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true);
        let page = query.table_name(&self.table.name).send().await;
        let page = page.map_err(|error| StoreError::unavailable("Query", &self.table.name, error))?;
        page.items().iter().map(|item| Ok(self.row_name().read::<NoticeRow>(item)?.notification)).collect()
    }

    /// Up to `limit` incidents of `status`, or of any, that stand before `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn list(
        &self,
        status: Option<IncidentStatus>,
        limit: usize,
        before: Option<&IncidentId>,
    ) -> Result<IncidentPage, StoreError> {
        let statuses = status.as_ref().map_or(IncidentStatus::ALL, std::slice::from_ref);
        // One more than asked for tells whether there are more.
        let of_status = async |status: &IncidentStatus| {
            let query = self.of_status(*status).scan_index_forward(false);
            let query = query.limit(i32::try_from(limit + 1).unwrap_or(i32::MAX)).table_name(&self.table.name);
            let query = match before {
                Some(id) => query
                    .key_condition_expression("#status = :status AND listed < :before")
                    .expression_attribute_values(":before", text(keys::listed(id))),
                None => query.key_condition_expression("#status = :status"),
            };
            let page = query.send().await;
            page.map_err(|error| StoreError::unavailable("Query", &self.table.name, error))
        };
        let pages = try_join_all(statuses.iter().map(of_status)).await?;
        let items = pages.iter().flat_map(QueryOutput::items);
        let mut listed: Vec<IncidentSummary> = items.map(|item| self.listed(item)).collect::<Result<_, _>>()?;
        // The index is a moment behind: one that has just moved may be under two statuses.
        listed.sort_by_key(|listed| std::cmp::Reverse(keys::listed(&listed.id)));
        listed.dedup_by(|a, b| a.id == b.id);
        let more = listed.len() > limit;
        listed.truncate(limit);
        let next = listed.last().filter(|_| more).map(|listed| listed.id.clone());
        let readings: Vec<_> = listed.iter().map(|listed| self.get(&listed.id)).collect();
        let read: Vec<Option<IncidentRecord>> = stream::iter(readings).buffered(READS_AT_ONCE).try_collect().await?;
        let of_status = |record: &IncidentRecord| status.is_none_or(|status| status == record.incident.status);
        Ok(IncidentPage { incidents: read.into_iter().flatten().filter(of_status).collect(), next })
    }

    /// Where the incidents stand that were opened from `from` on and before `to`.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn opened(&self, from: Timestamp, to: Timestamp) -> Result<Vec<IncidentSummary>, StoreError> {
        let of_status = |status: &IncidentStatus| {
            let query = self
                .of_status(*status)
                .key_condition_expression("#status = :status AND listed BETWEEN :from AND :to")
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to));
            self.table.all(query)
        };
        let items = try_join_all(IncidentStatus::ALL.iter().map(of_status)).await?;
        let mut listed: Vec<IncidentSummary> =
            items.iter().flatten().map(|item| self.listed(item)).collect::<Result<_, _>>()?;
        // The index is a moment behind: of one that has just moved, the later status counts.
        listed.sort_by_key(|listed| (keys::listed(&listed.id), std::cmp::Reverse(listed.status)));
        listed.dedup_by(|a, b| a.id == b.id);
        Ok(listed)
    }

    /// Where the incidents stand that are not over, the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn unresolved(&self) -> Result<Vec<IncidentSummary>, StoreError> {
        let unresolved = [IncidentStatus::Open, IncidentStatus::Acknowledged];
        let of_status = |status| self.table.all(self.of_status(status).key_condition_expression("#status = :status"));
        let items = try_join_all(unresolved.map(of_status)).await?;
        let mut listed: Vec<IncidentSummary> =
            items.iter().flatten().map(|item| self.listed(item)).collect::<Result<_, _>>()?;
        // The index is a moment behind: of one that has just moved, the later status counts.
        listed.sort_by_key(|listed| std::cmp::Reverse((keys::listed(&listed.id), listed.status)));
        listed.dedup_by(|a, b| a.id == b.id);
        Ok(listed)
    }

    /// The engines whose silence is an incident that is not over.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn silent_engines(&self) -> Result<Vec<Engine>, StoreError> {
        let unresolved = self.unresolved().await?;
        let engines: BTreeSet<Engine> =
            unresolved.iter().filter(|it| it.is_silence()).map(|it| it.id.key.engine).collect();
        Ok(engines.into_iter().collect())
    }

    fn of_status(&self, status: IncidentStatus) -> QueryFluentBuilder {
        let query = self.table.client.query().index_name("by_opened");
        let query = query.expression_attribute_names("#status", "status");
        query.expression_attribute_values(":status", text(status))
    }

    fn listed(&self, item: &Item) -> Result<IncidentSummary, StoreError> {
        let name = self.row_name();
        let row: ListedRow = name.read(item)?;
        let opened_at = row.listed.split('#').next().and_then(|at| at.parse().ok());
        let named = keys::incident_key(&row.fingerprint).zip(opened_at);
        let (key, opened_at) = named.ok_or_else(|| name.corrupt(item, "listed", "names no incident"))?;
        let ListedRow { status, acknowledged_at, .. } = row;
        Ok(IncidentSummary { id: IncidentId { key, opened_at }, status, acknowledged_at })
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.table.name.as_str(), key: KEY }
    }
}
