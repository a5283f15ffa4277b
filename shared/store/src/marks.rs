//! Taking an incident, and ending it, as a person does.

use model::{AlreadyTaken, Clock, Incident, IncidentStatus, Mark};
use thiserror::Error;

use crate::{Change, Known, Life, StoreError};

/// Why an incident was not marked.
#[derive(Debug, Error)]
pub enum NotMarked {
    /// Somebody else was first, or it is over.
    #[error(transparent)]
    Taken(#[from] AlreadyTaken),
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
        known: Known,
        status: IncidentStatus,
        mark: Mark,
        apply: impl Fn(&mut Incident, Mark) -> Result<(), AlreadyTaken>,
        clock: &dyn Clock,
    ) -> Result<Known, NotMarked> {
        let said = |incident: &Incident| {
            let earlier = if status == IncidentStatus::Resolved { &incident.resolved } else { &incident.acknowledged };
            incident.status == status && earlier.as_ref().is_some_and(|earlier| earlier.by == mark.by)
        };
        if said(&known.incident) {
            return Ok(known);
        }
        let changed = self.change(&known.id.kind, clock, |kept| {
            let mut watch = kept.watch.clone();
            let is_it = |incident: &&mut Incident| incident.opened_at == known.id.opened_at;
            let Some(incident) = watch.incident.as_mut().filter(is_it) else { return Ok(None) };
            apply(incident, mark.clone())?;
            Ok::<_, NotMarked>(Some(Change { watch, notice: None, at: mark.at }))
        });
        let stored = changed.await?.and_then(|kept| Some((kept.watch.incident?, kept.tally)));
        // A later incident of its kind has followed: this one is over.
        let (incident, tally) = stored.ok_or(AlreadyTaken { status: IncidentStatus::Resolved, by: None })?;
        Ok(Known { id: known.id, incident, tally })
    }
}
