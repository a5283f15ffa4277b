//! Recording repeats. A repeat of an event is a sign of life: its engine is not silent, and its problem lasts, so remediations that
//! have succeeded were ineffective.

use age_model::{Clock, Engine, Event, IncidentKey, StoreError};
use age_policy::ActivePolicy;
use age_store::{TransactionResult, wait_before_retry};

use crate::event_writer::EventWriter;
use crate::incident_lifecycle::MAX_ATTEMPTS;
use crate::key_decision::{KeyDecision, KeyShard};

impl EventWriter {
    /// Records that `engine` was heard, at most once a minute.
    pub(crate) async fn record_engine_heard(&self, engine: Engine, clock: &dyn Clock) -> Result<(), StoreError> {
        let now = clock.now();
        if !self.heard.is_due(engine, now) {
            return Ok(());
        }
        for shard in self.shards.choose(std::iter::once((engine, now.day()))).into_values() {
            self.lifecycle.rollups().record_heard(engine, shard, now).await?;
        }
        self.heard.note(engine, now);
        Ok(())
    }

    /// Records that the problem of `event` was heard again. Returns its incident key if people may have to be notified of a
    /// remediation that was ineffective.
    pub(crate) async fn record_problem_heard(
        &self,
        event: &Event,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<Option<IncidentKey>, StoreError> {
        let policy = &active.policy;
        let (key, incidents) = (IncidentKey::of(&event.reported), self.lifecycle.incidents());
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                wait_before_retry(attempt, clock).await;
            }
            let now = clock.now();
            if !policy.is_sign_of_life(event, now) {
                return Ok(None);
            }
            let (key, before) = self.lifecycle.begin_decision(key.clone()).await?;
            let mut decision = before.clone();
            let mut is_heard = decision.decision.add_repeat(policy, event, now, None);
            // A remediation that was ineffective may open an incident, and a key may be gathered already.
            let gathering = if !is_heard {
                None
            } else if decision.decision.opens() {
                incidents.gathering_for_opening(&key, before.decision.state(), &policy.incidents, clock).await?
            } else {
                incidents.gathered_in(&key, before.decision.state(), clock).await?
            };
            let mut gathering = gathering.map(KeyDecision::without_remediations);
            if gathering.is_some() {
                decision = before;
                is_heard =
                    decision.decision.add_repeat(policy, event, now, gathering.as_mut().map(|it| it.decision.as_mut()));
            }
            if !is_heard {
                return Ok(None);
            }
            if decision.decision.opens()
                && let Some(incident) = decision.decision.open_incident_mut()
            {
                incidents.set_lookalikes(&key, incident, std::iter::empty());
            }
            let mut writes = decision.writes(&key, &self.lifecycle, (&active.hash, now), KeyShard::default())?;
            let ineffective = decision.decision.ineffective().iter().map(|remediation| (key.engine, remediation));
            writes.extend(self.lifecycle.count_ineffective(ineffective, now)?);
            if let Some(gathering) = gathering {
                let key = IncidentKey::many_event_types(key.engine);
                writes.extend(gathering.writes(&key, &self.lifecycle, (&active.hash, now), KeyShard::default())?);
            }
            if let TransactionResult::Committed = self.events.commit(writes).await? {
                return Ok(decision.decision.has_opened().then_some(key));
            }
        }
        Err(self.events.contended(MAX_ATTEMPTS))
    }
}
