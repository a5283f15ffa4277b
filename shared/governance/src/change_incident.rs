//! Changing an incident on behalf of a person: acknowledging, taking over, commenting, resolving and reopening it.

use age_model::{Clock, CommandError, IncidentConflict, IncidentId, StatusChange};
use age_policy::IncidentCommand;
use age_store::{IncidentRecord, Incidents, TransactionResult, wait_before_retry};

use crate::incident_lifecycle::{IncidentLifecycle, IncidentUpdate, MAX_ATTEMPTS};

/// An incident after a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedIncident {
    /// The incident as it is now.
    pub record: IncidentRecord,
    /// Whether the command has changed it. False: the caller has repeated what stood already.
    pub has_changed: bool,
}

/// Carries out `command` on the incident `id` for the caller of `change`, under the policy version `policy_hash`. Returns None if there is no such incident.
///
/// # Errors
/// [`CommandError`] if the incident does not permit it.
pub async fn change_incident(
    incidents: &Incidents,
    lifecycle: &IncidentLifecycle,
    id: &IncidentId,
    command: IncidentCommand,
    change: StatusChange,
    policy_hash: &str,
    clock: &dyn Clock,
) -> Result<Option<ChangedIncident>, CommandError<IncidentConflict>> {
    let (mut changed, mut newer) = (None, None);
    let written = lifecycle.change(&id.key, policy_hash, clock, |latest| {
        let (mut state, counters) = (latest.state.clone(), latest.counters);
        let Some(incident) = state.incident.as_mut().filter(|incident| incident.opened_at == id.opened_at) else {
            newer = state.incident.map(|incident| IncidentId { opened_at: incident.opened_at, ..id.clone() });
            return Ok(None);
        };
        let command = age_policy::change_incident(incident, command, change.clone());
        let has_changed = command.map_err(CommandError::Conflict)?;
        let record = IncidentRecord { id: id.clone(), incident: incident.clone(), counters };
        changed = Some(ChangedIncident { record, has_changed });
        Ok::<_, CommandError<IncidentConflict>>(has_changed.then_some(IncidentUpdate {
            state,
            notification: None,
            at: change.at,
        }))
    });
    written.await?;
    match (changed, newer) {
        (Some(changed), _) => Ok(Some(changed)),
        (None, Some(newer)) => {
            change_archived(incidents, lifecycle, (id, newer), (command, change), policy_hash, clock).await
        }
        (None, None) => Ok(None),
    }
}

/// Carries out a command on a resolved incident that the incident `newer` has followed. Only comments change it.
async fn change_archived(
    incidents: &Incidents,
    lifecycle: &IncidentLifecycle,
    (id, newer): (&IncidentId, IncidentId),
    (command, change): (IncidentCommand, StatusChange),
    policy_hash: &str,
    clock: &dyn Clock,
) -> Result<Option<ChangedIncident>, CommandError<IncidentConflict>> {
    for attempt in 1..=MAX_ATTEMPTS {
        let Some(mut record) = incidents.get(id).await? else { return Ok(None) };
        if command == IncidentCommand::Reopen {
            return Err(CommandError::Conflict(IncidentConflict::NewerIncident { newer }));
        }
        let command = age_policy::change_incident(&mut record.incident, command, change.clone());
        let has_changed = command.map_err(CommandError::Conflict)?;
        let Some(last_change) = record.incident.last_change.as_mut().filter(|_| has_changed) else {
            return Ok(Some(ChangedIncident { record, has_changed }));
        };
        last_change.policy_hash = Some(policy_hash.to_owned());
        let writes = lifecycle.states().archived_change(id, last_change)?;
        if let TransactionResult::Committed = lifecycle.states().commit(writes).await? {
            return Ok(Some(ChangedIncident { record, has_changed }));
        }
        wait_before_retry(attempt, clock).await;
    }
    Err(lifecycle.states().contended(MAX_ATTEMPTS).into())
}
