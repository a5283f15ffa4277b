//! The incidents in which engines with too many open incidents gather what would open more: when that is, and where.

use age_model::{Clock, Engine, Incident, IncidentKey, IncidentState, StoreError, Timestamp};
use age_policy::{IncidentRules, is_gathered, skeleton};
use age_store::IncidentStateRecord;

use crate::incident_lifecycle::IncidentLifecycle;

/// The most lookalikes of an event type that are named.
const MAX_LOOKALIKES: usize = 3;

impl IncidentLifecycle {
    /// Returns how many more incidents `engine` may open. The number is up to 10 seconds old, so that an event that opens an incident
    /// writes no row that all others of its engine write.
    pub(crate) async fn room(&self, engine: Engine, rules: &IncidentRules, now: Timestamp) -> Result<u64, StoreError> {
        if let Some(room) = self.open_incidents().room(engine, rules, now) {
            return Ok(room);
        }
        let types = self.states().unresolved_types(engine, rules.max_open_per_engine).await?;
        Ok(self.open_incidents().set(engine, types, rules, now))
    }

    /// Adds to `incident`, which `key` opens, the event types of its engine that look like its own: of open incidents, and those of
    /// `others`, which open incidents at the same time.
    pub(crate) fn set_lookalikes<'a>(
        &self,
        key: &IncidentKey,
        incident: &mut Incident,
        others: impl Iterator<Item = &'a IncidentKey>,
    ) {
        let own = skeleton(key.event_type.as_str());
        let mut types = self.open_incidents().with_skeleton(key.engine, &own);
        let is_like = |other: &&IncidentKey| other.engine == key.engine && skeleton(other.event_type.as_str()) == own;
        types.extend(others.filter(is_like).map(|other| other.event_type.clone()));
        types.retain(|event_type| *event_type != key.event_type);
        types.sort();
        types.dedup();
        types.truncate(MAX_LOOKALIKES);
        incident.looks_like = types;
    }

    /// Returns the state of the gathering key of `engine`. None if this version cannot read it: then nothing is gathered, and a
    /// person is told.
    pub(crate) async fn gathering(
        &self,
        engine: Engine,
        clock: &dyn Clock,
    ) -> Result<Option<IncidentStateRecord>, StoreError> {
        match self.states().get_without_shards(&IncidentKey::many_event_types(engine)).await {
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
