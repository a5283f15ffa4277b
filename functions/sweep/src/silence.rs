//! Engines from which nothing is heard.

use age_model::{Engine, Incident, IncidentCause, IncidentKey, StatusChange, Timestamp};
use age_store::{Change, EventFilter, IncidentStateRecord, StoreError};
use futures_util::future::join_all;

use crate::{Sweep, Swept};

impl Sweep {
    /// Opens an incident for each engine that has been silent for longer than its cadence, and ends those of engines that
    /// report again. An engine that has never reported is silent since `installed_at`.
    pub(crate) async fn silence(&self, installed_at: Timestamp, swept: &mut Swept) -> Result<(), StoreError> {
        let looks = join_all(Engine::ALL.iter().map(|engine| self.listen(*engine, installed_at))).await;
        let failed: Vec<StoreError> = looks.into_iter().filter_map(Result::err).collect();
        swept.failed += failed.len() as u64;
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    async fn listen(&self, engine: Engine, installed_at: Timestamp) -> Result<(), StoreError> {
        let (now, policy) = (self.now(), self.dispatcher.policy());
        let cadence = policy.engines.get(&engine).map_or(0, |rules| rules.expected_interval_seconds);
        let since = now.plus_seconds(-cadence);
        let may_be_silent = cadence == 0 || installed_at >= since;
        let is_heard = may_be_silent || self.has_reported(engine, since).await?;
        let (life, clock) = (self.dispatcher.life(), self.clock.as_ref());
        let incident_key = IncidentKey::silence_of(engine);
        if !is_heard && let Some(ended_at) = ended_by_a_person(&life.watches().get(&incident_key).await?) {
            // They know of this silence. The next one begins when the engine has spoken.
            if !self.has_reported(engine, ended_at).await? {
                return Ok(());
            }
        }
        let changed = life.change(&incident_key, clock, |record| {
            let mut state = record.state.clone();
            let silent = |incident: &&mut Incident| incident.cause == IncidentCause::EngineSilent;
            let is_new = match state.open_incident_mut().filter(silent) {
                Some(incident) => {
                    is_heard && age_scoring::resolve(incident, StatusChange { at: now, by: None, note: None }).is_ok()
                }
                None => !is_heard && policy.incidents.open_silence(&mut state, now),
            };
            Ok::<_, StoreError>(is_new.then_some(Change { state, notification: None, at: now }))
        });
        if changed.await?.is_some() {
            tracing::warn!(%engine, silent = !is_heard, "silence");
        }
        Ok(())
    }

    async fn has_reported(&self, engine: Engine, since: Timestamp) -> Result<bool, StoreError> {
        let filter = EventFilter { engine: Some(engine), from: Some(since), ..EventFilter::default() };
        let page = self.listing.page(&filter, 1, None, self.clock.as_ref()).await?;
        Ok(!page.events.is_empty())
    }
}

/// When somebody ended the latest silence, if that was no engine's report.
fn ended_by_a_person(record: &IncidentStateRecord) -> Option<Timestamp> {
    let mark = record.state.incident.as_ref()?.resolved.as_ref()?;
    mark.by.as_ref().map(|_| mark.at)
}
