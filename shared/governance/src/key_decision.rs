//! The decision about one incident key as its transaction writes it.

use age_model::{FiringAlertsChange, IncidentState, KeyRecord, StoreError, Timestamp};
use age_policy::KeyChange;
use age_store::{EventCounting, IncidentStateRecord, Write};

use crate::action_lifecycle::ActionLifecycle;
use crate::incident_lifecycle::NextState;

/// A decision about an incident key, and the row that it was made on.
#[derive(Debug, Clone)]
pub(crate) struct KeyDecision {
    /// The row must not have changed when the decision is written.
    pub(crate) before: IncidentStateRecord,
    /// The decision, on the heap: futures hold several of them.
    pub(crate) decision: Box<age_policy::KeyDecision>,
}

impl KeyDecision {
    /// Begins with the state `before`. `state` is the same with the workers' outcomes of its remediations.
    pub(crate) fn new(before: IncidentStateRecord, state: IncidentState) -> Self {
        let decision = Box::new(age_policy::KeyDecision::new(KeyRecord::from(&before), state));
        Self { before, decision }
    }

    /// Begins with the state `before` of a key without remediations, such as that of a gathering incident.
    pub(crate) fn without_remediations(before: IncidentStateRecord) -> Self {
        let state = before.state.clone();
        Self::new(before, state)
    }

    /// Returns the writes of the decision about `key`, made at `now` by the policy version `policy_hash`, except for the counters of
    /// ineffective remediations, see [`ActionLifecycle::count_ineffective`]. The first of them writes the row of the state, or a shard.
    pub(crate) fn writes(
        &self,
        key: &age_model::IncidentKey,
        lifecycle: &ActionLifecycle,
        (policy_hash, now): (&str, Timestamp),
        KeyShard { shard, is_contended }: KeyShard,
    ) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::new();
        if let Some(change) = self.decision.change(now) {
            let incidents = lifecycle.incidents();
            let counted = only_counted(&change);
            let count_in = |(counted, shard)| incidents.states().count_in_shard(key, &self.before, counted, shard);
            if let Some(write) = counted.zip(shard).map(count_in).transpose()?.flatten() {
                writes.push(write);
            } else {
                let counting = counted.filter(|_| is_contended).map(|_| EventCounting::InShards);
                let next = NextState { counting, ..next_state(&change) };
                writes.extend(incidents.writes(key, &self.before, &next, policy_hash, now)?);
                writes.extend(incidents.notify_admin_write(&self.before, self.decision.state(), now)?);
            }
        }
        writes.extend(lifecycle.ineffective(self.decision.ineffective(), now)?);
        Ok(writes)
    }

    /// Returns the record of the key after the [`writes`](Self::writes) with the same arguments were committed.
    pub(crate) fn record_after(
        &self,
        lifecycle: &ActionLifecycle,
        policy_hash: &str,
        now: Timestamp,
    ) -> Result<IncidentStateRecord, StoreError> {
        match self.decision.change(now) {
            Some(change) => lifecycle.incidents().record_after(&self.before, &next_state(&change), policy_hash, now),
            None => Ok(self.before.clone()),
        }
    }
}

/// How the events of an incident key are counted if a decision changes nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyShard {
    /// The shard of this environment, if events are counted in shards.
    pub(crate) shard: Option<u32>,
    /// Whether writers have met in the row of the key's state.
    pub(crate) is_contended: bool,
}

/// Returns the events that `change` counts, if it does nothing else.
///
/// INVARIANT: alerts are counted in the row of the state, and at least one event that is none before others are counted in shards. So
/// reports of the end of alerts alone never resolve an incident that has shards, and need not read these.
fn only_counted(change: &KeyChange) -> Option<(u64, Timestamp)> {
    let is_only = change.state.is_none()
        && change.resolved_events == 0
        && matches!(change.firing_alerts, FiringAlertsChange::Keep);
    change.counted.filter(|_| is_only)
}

fn next_state(change: &KeyChange) -> NextState<'_> {
    let KeyChange { state, counted, resolved_events, firing_alerts, heard_at } = change;
    NextState {
        state: state.as_ref(),
        counted: *counted,
        resolved_events: *resolved_events,
        firing_alerts: *firing_alerts,
        heard_at: *heard_at,
        ..NextState::default()
    }
}
