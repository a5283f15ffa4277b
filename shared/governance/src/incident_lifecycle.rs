//! Changes of the state of an incident key, each decided on the latest state and written on the condition that it is unchanged.

use std::sync::Arc;

use age_model::{
    Action, Clock, FiringAlertsChange, IncidentKey, IncidentState, IncidentStatus, Notification, NotifyAdmin,
    StoreError, SystemAlert, SystemAlertKind, Timestamp,
};
use age_store::{
    Actions, EventCounting, IncidentStateChange, IncidentStateRecord, IncidentStates, TransactionResult, Write,
    wait_before_retry,
};

use crate::open_incidents::OpenIncidents;

/// Attempts while others change the same state.
pub(crate) const MAX_ATTEMPTS: u32 = 14;

/// A decision about the state of an incident key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentUpdate {
    /// The new state. Its version is raised when it is written.
    pub state: IncidentState,
    /// The notification that was sent.
    pub notification: Option<Notification>,
    /// The time of the change.
    pub at: Timestamp,
}

/// What follows on an [`IncidentStateRecord`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NextState<'a> {
    /// The new state, if it changes.
    pub(crate) state: Option<&'a IncidentState>,
    /// How many events more the incident counts, and when the latest was accepted.
    pub(crate) counted: Option<(u64, Timestamp)>,
    /// How many events of the incident more were reported as resolved.
    pub(crate) resolved_events: u64,
    /// How the number of firing alerts changes.
    pub(crate) firing_alerts: FiringAlertsChange,
    /// When an event of the key, or a repeat of one, was heard.
    pub(crate) heard_at: Option<Timestamp>,
    /// Whether the state may only be written if nothing was heard since it was read.
    pub(crate) requires_silence: bool,
    /// The notification that was sent.
    pub(crate) notification: Option<&'a Notification>,
    /// Where further events are counted from now on, if that changes.
    pub(crate) counting: Option<EventCounting>,
}

impl NextState<'_> {
    /// Returns the new state with the policy version by which it was decided.
    fn state_by(&self, before: &IncidentStateRecord, policy_hash: &str) -> Option<IncidentState> {
        self.state.map(|state| {
            let mut state = state.clone();
            state.set_policy_hash(&before.state, policy_hash);
            state
        })
    }
}

/// Changes the states of incident keys. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct IncidentLifecycle {
    states: IncidentStates,
    actions: Actions,
    open_incidents: Arc<OpenIncidents>,
}

impl IncidentLifecycle {
    /// Writes to these tables.
    #[must_use]
    pub fn new(states: IncidentStates, actions: Actions) -> Self {
        Self { states, actions, open_incidents: Arc::default() }
    }

    /// The states.
    #[must_use]
    pub const fn states(&self) -> &IncidentStates {
        &self.states
    }

    /// The open incidents that this environment knows.
    pub(crate) fn open_incidents(&self) -> &OpenIncidents {
        &self.open_incidents
    }

    /// Raises a system alert about a row that this version cannot read, so that a person looks; `error` names the row.
    pub(crate) async fn report_unreadable(&self, error: &StoreError, clock: &dyn Clock) {
        let StoreError::Corrupt { table, key, field, .. } = error else { return };
        let detail = format!("the row {key} of {table} cannot be read by this version of AGE: its field {field}");
        let alert = SystemAlert::new(SystemAlertKind::UnreadableRow, "age", key, &detail, 1, clock.now());
        if let Err(error) = self.states.system_alerts().record(&alert).await {
            tracing::error!(%error, "cannot raise the system alert about the unreadable row {key}: {error}");
        }
    }

    /// Changes the state of `key` to what `decide` returns by the policy version `policy_hash`. `decide` is called again if the state has
    /// changed meanwhile. Returns the new record, or None if `decide` changes nothing.
    ///
    /// # Errors
    /// The error of `decide`, or [`StoreError`] if the change was not written.
    pub async fn change<E: From<StoreError>>(
        &self,
        key: &IncidentKey,
        policy_hash: &str,
        clock: &dyn Clock,
        decide: impl FnMut(&IncidentStateRecord) -> Result<Option<IncidentUpdate>, E>,
    ) -> Result<Option<IncidentStateRecord>, E> {
        self.change_from(None, key, policy_hash, clock, decide).await
    }

    /// Changes the state of `key` like [`change`](Self::change), to what `decide` returns without the counters. The first attempt relies on
    /// `known` instead of reading the state.
    pub(crate) async fn change_from<E: From<StoreError>>(
        &self,
        mut known: Option<IncidentStateRecord>,
        key: &IncidentKey,
        policy_hash: &str,
        clock: &dyn Clock,
        mut decide: impl FnMut(&IncidentStateRecord) -> Result<Option<IncidentUpdate>, E>,
    ) -> Result<Option<IncidentStateRecord>, E> {
        let (mut has_notify_admin, needs_counters) = (true, known.is_none());
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                wait_before_retry(attempt, clock).await;
            }
            let before = match known.take() {
                Some(known) => known,
                None if needs_counters => self.states.get(key).await?,
                None => self.states.get_without_shards(key).await?,
            };
            let Some(IncidentUpdate { mut state, notification, at }) = decide(&before)? else { return Ok(None) };
            state.version = before.state.version + 1;
            let next = NextState { state: Some(&state), notification: notification.as_ref(), ..NextState::default() };
            let mut writes = self.writes(key, &before, &next, policy_hash, at)?;
            if has_notify_admin {
                writes.extend(self.notify_admin_write(&before, &state, at)?);
            }
            match self.states.commit(writes).await? {
                TransactionResult::Committed => {
                    return Ok(Some(self.record_after(&before, &next, policy_hash, at)?));
                }
                TransactionResult::Stale => has_notify_admin = self.has_notify_admin(&before).await?,
                TransactionResult::Exists(_) | TransactionResult::Conflict(_) | TransactionResult::InProgress => {}
            }
        }
        Err(self.states.contended(MAX_ATTEMPTS).into())
    }

    /// The writes that bring the state of `key` from `before` to `next`, as the policy version `policy_hash` has decided.
    ///
    /// INVARIANT: an incident that is opened, and each change of one, names the policy version.
    pub(crate) fn writes(
        &self,
        key: &IncidentKey,
        before: &IncidentStateRecord,
        next: &NextState<'_>,
        policy_hash: &str,
        at: Timestamp,
    ) -> Result<Vec<Write>, StoreError> {
        let state = next.state_by(before, policy_hash);
        self.states.change(key, &change(before, &NextState { state: state.as_ref(), ..*next }, at))
    }

    /// The record of a key after the [`writes`](Self::writes) with the same arguments were committed.
    pub(crate) fn record_after(
        &self,
        before: &IncidentStateRecord,
        next: &NextState<'_>,
        policy_hash: &str,
        at: Timestamp,
    ) -> Result<IncidentStateRecord, StoreError> {
        let state = next.state_by(before, policy_hash);
        self.states.record_after(&change(before, &NextState { state: state.as_ref(), ..*next }, at))
    }

    /// The write that gives the `notify_admin` of an incident the status that the incident has for it, if that changes.
    pub(crate) fn notify_admin_write(
        &self,
        before: &IncidentStateRecord,
        next: &IncidentState,
        at: Timestamp,
    ) -> Result<Option<Write>, StoreError> {
        let (Some(old), Some(new)) = (notify_admin(&before.state), notify_admin(next)) else { return Ok(None) };
        let has_changed = old.event_id == new.event_id && old.status != new.status;
        has_changed.then(|| self.actions.notification_status(old.event_id, old.status, new.status, at)).transpose()
    }

    /// Whether the action of the incident's `notify_admin` is as the incident has it. It is not if its row has expired, or if a
    /// later version has changed it: then the incident changes without it.
    async fn has_notify_admin(&self, before: &IncidentStateRecord) -> Result<bool, StoreError> {
        let Some(NotifyAdmin { event_id, status }) = notify_admin(&before.state) else { return Ok(true) };
        match self.actions.get(event_id, Action::NotifyAdmin).await {
            Ok(item) => Ok(item.is_some_and(|item| item.status == status)),
            Err(StoreError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn notify_admin(state: &IncidentState) -> Option<NotifyAdmin> {
    state.incident.as_ref().and_then(|incident| incident.notify_admin)
}

/// Decides what a new state means for the counters, the archive and the timeline, and on which condition it may be written.
///
/// INVARIANT: whoever changes the status of an incident, its timeline has the change, by the same transaction.
fn change<'a>(before: &'a IncidentStateRecord, next: &NextState<'a>, at: Timestamp) -> IncidentStateChange<'a> {
    let old = before.state.incident.as_ref();
    let new = next.state.unwrap_or(&before.state).incident.as_ref();
    let is_new_incident = old.map(|old| old.opened_at) != new.map(|new| new.opened_at);
    let counters = age_policy::counter_change(old, new, next.counted);
    let firing_alerts = age_policy::firing_alerts_change(old, new, next.firing_alerts, at);
    // INVARIANT: an incident is neither resolved nor postponed while an event is counted that nobody has looked at.
    let is_decided_by_counters = new.filter(|_| next.state.is_some()).is_some_and(|new| {
        let is_postponed = old.is_some_and(|old| old.due_at < new.due_at) && next.notification.is_none();
        new.status == IncidentStatus::Resolved || (is_postponed && new.lease_expires_at.is_none())
    });
    let is_report_of_end = next.resolved_events > 0 || matches!(next.firing_alerts, FiringAlertsChange::End(_));
    IncidentStateChange {
        before,
        state: next.state,
        counters,
        resolved_events: next.resolved_events,
        firing_alerts,
        heard_at: next.heard_at,
        requires_counters: is_decided_by_counters || is_report_of_end || next.requires_silence,
        archived: old.filter(|_| is_new_incident),
        notification: next.notification,
        counting: next.counting,
        incident_change: new.and_then(|new| new.last_change.as_ref()).filter(|change| {
            let last_change = old.filter(|_| !is_new_incident).and_then(|old| old.last_change.as_ref());
            last_change.map(|last| last.number) != Some(change.number)
        }),
        at,
    }
}
