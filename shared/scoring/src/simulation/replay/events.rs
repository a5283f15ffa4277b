//! Events and repeats in the replay, recorded as `record_batch` of `age_governance` does.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    Action, ActionItem, ActionStatus, AlertStatus, Engine, Event, EventId, IncidentKey, IncidentState, KeyRecord,
    Remediation,
};
use age_policy::{EventRole, KeyDecision, count_opened, decide, is_gathered};

use super::{Replay, ReplayedAction};
use crate::simulation::history::{RecordedAlert, RecordedEvent};

/// The most events that may lead to actions in one transaction, and the most e-mails about one request that are sent at once.
const MAX_PLANNED_EVENTS: usize = 20;
const MAX_INITIAL_NOTIFICATIONS: usize = 5;

impl Replay<'_> {
    /// Records `events`, which were accepted in the same millisecond: problems first, then reports that problems are resolved.
    pub(super) fn record_events(&mut self, events: &[RecordedEvent]) {
        let with_roles: Vec<(Event, EventRole)> =
            events.iter().map(|event| (event.to_event(), self.role(event))).collect();
        for (event, _) in &with_roles {
            self.hear(event.reported.engine);
        }
        let (problems, others): (Vec<_>, Vec<_>) =
            with_roles.into_iter().partition(|(_, role)| matches!(role, EventRole::Problem | EventRole::FiringAlert));
        let resolutions: Vec<_> =
            others.into_iter().filter(|(_, role)| matches!(role, EventRole::Resolution(_))).collect();
        let mut notifications = 0;
        for chunk in problems.chunks(MAX_PLANNED_EVENTS).chain(resolutions.chunks(MAX_PLANNED_EVENTS)) {
            self.record_chunk(chunk, &mut notifications);
        }
    }

    fn role(&self, event: &RecordedEvent) -> EventRole {
        let needs_plan = |event: &Event| event.reported.severity >= self.policy.actions.min_severity;
        let status = event.alert.as_ref().map(|RecordedAlert { status, .. }| *status);
        match (event.resolves, status) {
            (Some(of), _) => {
                self.event(of).filter(|of| needs_plan(of)).map_or(EventRole::Counted, EventRole::resolution)
            }
            (None, Some(AlertStatus::Resolved)) => EventRole::Counted,
            _ if !needs_plan(&event.to_event()) => EventRole::Counted,
            (None, Some(AlertStatus::Firing)) => EventRole::FiringAlert,
            (None, None) => EventRole::Problem,
        }
    }

    fn record_chunk(&mut self, events: &[(Event, EventRole)], notifications: &mut usize) {
        let keys: BTreeSet<IncidentKey> = events.iter().map(|(event, _)| IncidentKey::of(&event.reported)).collect();
        let mut before: BTreeMap<IncidentKey, KeyDecision> =
            keys.into_iter().map(|key| (key.clone(), self.begin_decision(&key))).collect();
        let gathered: BTreeSet<Engine> =
            before.iter().filter(|(_, it)| it.may_be_gathered()).map(|(key, _)| key.engine).collect();
        for engine in gathered {
            self.add_gathering(&mut before, engine);
        }
        let pairs = || events.iter().map(|(event, role)| (event, role));
        let (mut decisions, mut planned) = decide(self.policy, pairs(), before.clone(), BTreeMap::new());
        let opened = count_opened(&decisions).into_iter();
        let missing = opened.map(|(engine, number)| (engine, number, self.room(engine)));
        let room: BTreeMap<Engine, u64> =
            missing.filter(|(_, number, room)| number > room).map(|(engine, _, room)| (engine, room)).collect();
        if !room.is_empty() {
            for engine in room.keys() {
                self.add_gathering(&mut before, *engine);
            }
            (decisions, planned) = decide(self.policy, pairs(), before, room);
        }
        for ((event, _), planned) in events.iter().zip(planned) {
            for one in planned {
                self.insert_action(ActionItem::new(event, one, ""));
            }
        }
        let mut may_notify: BTreeSet<&IncidentKey> =
            decisions.iter().filter(|(_, it)| it.has_opened()).map(|(key, _)| key).collect();
        for (key, decision) in &decisions {
            self.apply_decision(key, decision);
        }
        self.dispatch_all(events.iter().map(|(event, _)| event.id));
        for (event, _) in events {
            let opens = may_notify.take(&IncidentKey::of(&event.reported));
            let waits = self.actions_of(event.id).any(|(_, it)| it.item.status == ActionStatus::PendingApproval);
            if (opens.is_some() || waits) && *notifications < MAX_INITIAL_NOTIFICATIONS {
                *notifications += 1;
                self.notify_at_once(opens, Some(event.id));
            }
        }
    }

    /// Records that the problem of the event `id` was heard again.
    pub(super) fn record_repeat(&mut self, id: EventId) {
        let Some(event) = self.event(id) else { return };
        let (key, now) = (IncidentKey::of(&event.reported), self.now);
        self.hear(key.engine);
        if !self.policy.is_sign_of_life(&event, now) {
            return;
        }
        let before = self.begin_decision(&key);
        let mut decision = before.clone();
        if !decision.add_repeat(self.policy, &event, now, None) {
            return;
        }
        let state = before.state();
        let gathering =
            if decision.opens() { self.gathering_for_opening(&key, state) } else { self.gathered_in(&key, state) };
        let mut gathering = gathering.map(begin_gathering);
        if gathering.is_some() {
            decision = before;
            decision.add_repeat(self.policy, &event, now, gathering.as_mut());
        }
        self.apply_decision(&key, &decision);
        if let Some(gathering) = gathering {
            self.apply_decision(&IncidentKey::many_event_types(key.engine), &gathering);
        }
        if decision.has_opened() {
            self.notify_at_once(Some(&key), None);
        }
    }

    fn begin_decision(&self, key: &IncidentKey) -> KeyDecision {
        let record = self.record(key);
        let state = self.with_outcomes(record.state.clone());
        KeyDecision::new(record, state)
    }

    /// Adds the workers' outcomes to the remediations of `state`, and removes those that have ended.
    fn with_outcomes(&self, mut state: IncidentState) -> IncidentState {
        let remediations = std::mem::take(&mut state.remediations).into_iter();
        let with_outcome = remediations.filter_map(|remediation| {
            let action = self.actions.get(&(remediation.event_id, remediation.action))?;
            let item = Some(&action.item).filter(|item| !item.has_ended())?;
            let has_succeeded = item.status == ActionStatus::Succeeded;
            Some(Remediation { succeeded_at: item.completed_at.filter(|_| has_succeeded), ..remediation })
        });
        state.remediations = with_outcome.collect();
        state
    }

    fn add_gathering(&self, decisions: &mut BTreeMap<IncidentKey, KeyDecision>, engine: Engine) {
        let key = IncidentKey::many_event_types(engine);
        let record = self.record(&key);
        decisions.entry(key).or_insert_with(|| begin_gathering(record));
    }

    fn apply_decision(&mut self, key: &IncidentKey, decision: &KeyDecision) {
        let now = self.now;
        if let Some(change) = decision.change(now) {
            self.apply(key, change, now);
        }
        for Remediation { event_id, action, .. } in decision.ineffective() {
            self.update_action((*event_id, *action), |item| ActionItem {
                status: ActionStatus::Ineffective,
                verified_at: Some(now),
                due_at: None,
                ..item.clone()
            });
        }
    }

    /// Returns how many more incidents `engine` may open.
    fn room(&self, engine: Engine) -> u64 {
        let due = self.due_of_engine.get(&engine).copied().unwrap_or_default();
        self.policy.incidents.max_open_per_engine.saturating_sub(due)
    }

    /// Returns the record of the gathering key, if its incident gathers what happens about `key`.
    fn gathered_in(&self, key: &IncidentKey, state: &IncidentState) -> Option<KeyRecord> {
        let record = self.record(&IncidentKey::many_event_types(key.engine));
        is_gathered(state, &record.state).then_some(record)
    }

    /// Returns the record of the gathering key, if the incident that `key` would open belongs there.
    pub(super) fn gathering_for_opening(&self, key: &IncidentKey, state: &IncidentState) -> Option<KeyRecord> {
        if state.open_incident().is_some() {
            return None;
        }
        let has_no_room = || self.room(key.engine) == 0;
        let record = || self.record(&IncidentKey::many_event_types(key.engine));
        self.gathered_in(key, state).or_else(|| has_no_room().then(record))
    }

    /// Returns the actions of an event.
    pub(super) fn actions_of(&self, event: EventId) -> impl Iterator<Item = (Action, &ReplayedAction)> {
        let of_event = Action::ALL.iter().map(move |action| (event, *action));
        of_event.filter_map(|id| self.actions.get(&id).map(|action| (id.1, action)))
    }
}

fn begin_gathering(record: KeyRecord) -> KeyDecision {
    let state = record.state.clone();
    KeyDecision::new(record, state)
}
