//! Silent engines: those that have reported nothing for longer than their expected interval.

use age_model::{Engine, Incident, IncidentCause, IncidentKey, StatusChange, StoreError, Timestamp};
use age_store::{EventFilter, IncidentStateRecord};
use futures_util::future::join_all;

use super::{Sweep, SweepReport};
use crate::incident_lifecycle::IncidentUpdate;

impl Sweep {
    /// Opens an incident for each engine that has been silent for longer than its expected interval, and resolves those of
    /// engines that report again. An engine that has never reported is silent since `installed_at`.
    pub(super) async fn check_heartbeats(
        &self,
        installed_at: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let checks = join_all(Engine::ALL.iter().map(|engine| self.check_heartbeat(*engine, installed_at))).await;
        let failed: Vec<StoreError> = checks.into_iter().filter_map(Result::err).collect();
        report.failed += failed.len() as u64;
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    async fn check_heartbeat(&self, engine: Engine, installed_at: Timestamp) -> Result<(), StoreError> {
        let (now, policy) = (self.now(), self.dispatcher.policy());
        let interval = policy.engines.get(&engine).map_or(0, |rules| rules.expected_interval_seconds);
        let since = now.plus_seconds(-interval);
        let is_exempt = interval == 0 || installed_at >= since;
        let is_reporting = is_exempt || self.has_reported(engine, since).await?;
        let incidents = self.dispatcher.lifecycle().incidents();
        let key = IncidentKey::engine_silent(engine);
        if !is_reporting && let Some(resolved_at) = resolved_by_person(&incidents.states().get(&key).await?) {
            // This silence is known. The next one begins after the engine has reported.
            if !self.has_reported(engine, resolved_at).await? {
                return Ok(());
            }
        }
        let changed = incidents.change(&key, self.clock.as_ref(), |record| {
            let mut state = record.state.clone();
            let is_silence = |incident: &&mut Incident| incident.cause == IncidentCause::EngineSilent;
            let has_changed = match state.open_incident_mut().filter(is_silence) {
                Some(incident) => {
                    is_reporting
                        && age_policy::resolve(incident, StatusChange { at: now, by: None, note: None }).is_ok()
                }
                None => !is_reporting && policy.incidents.open_engine_silent(&mut state, now),
            };
            Ok::<_, StoreError>(has_changed.then_some(IncidentUpdate { state, notification: None, at: now }))
        });
        if changed.await?.is_some() {
            let becomes = if is_reporting { "reports again" } else { "is silent" };
            tracing::warn!(%engine, silent = !is_reporting, "engine {engine} {becomes}");
        }
        Ok(())
    }

    async fn has_reported(&self, engine: Engine, since: Timestamp) -> Result<bool, StoreError> {
        let filter = EventFilter { engine: Some(engine), from: Some(since), ..EventFilter::default() };
        let page = self.search.page(&filter, 1, None, self.clock.as_ref()).await?;
        Ok(!page.events.is_empty() || !page.unreadable.is_empty())
    }
}

/// Returns when a person resolved the latest silence, if a person did.
fn resolved_by_person(record: &IncidentStateRecord) -> Option<Timestamp> {
    let change = record.state.incident.as_ref()?.resolved.as_ref()?;
    change.by.as_ref().map(|_| change.at)
}
