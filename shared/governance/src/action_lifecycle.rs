//! Transitions of actions: the status, its counters, and the state of the incident key, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use age_model::{
    ActionItem, ActionStatus, Clock, Day, Engine, IncidentKey, IncidentState, InvalidTransition, Remediation,
    StoreError, Timestamp,
};
use age_policy::ActivePolicy;
use age_store::{
    Actions, IncidentStateRecord, OutcomeCounters, Rollups, ShardedCounters, TransactionResult, Write,
    wait_before_retry,
};

use crate::incident_lifecycle::{IncidentLifecycle, MAX_ATTEMPTS, NextState};
use crate::rollup_shards::ShardChooser;

/// Changes actions. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct ActionLifecycle {
    actions: Actions,
    incidents: IncidentLifecycle,
    outcome_shards: Arc<ShardChooser>,
}

/// The index of the write that counts an outcome in the transaction of its action.
const OUTCOME_WRITE: usize = 1;

impl ActionLifecycle {
    /// Writes to these tables.
    #[must_use]
    pub fn new(actions: Actions, incidents: IncidentLifecycle, rollups: Rollups) -> Self {
        let outcome_shards = Arc::new(ShardChooser::new(rollups, ShardedCounters::Outcomes));
        Self { actions, incidents, outcome_shards }
    }

    /// The actions.
    #[must_use]
    pub const fn actions(&self) -> &Actions {
        &self.actions
    }

    /// The states of incident keys, which change together with actions.
    #[must_use]
    pub const fn incidents(&self) -> &IncidentLifecycle {
        &self.incidents
    }

    /// The counters of outcomes.
    #[must_use]
    pub fn rollups(&self) -> &Rollups {
        self.outcome_shards.rollups()
    }

    /// Replaces `old` by `new` if the action is still `old`. Returns false, and nothing changes, if it is not. A status that is a
    /// failure is recorded in an incident by the policy `active`.
    ///
    /// # Errors
    /// [`StoreError::InvalidTransition`] if the status does not permit it; another [`StoreError`] if it was not written.
    pub async fn advance(
        &self,
        old: &ActionItem,
        new: &ActionItem,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<bool, StoreError> {
        let now = clock.now();
        if !is_counted(old, new) {
            // A write whose response was lost finds its own result when the SDK sends it again.
            return Ok(self.actions.replace(old, new, now).await? || self.is_current(new).await?);
        }
        // The state has all remediations that may still take effect, completed or not: only their end concerns it.
        let concerns_state = new.status.is_final();
        let key = new.incident_key();
        let at = new.completed_at.unwrap_or(now);
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                wait_before_retry(attempt, clock).await;
            }
            let mut writes = vec![self.actions.replacement_write(old, new, now)?, self.count_outcome(old, new)?];
            let before = if concerns_state { self.state_before(&key, new, clock).await? } else { None };
            if let Some(before) = before {
                // INVARIANT: a remediation is not verified if its problem was heard after it had succeeded. An event that is heard then
                // proves it ineffective, which changes the row of the state: no such event is counted in a shard only.
                let is_verified = new.status == ActionStatus::Verified;
                if is_verified && old.is_disproved(before.counters.last_heard_at) {
                    return Ok(false);
                }
                let mut state = before.state.clone();
                state.version += 1;
                state.remove_remediation(new.action, new.event_id);
                if new.status.is_failure() {
                    writes.extend(self.record_failure(&key, &mut state, new, at, active, clock).await?);
                }
                let next = NextState { state: Some(&state), requires_silence: is_verified, ..NextState::default() };
                writes.extend(self.incidents.writes(&key, &before, &next, &active.hash, at)?);
            }
            match self.actions.commit(writes).await? {
                TransactionResult::Committed => return Ok(true),
                TransactionResult::Conflict(conflicts) => {
                    if conflicts.contains(&OUTCOME_WRITE) {
                        self.outcome_shards.reassign(new.engine, new.created_at.day(), clock).await;
                    }
                }
                TransactionResult::Exists(_) | TransactionResult::InProgress => {}
                // The state or the action has changed. If it is the action, nothing is left to do.
                TransactionResult::Stale => {
                    if !self.is_current(old).await? {
                        return self.is_current(new).await;
                    }
                }
            }
        }
        Err(self.incidents.states().contended(MAX_ATTEMPTS))
    }

    /// Records the failure of `item` at `at` in `state`, that of its key, or in the incident that gathers what the key would open.
    /// Returns the writes for the latter.
    async fn record_failure(
        &self,
        key: &IncidentKey,
        state: &mut IncidentState,
        item: &ActionItem,
        at: Timestamp,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<Vec<Write>, StoreError> {
        let rules = &active.policy.incidents;
        let Some(before) = self.incidents.gathering_for_opening(key, state, rules, clock).await? else {
            let opens = state.open_incident().is_none();
            rules.record_failure(state, item, at);
            if let Some(incident) = state.open_incident_mut().filter(|_| opens) {
                self.incidents.set_lookalikes(key, incident, std::iter::empty());
            }
            return Ok(Vec::new());
        };
        let mut gathering = before.state.clone();
        gathering.version += 1;
        let ((), events) = age_policy::gather(state, &mut gathering, |merged| rules.record_failure(merged, item, at));
        let counted = (events > 0).then_some((events, at));
        let next = NextState { state: Some(&gathering), counted, ..NextState::default() };
        self.incidents.writes(&IncidentKey::many_event_types(key.engine), &before, &next, &active.hash, at)
    }

    /// Returns the state of `key`, which the end of an action changes. None if this version cannot read it: the action ends all
    /// the same, and a person is told.
    async fn state_before(
        &self,
        key: &IncidentKey,
        new: &ActionItem,
        clock: &dyn Clock,
    ) -> Result<Option<IncidentStateRecord>, StoreError> {
        match self.incidents.states().get_without_shards(key).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                let ActionItem { action, event_id, status, .. } = new;
                tracing::error!(%error, event.id = %event_id, action.id = %action, "{action} for event {event_id} is {status}, and its incident state cannot be read: {error}");
                self.incidents.report_unreadable(&error, clock).await;
                Ok(None)
            }
            state => state.map(Some),
        }
    }

    /// Brings `item` to the status `to`, however it changes meanwhile; `next` returns the action at that status.
    ///
    /// # Errors
    /// [`StoreError::InvalidTransition`] if the status no longer permits it; another [`StoreError`] if it was not written.
    pub async fn transition(
        &self,
        mut item: ActionItem,
        to: ActionStatus,
        active: &ActivePolicy,
        clock: &dyn Clock,
        next: impl Fn(&ActionItem) -> ActionItem,
    ) -> Result<ActionItem, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            item.status.transition_to(to)?;
            let new = next(&item);
            if self.advance(&item, &new, active, clock).await? {
                return Ok(new);
            }
            let stored = self.actions.get(item.event_id, item.action).await?;
            item = stored.ok_or(InvalidTransition { from: item.status, to })?;
        }
        Err(self.incidents.states().contended(MAX_ATTEMPTS))
    }

    /// The writes that mark succeeded `remediations` as ineffective at `at`.
    pub(crate) fn ineffective(&self, remediations: &[Remediation], at: Timestamp) -> Result<Vec<Write>, StoreError> {
        let write = |it: &Remediation| self.actions.ineffective(it.event_id, it.action, at);
        remediations.iter().map(write).collect()
    }

    /// The writes that count the remediations that one transaction marks as ineffective at `at`, each with its engine.
    ///
    /// INVARIANT: all of a transaction are counted together, because a transaction takes one write per row.
    pub(crate) fn count_ineffective<'a>(
        &self,
        remediations: impl Iterator<Item = (Engine, &'a Remediation)>,
        at: Timestamp,
    ) -> Result<Vec<Write>, StoreError> {
        let mut days: BTreeMap<(Engine, Day), i64> = BTreeMap::new();
        for (engine, remediation) in remediations {
            *days.entry((engine, remediation.since.day())).or_default() += 1;
            // The row of the day on which they were found has the time.
            days.entry((engine, at.day())).or_default();
        }
        let write = |((engine, day), number)| {
            let change = OutcomeCounters {
                to: ActionStatus::Ineffective,
                from: Some(ActionStatus::Succeeded),
                number,
                outcome_millis: None,
                ineffective_at: (day == at.day()).then_some(at),
            };
            self.count_outcomes(engine, day, change)
        };
        days.into_iter().map(write).collect()
    }

    fn count_outcome(&self, old: &ActionItem, new: &ActionItem) -> Result<Write, StoreError> {
        let took = |completed_at: Timestamp| completed_at.millis().saturating_sub(new.created_at.millis()).max(0);
        let has_outcome = matches!(new.status, ActionStatus::Succeeded | ActionStatus::Failed);
        let change = OutcomeCounters {
            to: new.status,
            from: (old.status == ActionStatus::Succeeded).then_some(old.status),
            number: 1,
            outcome_millis: new.completed_at.filter(|_| has_outcome).map(took),
            ineffective_at: None,
        };
        self.count_outcomes(new.engine, new.created_at.day(), change)
    }

    fn count_outcomes(&self, engine: Engine, day: Day, change: OutcomeCounters) -> Result<Write, StoreError> {
        let shard = self.outcome_shards.choose(std::iter::once((engine, day))).into_values().next();
        self.rollups().count_outcomes((engine, day), shard.unwrap_or_default(), change)
    }

    async fn is_current(&self, item: &ActionItem) -> Result<bool, StoreError> {
        Ok(self.actions.get(item.event_id, item.action).await?.as_ref() == Some(item))
    }
}

/// Whether a change is one of a remediation's outcome, which is counted.
fn is_counted(old: &ActionItem, new: &ActionItem) -> bool {
    let stays_running = old.status.is_running() && new.status.is_running();
    new.action.is_remediation() && old.status != new.status && !stays_running
}
