//! Rows of the `incidents` table that more than one module reads or writes.

use age_model::{Incident, IncidentCounters, IncidentId, IncidentKey, IncidentStatus, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dynamodb::keys;

/// The attributes of the table's primary key.
pub(crate) const KEY: &[&str] = &["fingerprint", "opened_at"];

/// A resolved incident that a later incident of the same key has replaced in the row of the key's state.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ArchivedRow {
    fingerprint: String,
    opened_at: String,
    status: IncidentStatus,
    listed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acknowledged_at: Option<Timestamp>,
    pub(crate) events: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_event_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) resolved_events: u64,
    pub(crate) incident: Incident,
}

impl ArchivedRow {
    pub(crate) fn new(key: &IncidentKey, incident: &Incident, counters: IncidentCounters) -> Self {
        let id = IncidentId { key: key.clone(), opened_at: incident.opened_at };
        Self {
            fingerprint: keys::fingerprint(key),
            opened_at: incident.opened_at.to_string(),
            status: incident.status,
            listed: keys::listed(&id),
            acknowledged_at: incident.first_acknowledged_at,
            events: counters.events,
            last_event_at: counters.last_event_at,
            resolved_events: counters.resolved_events,
            incident: incident.clone(),
        }
    }
}
