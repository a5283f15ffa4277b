//! Acknowledging and resolving an incident on behalf of a person.

use age_model::{Clock, CommandError, Incident, IncidentStatus, IncidentStatusConflict, StatusChange};
use age_store::IncidentRecord;

use crate::incident_lifecycle::{IncidentLifecycle, IncidentUpdate};

/// Acknowledges the incident of `record`. A repeat by the same caller returns the incident as it is.
///
/// # Errors
/// [`CommandError`] if another caller has acknowledged it, or it is resolved.
pub async fn acknowledge_incident(
    lifecycle: &IncidentLifecycle,
    record: IncidentRecord,
    change: StatusChange,
    clock: &dyn Clock,
) -> Result<IncidentRecord, CommandError<IncidentStatusConflict>> {
    apply(lifecycle, record, IncidentStatus::Acknowledged, change, age_policy::acknowledge, clock).await
}

/// Resolves the incident of `record`. A repeat by the same caller returns the incident as it is.
///
/// # Errors
/// [`CommandError`] if another caller has resolved it.
pub async fn resolve_incident(
    lifecycle: &IncidentLifecycle,
    record: IncidentRecord,
    change: StatusChange,
    clock: &dyn Clock,
) -> Result<IncidentRecord, CommandError<IncidentStatusConflict>> {
    apply(lifecycle, record, IncidentStatus::Resolved, change, age_policy::resolve, clock).await
}

async fn apply(
    lifecycle: &IncidentLifecycle,
    record: IncidentRecord,
    status: IncidentStatus,
    change: StatusChange,
    transition: impl Fn(&mut Incident, StatusChange) -> Result<(), IncidentStatusConflict>,
    clock: &dyn Clock,
) -> Result<IncidentRecord, CommandError<IncidentStatusConflict>> {
    let is_repeat = |incident: &Incident| {
        let earlier = if status == IncidentStatus::Resolved { &incident.resolved } else { &incident.acknowledged };
        incident.status == status && earlier.as_ref().is_some_and(|earlier| earlier.by == change.by)
    };
    if is_repeat(&record.incident) {
        return Ok(record);
    }
    let changed = lifecycle.change(&record.id.key, clock, |current| {
        let mut state = current.state.clone();
        let is_same = |incident: &&mut Incident| incident.opened_at == record.id.opened_at;
        let Some(incident) = state.incident.as_mut().filter(is_same) else { return Ok(None) };
        transition(incident, change.clone()).map_err(CommandError::Conflict)?;
        Ok::<_, CommandError<IncidentStatusConflict>>(Some(IncidentUpdate { state, notification: None, at: change.at }))
    });
    let stored = changed.await?.and_then(|current| Some((current.state.incident?, current.counters)));
    // A later incident of the same key has followed, so this one is resolved.
    let resolved = IncidentStatusConflict { status: IncidentStatus::Resolved, by: None };
    let (incident, counters) = stored.ok_or(CommandError::Conflict(resolved))?;
    Ok(IncidentRecord { id: record.id, incident, counters })
}
