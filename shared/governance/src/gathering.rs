//! The incidents in which engines with too many open incidents gather what would open more: when that is, and where.

use age_model::{Clock, Engine, IncidentKey, IncidentState, StoreError};
use age_policy::IncidentRules;
use age_store::IncidentStateRecord;

use crate::incident_lifecycle::IncidentLifecycle;

impl IncidentLifecycle {
    /// Returns the state of the gathering key of `engine`. None if this version cannot read it: then nothing is gathered, and a
    /// person is told.
    pub(crate) async fn gathering(
        &self,
        engine: Engine,
        clock: &dyn Clock,
    ) -> Result<Option<IncidentStateRecord>, StoreError> {
        match self.states().get(&IncidentKey::many_event_types(engine)).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(%error, %engine, "nothing of engine {engine} is gathered, because the state of its gathering incident cannot be read: {error}");
                self.report_unreadable(&error, clock).await;
                Ok(None)
            }
            record => record.map(Some),
        }
    }

    /// Returns the state of the gathering key, if its incident gathers what happens about `key`, whose state is `state`.
    pub(crate) async fn gathered_in(
        &self,
        key: &IncidentKey,
        state: &IncidentState,
        clock: &dyn Clock,
    ) -> Result<Option<IncidentStateRecord>, StoreError> {
        if state.open_incident().is_some() || state.gathered_at.is_none() {
            return Ok(None);
        }
        let record = self.gathering(key.engine, clock).await?;
        Ok(record.filter(|record| is_gathered(state, &record.state)))
    }

    /// Returns the state of the gathering key, if the incident that `key` would open belongs there: the key, whose state is `state`, is
    /// gathered already, or its engine has too many open incidents.
    pub(crate) async fn gathering_for_opening(
        &self,
        key: &IncidentKey,
        state: &IncidentState,
        rules: &IncidentRules,
        clock: &dyn Clock,
    ) -> Result<Option<IncidentStateRecord>, StoreError> {
        if state.open_incident().is_some() {
            return Ok(None);
        }
        if let Some(record) = self.gathered_in(key, state, clock).await? {
            return Ok(Some(record));
        }
        if self.room(key.engine, rules, clock.now()).await? > 0 {
            Ok(None)
        } else {
            self.gathering(key.engine, clock).await
        }
    }
}

/// Whether the open incident of `gathering` gathers what happens about the key of `state`.
pub(crate) fn is_gathered(state: &IncidentState, gathering: &IncidentState) -> bool {
    let opened_at = gathering.open_incident().map(|incident| incident.opened_at);
    state.open_incident().is_none() && state.gathered_at.is_some() && state.gathered_at == opened_at
}
