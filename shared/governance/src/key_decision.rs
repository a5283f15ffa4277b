//! What a group of events means for one incident key: the decision that their transaction writes.

use age_model::{
    ActionItem, Event, FiringAlertsChange, Incident, IncidentKey, IncidentState, Remediation, StoreError, Timestamp,
};
use age_policy::{ActivePolicy, GatheredPlan, Plan, Policy};
use age_store::{IncidentStateRecord, Write};

use crate::action_lifecycle::ActionLifecycle;
use crate::gathering::is_gathered;
use crate::incident_lifecycle::NextState;

/// How often a problem is recorded as heard in a state that does not change otherwise, in seconds.
const RECORD_HEARD_SECONDS: i64 = 60;

/// A decision about the state of an incident key, made for one event after another.
#[derive(Debug, Clone)]
pub(crate) struct KeyDecision {
    /// The state that the decision is made on. It must not have changed when the decision is written.
    before: IncidentStateRecord,
    /// The state after the events so far.
    after: IncidentStateRecord,
    /// How many events the incident counts.
    events: u64,
    resolved_events: u64,
    firing_alerts: FiringAlertsChange,
    ineffective: Vec<Remediation>,
    heard_at: Option<Timestamp>,
}

impl KeyDecision {
    /// Begins with the state `before`. `state` is the same with the workers' outcomes of its remediations.
    pub(crate) fn new(before: IncidentStateRecord, state: IncidentState) -> Self {
        let mut after = before.clone();
        after.state = state;
        Self {
            before,
            after,
            events: 0,
            resolved_events: 0,
            firing_alerts: FiringAlertsChange::Keep,
            ineffective: Vec::new(),
            heard_at: None,
        }
    }

    /// Begins with the state `before` of a key without remediations, such as that of a gathering incident.
    pub(crate) fn without_remediations(before: IncidentStateRecord) -> Self {
        let state = before.state.clone();
        Self::new(before, state)
    }

    /// Adds the consequences of `event`. Returns its actions. The incident of `gathering` counts it instead of one of the key, if the
    /// key is gathered already, or would open an incident for which no room is left.
    pub(crate) fn add_problem(
        &mut self,
        active: &ActivePolicy,
        event: &Event,
        is_alert: bool,
        gathering: Option<(&mut Self, Option<&mut u64>)>,
    ) -> Vec<ActionItem> {
        let now = event.occurred_at;
        if is_alert {
            let incidents = &active.policy.incidents;
            self.firing_alerts = match (self.firing_alerts, &self.after) {
                (FiringAlertsChange::Begin(alerts), _) => FiringAlertsChange::Begin(alerts + 1),
                (FiringAlertsChange::Restart(alerts, from), _) => FiringAlertsChange::Restart(alerts + 1, from),
                (_, IncidentStateRecord { state, counters, .. }) => incidents.begin_alert(state, *counters, now),
            };
        }
        let planned = self.plan(&active.policy, event, gathering);
        let actions = planned.actions.iter().map(|one| ActionItem::new(event, *one, &active.hash)).collect();
        if is_alert || planned.counted || planned.state.is_some() || !self.was_heard(now) {
            self.heard_at = Some(now);
        }
        self.add(planned);
        actions
    }

    fn plan(&self, policy: &Policy, event: &Event, gathering: Option<(&mut Self, Option<&mut u64>)>) -> Plan {
        let state = &self.after.state;
        let own = age_policy::plan(policy, event, state);
        let Some((gathering, room)) = gathering else { return own };
        if !is_gathered(state, &gathering.after.state) {
            let opens = state.open_incident().is_none() && own.state.as_ref().is_some_and(has_open_incident);
            match room.filter(|_| opens) {
                Some(0) => {}
                Some(room) => {
                    *room -= 1;
                    return own;
                }
                None => return own,
            }
        }
        gathering.add_gathered(age_policy::plan_gathered(policy, event, state, &gathering.after.state))
    }

    /// Adds what is gathered in this incident. Returns what follows for the other key.
    fn add_gathered(&mut self, GatheredPlan { plan, gathering, events }: GatheredPlan) -> Plan {
        if let Some(state) = gathering {
            self.after.state = state;
        }
        self.events += events;
        plan
    }

    /// Adds that the problem of `event` is resolved, reported at `now`.
    pub(crate) fn add_resolution(&mut self, policy: &Policy, event: &Event, now: Timestamp) {
        let IncidentStateRecord { state, counters, firing_alerts, .. } = &mut self.after;
        let resolution = policy.incidents.plan_resolution(event, state, *counters, *firing_alerts, now);
        if let Some(next) = resolution.state {
            *state = next;
        }
        let resolved_events = u64::from(resolution.is_of_incident);
        self.resolved_events += resolved_events;
        counters.resolved_events += resolved_events;
        if let FiringAlertsChange::End(ended) = resolution.firing_alerts {
            firing_alerts.number = firing_alerts.number.saturating_sub(ended);
            let ended_before = if let FiringAlertsChange::End(before) = self.firing_alerts { before } else { 0 };
            self.firing_alerts = FiringAlertsChange::End(ended_before + ended);
        }
    }

    /// Adds the consequences of a repeat of `event` that is heard at `now`. Returns false if there are none. If the key is gathered,
    /// they concern the incident of `gathering`.
    pub(crate) fn add_repeat(
        &mut self,
        policy: &Policy,
        event: &Event,
        now: Timestamp,
        gathering: Option<&mut Self>,
    ) -> bool {
        let IncidentStateRecord { counters, firing_alerts, .. } = &self.before;
        let (state, last_heard_at) = (&self.after.state, counters.last_heard_at);
        let planned = match gathering {
            None => policy.plan_repeat(event, state, *firing_alerts, last_heard_at, now),
            Some(gathering) => {
                let states = (state, &gathering.after.state);
                let planned = policy.plan_gathered_repeat(event, states, *firing_alerts, last_heard_at, now);
                gathering.heard_at = planned.as_ref().filter(|_| !gathering.was_heard(now)).map(|_| now);
                planned.map(|planned| gathering.add_gathered(planned))
            }
        };
        let Some(planned) = planned else { return false };
        self.heard_at = Some(now);
        self.add(planned);
        true
    }

    /// Whether the key was heard within the last minute.
    fn was_heard(&self, now: Timestamp) -> bool {
        let last_heard_at = self.heard_at.max(self.before.counters.last_heard_at);
        last_heard_at.is_some_and(|last| last.plus_seconds(RECORD_HEARD_SECONDS) > now)
    }

    fn add(&mut self, planned: Plan) {
        if let Some(state) = planned.state {
            self.after.state = state;
        }
        self.events += u64::from(planned.counted);
        self.ineffective.extend(planned.ineffective);
    }

    /// Whether the incident of the key may be gathered: an incident of its engine has gathered what happened about it.
    pub(crate) fn may_be_gathered(&self) -> bool {
        self.after.state.open_incident().is_none() && self.after.state.gathered_at.is_some()
    }

    /// Whether the events open an incident.
    pub(crate) fn opens(&self) -> bool {
        self.before.state.open_incident().is_none() && has_open_incident(&self.after.state)
    }

    /// The open incident of the key, after the events so far.
    pub(crate) fn open_incident_mut(&mut self) -> Option<&mut Incident> {
        self.after.state.open_incident_mut()
    }

    /// The state after the events so far.
    pub(crate) const fn state(&self) -> &IncidentState {
        &self.after.state
    }

    /// Whether the events have opened an incident that nobody was notified of.
    pub(crate) fn has_opened(&self) -> bool {
        let opened_at = |record: &IncidentStateRecord| record.state.incident.as_ref().map(|it| it.opened_at);
        let is_new = self.after.state.open_incident().is_some_and(|incident| incident.notifications == 0);
        is_new && (self.events > 0 || opened_at(&self.before) != opened_at(&self.after))
    }

    /// Returns the writes of the decision about `key`, made at `now`.
    pub(crate) fn writes(
        &self,
        key: &IncidentKey,
        lifecycle: &ActionLifecycle,
        now: Timestamp,
    ) -> Result<Vec<Write>, StoreError> {
        let mut state = self.after.state.clone();
        let is_changed = state.version != self.before.state.version;
        state.version = self.before.state.version.saturating_add(1);
        let next = NextState {
            // A new row needs a state, even if nothing is decided.
            state: (is_changed || self.before.state.version == 0).then_some(&state),
            counted: (self.events > 0).then_some((self.events, now)),
            resolved_events: self.resolved_events,
            firing_alerts: self.firing_alerts,
            heard_at: self.heard_at,
            ..NextState::default()
        };
        let mut writes = Vec::new();
        if is_changed || next != (NextState { state: next.state, ..NextState::default() }) {
            let incidents = lifecycle.incidents();
            writes.extend(incidents.writes(key, &self.before, &next, now)?);
            writes.extend(incidents.notify_admin_write(&self.before, &state, now)?);
        }
        writes.extend(lifecycle.ineffective(key, &self.ineffective, now)?);
        Ok(writes)
    }
}

fn has_open_incident(state: &IncidentState) -> bool {
    state.open_incident().is_some()
}
