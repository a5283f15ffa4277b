//! Rows of the `incidents` table that more than one module reads or writes.

use age_model::{Incident, IncidentCounters, IncidentId, IncidentKey, IncidentStatus, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dynamodb::keys;

/// The attributes of the table's primary key.
pub(crate) const KEY: &[&str] = &["fingerprint", "opened_at"];

/// A resolved incident that a later incident of the same key has replaced in the row of the key's state.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ArchivedRow {
    fingerprint: String,
    opened_at: String,
    #[serde(flatten)]
    entry: ListingEntry,
    pub(crate) events: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_event_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) resolved_events: u64,
    pub(crate) incident: Incident,
    /// Whether events of the incident are counted in shards as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_sharded: bool,
    /// When DynamoDB deletes the row, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<i64>,
}

impl ArchivedRow {
    /// `counters` are those of the state's row, and `is_sharded` says whether there are shards besides.
    pub(crate) fn new(
        key: &IncidentKey,
        incident: &Incident,
        (counters, is_sharded): (IncidentCounters, bool),
        expires_at: i64,
    ) -> Self {
        Self {
            fingerprint: keys::fingerprint(key),
            opened_at: incident.opened_at.to_string(),
            entry: ListingEntry::new(key, incident),
            events: counters.events,
            last_event_at: counters.last_event_at,
            resolved_events: counters.resolved_events,
            incident: incident.clone(),
            is_sharded,
            expires_at: Some(expires_at),
        }
    }
}

/// The attributes of an incident in the index `listing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListingEntry {
    #[serde(default)]
    pub(crate) listing: String,
    pub(crate) listed: String,
    pub(crate) status: IncidentStatus,
    pub(crate) severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acknowledged_at: Option<Timestamp>,
}

impl ListingEntry {
    pub(crate) fn new(key: &IncidentKey, incident: &Incident) -> Self {
        Self {
            listing: keys::listing(incident.status).to_owned(),
            listed: keys::listed(&IncidentId { key: key.clone(), opened_at: incident.opened_at }),
            status: incident.status,
            severity: incident.severity,
            acknowledged_at: incident.first_acknowledged_at,
        }
    }
}
