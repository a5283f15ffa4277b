//! Reading the incidents of a history, with their notifications and changes.

use std::collections::BTreeSet;

use age_model::{IncidentId, IncidentStatus, StoreError, Timestamp};
use age_scoring::simulation::{LeftOut, RecordedChange, RecordedIncident};
use age_store::{IncidentRecord, IncidentSummary, Incidents};
use futures_util::stream::{self, StreamExt, TryStreamExt};

/// How many incidents are read at the same time.
const CONCURRENT_READS: usize = 16;

/// The most incidents of a history, the latest ones.
const MAX_INCIDENTS: usize = 5000;

/// The most notifications, and the most changes, of an incident that are read: the latest ones.
const MAX_ROWS: usize = 500;

/// How many days before the period a resolved incident may have been opened.
const EARLIER_DAYS: i64 = 31;

/// Reads the incidents that were open between `from` and `to`.
pub(super) async fn read_incidents(
    incidents: &Incidents,
    (from, to): (Timestamp, Timestamp),
    left_out: &mut LeftOut,
) -> Result<Vec<RecordedIncident>, StoreError> {
    let opened = incidents.opened(from.plus_days(-EARLIER_DAYS), to).await?;
    let unresolved = incidents.unresolved().await?;
    left_out.unreadable += unresolved.unreadable.len() as u64;
    let listed = opened.into_iter().chain(unresolved.items).filter(|summary| summary.id.opened_at < to);
    let (about_permits, listed): (Vec<_>, Vec<_>) = listed.partition(|summary| summary.id.key.is_about_permits());
    let was_open = |it: &IncidentSummary| it.status != IncidentStatus::Resolved || it.id.opened_at >= from;
    let about_permits: BTreeSet<IncidentId> =
        about_permits.into_iter().filter(was_open).map(|summary| summary.id).collect();
    left_out.incidents_about_permits += about_permits.len() as u64;
    let ids: BTreeSet<(Timestamp, IncidentId)> =
        listed.into_iter().map(|summary| (summary.id.opened_at, summary.id)).collect();
    let excess = ids.len().saturating_sub(MAX_INCIDENTS);
    left_out.incidents_cut += excess as u64;
    let reads = ids.into_iter().skip(excess).map(|(_, id)| read(incidents, id, from));
    let mut reads = stream::iter(reads).buffered(CONCURRENT_READS);
    let mut recorded = Vec::new();
    while let Some(read) = reads.try_next().await? {
        match read {
            Read::Incident(incident, is_cut) => {
                left_out.incidents_cut += u64::from(is_cut);
                recorded.push(*incident);
            }
            Read::Unreadable => left_out.unreadable += 1,
            Read::None => {}
        }
    }
    Ok(recorded)
}

enum Read {
    /// An incident, and whether some of its notifications or changes were not read.
    Incident(Box<RecordedIncident>, bool),
    Unreadable,
    /// The incident was over before the period.
    None,
}

async fn read(incidents: &Incidents, id: IncidentId, from: Timestamp) -> Result<Read, StoreError> {
    let record = match incidents.get(&id).await {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(Read::None),
        Err(StoreError::Corrupt { .. }) => return Ok(Read::Unreadable),
        Err(error) => return Err(error),
    };
    let IncidentRecord { id, incident, counters } = record;
    if incident.resolved.as_ref().is_some_and(|resolved| resolved.at < from) {
        return Ok(Read::None);
    }
    let mut notifications = incidents.notifications(&id, MAX_ROWS).await?;
    notifications.items.reverse();
    let changes = incidents.changes(&id, MAX_ROWS).await?;
    let is_cut = notifications.items.len() < incident.notifications as usize
        || changes.items.first().is_some_and(|first| first.number > 1);
    let recorded = RecordedIncident {
        cause: incident.cause,
        severity: incident.severity,
        status: incident.status,
        event_id: incident.event_id,
        events: counters.events,
        failed_remediations: incident.failed_remediations,
        last_heard_at: counters.last_heard_at,
        notify_admin: incident.notify_admin.map(|notify| notify.event_id),
        changes: changes
            .items
            .into_iter()
            .map(|change| RecordedChange { kind: change.kind, at: change.at, by: change.by })
            .collect(),
        notifications: notifications.items,
        id,
    };
    Ok(Read::Incident(Box::new(recorded), is_cut))
}
