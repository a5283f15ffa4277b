//! Silent engines: those that have reported nothing for longer than their expected interval.

use age_model::{Engine, Incident, IncidentCause, IncidentKey, Keyring, StatusChange, StoreError, Timestamp};
use age_policy::Policy;
use age_store::IncidentStateRecord;
use futures_util::stream::{self, StreamExt};

use super::{CONCURRENT_STEPS, Sweep, SweepReport};
use crate::incident_lifecycle::IncidentUpdate;

/// What the absence or presence of events says about an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heartbeat {
    /// The engine has reported within its expected interval.
    Reporting,
    /// It has not.
    Silent,
    /// Nobody expects it to report, or not yet.
    NotExpected,
    /// The credentials, which would tell, cannot be read.
    Unknown,
}

/// The note on an incident that is resolved because its engine is no longer expected to report.
const NOT_EXPECTED: &str = "The engine is not expected to report any more.";

impl Sweep {
    /// Opens an incident for each engine that has been silent for longer than its expected interval, and resolves those of
    /// engines that report again or need not. An engine that has never reported is expected to from the creation of its first
    /// credential on, or from `installed_at`. None for `keyring` means that the credentials cannot be read.
    pub(super) async fn check_heartbeats(
        &self,
        installed_at: Timestamp,
        keyring: Option<&Keyring>,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let active = self.dispatcher.active_policy();
        // A retired engine is checked as well: an incident about its silence is resolved.
        let engines = active.supervised();
        let checks: Vec<_> =
            engines.map(|engine| self.check_heartbeat(&active.policy, engine, installed_at, keyring)).collect();
        let checks = stream::iter(checks).buffer_unordered(CONCURRENT_STEPS).collect::<Vec<_>>().await;
        let failed: Vec<StoreError> = checks.into_iter().filter_map(Result::err).collect();
        report.failed += failed.len() as u64;
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    async fn check_heartbeat(
        &self,
        policy: &Policy,
        engine: Engine,
        installed_at: Timestamp,
        keyring: Option<&Keyring>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let heartbeat = self.heartbeat(policy, engine, installed_at, keyring).await?;
        let incidents = self.dispatcher.lifecycle().incidents();
        let key = IncidentKey::engine_silent(engine);
        match heartbeat {
            Heartbeat::Unknown => return Ok(()),
            // A person may have resolved this silence. The next one begins after the engine has reported.
            Heartbeat::Silent => {
                if let Some(resolved_at) = resolved_by_person(&incidents.states().get(&key).await?)
                    && !self.has_reported(engine, resolved_at).await?
                {
                    return Ok(());
                }
            }
            Heartbeat::Reporting | Heartbeat::NotExpected => {}
        }
        let is_silent = heartbeat == Heartbeat::Silent;
        let note = (heartbeat == Heartbeat::NotExpected).then(|| NOT_EXPECTED.to_owned());
        let changed = incidents.change(&key, self.clock.as_ref(), |record| {
            let mut state = record.state.clone();
            let is_silence = |incident: &&mut Incident| incident.cause == IncidentCause::EngineSilent;
            let has_changed = match state.open_incident_mut().filter(is_silence) {
                Some(incident) => {
                    let change = StatusChange { at: now, by: None, note: note.clone() };
                    !is_silent && age_policy::resolve(incident, change).is_ok()
                }
                None => is_silent && policy.incidents.open_engine_silent(&mut state, now),
            };
            Ok::<_, StoreError>(has_changed.then_some(IncidentUpdate { state, notification: None, at: now }))
        });
        if changed.await?.is_some() {
            let becomes = match heartbeat {
                Heartbeat::Silent => "is silent",
                Heartbeat::NotExpected => "is not expected to report any more",
                Heartbeat::Reporting | Heartbeat::Unknown => "reports again",
            };
            tracing::warn!(%engine, silent = is_silent, "engine {engine} {becomes}");
        }
        Ok(())
    }

    async fn heartbeat(
        &self,
        policy: &Policy,
        engine: Engine,
        installed_at: Timestamp,
        keyring: Option<&Keyring>,
    ) -> Result<Heartbeat, StoreError> {
        let interval = policy.engines.get(&engine).map_or(0, |rules| rules.expected_interval_seconds);
        let since = self.now().plus_seconds(-interval);
        if interval == 0 || installed_at >= since {
            return Ok(Heartbeat::NotExpected);
        }
        match self.last_heard_at(engine, since).await? {
            Some(last) if last >= since => return Ok(Heartbeat::Reporting),
            Some(_) => return Ok(Heartbeat::Silent),
            None => {}
        }
        let Some(keyring) = keyring else { return Ok(Heartbeat::Unknown) };
        let is_expected =
            keyring.in_use_since(engine, policy.engines.len()).is_some_and(|created_at| created_at < since);
        Ok(if is_expected { Heartbeat::Silent } else { Heartbeat::NotExpected })
    }

    /// Whether `engine` has given a sign of life since `since`: an event, or a repeat of one.
    async fn has_reported(&self, engine: Engine, since: Timestamp) -> Result<bool, StoreError> {
        Ok(self.last_heard_at(engine, since).await?.is_some_and(|last| last >= since))
    }

    async fn last_heard_at(&self, engine: Engine, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.dispatcher.lifecycle().rollups().last_heard_at(engine, since).await
    }
}

/// Returns when a person resolved the latest silence, if a person did.
fn resolved_by_person(record: &IncidentStateRecord) -> Option<Timestamp> {
    let change = record.state.incident.as_ref()?.resolved.as_ref()?;
    change.by.as_ref().map(|_| change.at)
}
