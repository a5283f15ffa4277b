//! Taking an incident, and ending it, as a person does.

use age_model::{Clock, Incident, IncidentStatus, IncidentStatusConflict, StatusChange};
use thiserror::Error;

use crate::{Change, IncidentRecord, Life, StoreError};

/// Why an incident was not marked.
#[derive(Debug, Error)]
pub enum NotMarked {
    /// Somebody else was first, or it is over.
    #[error(transparent)]
    Taken(#[from] IncidentStatusConflict),
    /// It was not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Life {
    /// Brings `known` to `status`, as `mark` has it; `apply` is how. Who says the same again is answered with what is.
    ///
    /// # Errors
    /// [`NotMarked`].
    pub async fn mark(
        &self,
        record: IncidentRecord,
        status: IncidentStatus,
        mark: StatusChange,
        apply: impl Fn(&mut Incident, StatusChange) -> Result<(), IncidentStatusConflict>,
        clock: &dyn Clock,
    ) -> Result<IncidentRecord, NotMarked> {
        let said = |incident: &Incident| {
            let earlier = if status == IncidentStatus::Resolved { &incident.resolved } else { &incident.acknowledged };
            incident.status == status && earlier.as_ref().is_some_and(|earlier| earlier.by == mark.by)
        };
        if said(&record.incident) {
            return Ok(record);
        }
        let changed = self.change(&record.id.key, clock, |current| {
            let mut state = current.state.clone();
            let is_it = |incident: &&mut Incident| incident.opened_at == record.id.opened_at;
            let Some(incident) = state.incident.as_mut().filter(is_it) else { return Ok(None) };
            apply(incident, mark.clone())?;
            Ok::<_, NotMarked>(Some(Change { state, notification: None, at: mark.at }))
        });
        let stored = changed.await?.and_then(|current| Some((current.state.incident?, current.counters)));
        // A later incident of its kind has followed: this one is over.
        let (incident, counters) =
            stored.ok_or(IncidentStatusConflict { status: IncidentStatus::Resolved, by: None })?;
        Ok(IncidentRecord { id: record.id, incident, counters })
    }
}
