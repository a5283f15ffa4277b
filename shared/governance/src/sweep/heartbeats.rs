//! Silent engines: those that have reported nothing for longer than their expected interval.

use age_model::{Engine, IncidentKey, Keyring, StoreError, Timestamp};
use age_policy::{ActivePolicy, Heartbeat, Policy, resolved_by_person};
use age_store::IncidentSummary;
use futures_util::stream::{self, StreamExt};

use super::posture::FleetReading;
use super::{CONCURRENT_STEPS, Sweep, SweepReport};
use crate::incident_lifecycle::IncidentUpdate;

impl Sweep {
    /// Opens an incident for each engine that has been silent for longer than its expected interval, and resolves those of
    /// engines that report again or need not. An engine that has never reported is expected to from the creation of its first
    /// credential on, or from `installed_at`. None for `keyring` means that the credentials cannot be read. What `fleet`
    /// shows need not be read again.
    pub(super) async fn check_heartbeats(
        &self,
        installed_at: Timestamp,
        keyring: Option<&Keyring>,
        fleet: &FleetReading,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let active = self.dispatcher.active_policy();
        // A retired engine is checked as well: an incident about its silence is resolved.
        let engines = active.supervised();
        let checks =
            stream::iter(engines).map(|engine| self.check_heartbeat(&active, engine, installed_at, keyring, fleet));
        let checks = checks.buffer_unordered(CONCURRENT_STEPS).collect::<Vec<_>>().await;
        let failed: Vec<StoreError> = checks.into_iter().filter_map(Result::err).collect();
        report.failed += failed.len() as u64;
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    async fn check_heartbeat(
        &self,
        active: &ActivePolicy,
        engine: Engine,
        installed_at: Timestamp,
        keyring: Option<&Keyring>,
        fleet: &FleetReading,
    ) -> Result<(), StoreError> {
        let (policy, now) = (&active.policy, self.now());
        let heartbeat = self.heartbeat(policy, engine, installed_at, keyring, fleet).await?;
        let Some(heartbeat) = heartbeat else { return Ok(()) };
        let is_silence = |it: &IncidentSummary| it.id.key.engine == engine && it.is_engine_silent();
        let is_unresolved = fleet.unresolved().map_or(true, |unresolved| unresolved.iter().any(is_silence));
        if heartbeat != Heartbeat::Silent && !is_unresolved {
            return Ok(());
        }
        let incidents = self.dispatcher.lifecycle().incidents();
        let key = IncidentKey::engine_silent(engine);
        let is_silent = heartbeat == Heartbeat::Silent;
        // A person may have resolved this silence. The next one begins after the engine has reported.
        if is_silent
            && let Some(resolved_at) = resolved_by_person(&incidents.states().get(&key).await?.state)
            && !self.has_reported(engine, resolved_at).await?
        {
            return Ok(());
        }
        let changed = incidents.change(&key, &active.hash, self.clock.as_ref(), |record| {
            let state = policy.incidents.check_silence(&record.state, heartbeat, now);
            Ok::<_, StoreError>(state.map(|state| IncidentUpdate { state, notification: None, at: now }))
        });
        if changed.await?.is_some() {
            let becomes = match heartbeat {
                Heartbeat::Silent => "is silent",
                Heartbeat::NotExpected => "is not expected to report any more",
                Heartbeat::Reporting => "reports again",
            };
            tracing::warn!(%engine, silent = is_silent, "engine {engine} {becomes}");
        }
        Ok(())
    }

    /// Returns None if the credentials, which would tell, cannot be read.
    async fn heartbeat(
        &self,
        policy: &Policy,
        engine: Engine,
        installed_at: Timestamp,
        keyring: Option<&Keyring>,
        fleet: &FleetReading,
    ) -> Result<Option<Heartbeat>, StoreError> {
        let Some(since) = policy.must_have_reported_since(engine, installed_at, self.now()) else {
            return Ok(Some(Heartbeat::NotExpected));
        };
        let known = fleet.last_heard_at(engine).filter(|at| *at >= since);
        let last_heard_at = match known {
            Some(at) => Some(at),
            // The engine may have reported since.
            None => self.last_heard_at(engine, since).await?,
        };
        if last_heard_at.is_none() && keyring.is_none() {
            return Ok(None);
        }
        let in_use_since = keyring.and_then(|keyring| keyring.in_use_since(engine, policy.engines.len()));
        Ok(Some(Heartbeat::of(since, last_heard_at, in_use_since)))
    }

    /// Whether `engine` has given a sign of life since `since`: an event, or a repeat of one.
    async fn has_reported(&self, engine: Engine, since: Timestamp) -> Result<bool, StoreError> {
        Ok(self.last_heard_at(engine, since).await?.is_some_and(|last| last >= since))
    }

    async fn last_heard_at(&self, engine: Engine, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.dispatcher.lifecycle().rollups().last_heard_at(engine, since).await
    }
}
