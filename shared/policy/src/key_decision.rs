//! The meaning of events for one incident key: the decision about it, made for one event after another.

use age_model::{Event, FiringAlertsChange, Incident, IncidentState, KeyRecord, PlannedAction, Remediation, Timestamp};

use crate::action_planning::{Plan, plan};
use crate::document::Policy;
use crate::gathering::{GatheredPlan, is_gathered, plan_gathered};
use crate::key_change::KeyChange;

/// How often a problem is recorded as heard in a state that does not change otherwise, in seconds.
const RECORD_HEARD_SECONDS: i64 = 60;

/// A decision about the state of an incident key.
#[derive(Debug, Clone)]
pub struct KeyDecision {
    before: KeyRecord,
    /// The record after the events so far.
    after: KeyRecord,
    /// How many events the incident counts.
    events: u64,
    resolved_events: u64,
    firing_alerts: FiringAlertsChange,
    ineffective: Vec<Remediation>,
    heard_at: Option<Timestamp>,
}

impl KeyDecision {
    /// Begins with the record `before`. `state` is its state with the workers' outcomes of its remediations.
    #[must_use]
    pub fn new(before: KeyRecord, state: IncidentState) -> Self {
        let after = KeyRecord { state, ..before.clone() };
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

    /// Adds the consequences of `event`. Returns its actions. The incident of `gathering` counts it instead of one of the key, if the
    /// key is gathered already, or would open an incident for which no room is left.
    pub fn add_problem(
        &mut self,
        policy: &Policy,
        event: &Event,
        is_alert: bool,
        gathering: Option<(&mut Self, Option<&mut u64>)>,
    ) -> Vec<PlannedAction> {
        let now = event.occurred_at;
        if is_alert {
            let incidents = &policy.incidents;
            self.firing_alerts = match (self.firing_alerts, &self.after) {
                (FiringAlertsChange::Begin(alerts), _) => FiringAlertsChange::Begin(alerts + 1),
                (FiringAlertsChange::Restart(alerts, from), _) => FiringAlertsChange::Restart(alerts + 1, from),
                (_, KeyRecord { state, counters, .. }) => incidents.begin_alert(state, *counters, now),
            };
        }
        let mut planned = self.plan(policy, event, gathering);
        let actions = std::mem::take(&mut planned.actions);
        if is_alert || planned.counted || planned.state.is_some() || !self.was_heard(now) {
            self.heard_at = Some(now);
        }
        self.add(planned);
        actions
    }

    fn plan(&self, policy: &Policy, event: &Event, gathering: Option<(&mut Self, Option<&mut u64>)>) -> Plan {
        let state = &self.after.state;
        let own = plan(policy, event, state);
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
        gathering.add_gathered(plan_gathered(policy, event, state, &gathering.after.state))
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
    pub fn add_resolution(&mut self, policy: &Policy, event: &Event, now: Timestamp) {
        let KeyRecord { state, counters, firing_alerts } = &mut self.after;
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
    pub fn add_repeat(&mut self, policy: &Policy, event: &Event, now: Timestamp, gathering: Option<&mut Self>) -> bool {
        let KeyRecord { counters, firing_alerts, .. } = &self.before;
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
    #[must_use]
    pub fn may_be_gathered(&self) -> bool {
        self.after.state.open_incident().is_none() && self.after.state.gathered_at.is_some()
    }

    /// Whether the events open an incident.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.before.state.open_incident().is_none() && has_open_incident(&self.after.state)
    }

    /// The open incident of the key, after the events so far.
    pub fn open_incident_mut(&mut self) -> Option<&mut Incident> {
        self.after.state.open_incident_mut()
    }

    /// The state after the events so far.
    #[must_use]
    pub const fn state(&self) -> &IncidentState {
        &self.after.state
    }

    /// The remediations that had succeeded and that the events prove ineffective.
    #[must_use]
    pub fn ineffective(&self) -> &[Remediation] {
        &self.ineffective
    }

    /// Whether the events have opened an incident that nobody was notified of.
    #[must_use]
    pub fn has_opened(&self) -> bool {
        let opened_at = |record: &KeyRecord| record.state.incident.as_ref().map(|it| it.opened_at);
        let is_new = self.after.state.open_incident().is_some_and(|incident| incident.notifications == 0);
        is_new && (self.events > 0 || opened_at(&self.before) != opened_at(&self.after))
    }

    /// Returns what changes, decided at `now`; None if nothing does.
    #[must_use]
    pub fn change(&self, now: Timestamp) -> Option<KeyChange> {
        let is_changed = self.after.state.version != self.before.state.version;
        let mut state = self.after.state.clone();
        state.version = self.before.state.version.saturating_add(1);
        let change = KeyChange {
            // A new row needs a state, even if nothing is decided.
            state: (is_changed || self.before.state.version == 0).then_some(state),
            counted: (self.events > 0).then_some((self.events, now)),
            resolved_events: self.resolved_events,
            firing_alerts: self.firing_alerts,
            heard_at: self.heard_at,
        };
        let has_more = change != KeyChange { state: change.state.clone(), ..KeyChange::default() };
        (is_changed || has_more).then_some(change)
    }
}

fn has_open_incident(state: &IncidentState) -> bool {
    state.open_incident().is_some()
}
