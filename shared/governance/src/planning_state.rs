//! The state of an incident key as a plan needs it: with the outcomes of its remediations.

use std::mem;

use age_model::{ActionStatus, IncidentKey, IncidentState, Remediation, StoreError};
use age_store::IncidentStateRecord;
use futures_util::future::try_join_all;

use crate::action_lifecycle::ActionLifecycle;

impl ActionLifecycle {
    /// Returns the state of `key` as it is stored, and as a plan is made from it. A plan does not need the events in shards.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if this version cannot read the state or one of its actions; another [`StoreError`] if the tables
    /// cannot be read.
    pub(crate) async fn state_for(
        &self,
        key: &IncidentKey,
    ) -> Result<(IncidentStateRecord, IncidentState), StoreError> {
        let before = self.incidents().states().get_without_shards(key).await?;
        let state = self.with_outcomes(before.state.clone()).await?;
        Ok((before, state))
    }

    /// Adds the workers' outcomes to the remediations of `state`, and removes those that have ended since it was read: a plan
    /// that relies on one of those writes the state, finds it changed, and is made again.
    async fn with_outcomes(&self, mut state: IncidentState) -> Result<IncidentState, StoreError> {
        let actions = self.actions();
        let stored = state.remediations.iter().map(|remediation| actions.get(remediation.event_id, remediation.action));
        let stored = try_join_all(stored).await?;
        let remediations = mem::take(&mut state.remediations).into_iter().zip(stored);
        state.remediations = remediations
            .filter_map(|(remediation, item)| {
                let item = item.filter(|item| !item.has_ended())?;
                let has_succeeded = item.status == ActionStatus::Succeeded;
                Some(Remediation { succeeded_at: item.completed_at.filter(|_| has_succeeded), ..remediation })
            })
            .collect();
        Ok(state)
    }
}
