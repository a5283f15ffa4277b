//! Actions in the replay: dispatch, outcome, approval and end.

use age_model::{Action, ActionItem, ActionStatus, EventId, IncidentKey, IncidentState, KeyRecord, Outcome, Timestamp};
use age_policy::KeyChange;

use super::{Replay, ReplayedAction, SWEEP_MILLIS};
use crate::simulation::history::RecordedAction;

impl Replay<'_> {
    /// Adds a planned action.
    pub(super) fn insert_action(&mut self, item: ActionItem) {
        let id = (item.event_id, item.action);
        // It is suppressed by one whose outcome is unknown.
        let suppressor = item.suppressed_by.and_then(|by| self.actions.get(&(by, item.action)));
        let is_unknown = suppressor.is_some_and(|suppressor| suppressor.is_unknown);
        self.due_actions.extend(item.due_at.map(|at| (at, id.0, id.1)));
        self.actions.insert(id, ReplayedAction { item, is_unknown, approval_notifications: Vec::new() });
    }

    /// Replaces an action by what `next` makes of it.
    pub(super) fn update_action(&mut self, id: (EventId, Action), next: impl FnOnce(&ActionItem) -> ActionItem) {
        let Some(action) = self.actions.get_mut(&id) else { return };
        let new = next(&action.item);
        if new.due_at != action.item.due_at {
            if let Some(at) = action.item.due_at {
                self.due_actions.remove(&(at, id.0, id.1));
            }
            self.due_actions.extend(new.due_at.map(|at| (at, id.0, id.1)));
        }
        action.item = new;
    }

    /// Dispatches the pending remediations of `events`.
    pub(super) fn dispatch_all(&mut self, events: impl Iterator<Item = EventId>) {
        let is_pending = |item: &ActionItem| item.status == ActionStatus::Pending && item.action.is_remediation();
        for event in events {
            let pending: Vec<Action> =
                self.actions_of(event).filter(|(_, it)| is_pending(&it.item)).map(|(action, _)| action).collect();
            for action in pending {
                self.dispatch((event, action));
            }
        }
    }

    /// Dispatches an action, and expects the outcome that its worker really reported.
    pub(super) fn dispatch(&mut self, id: (EventId, Action)) {
        let (now, rules) = (self.now, &self.policy.actions);
        let answer_by = rules.answer_by(now);
        let recorded = self.recorded_actions.get(&id).copied();
        let outcome = recorded.and_then(RecordedAction::outcome);
        let is_known = recorded.is_some_and(|recorded| is_answer_known(recorded, answer_by.millis() - now.millis()));
        if let Some((_, after)) = outcome {
            self.outcomes.insert((now.plus_millis(after), id.0, id.1));
        }
        self.update_action(id, |item| age_policy::dispatched(item, answer_by, now));
        if let Some(action) = self.actions.get_mut(&id) {
            action.is_unknown |= !is_known;
        }
    }

    /// The worker of an action reports what it really reported.
    pub(super) fn report_outcome(&mut self, event: EventId, action: Action) {
        let id = (event, action);
        let outcome = self.recorded_actions.get(&id).and_then(|recorded| recorded.outcome());
        let Some((outcome, _)) = outcome else { return };
        let Some(old) = self.actions.get(&id).map(|action| action.item.clone()) else { return };
        let to = match outcome {
            Outcome::Succeeded => ActionStatus::Succeeded,
            Outcome::Failed => ActionStatus::Failed,
        };
        if old.status.transition_to(to).is_err() {
            return;
        }
        let new = self.policy.actions.reported(&old, outcome, self.now);
        self.advance(&old, new);
        if outcome == Outcome::Failed {
            self.notify_at_once(Some(&old.incident_key()), None);
        }
    }

    /// A responder decides on the approval of an action, if it is pending.
    pub(super) fn decide_approval(&mut self, recorded: &RecordedAction) {
        let Some(decision) = recorded.approval.as_ref().and_then(|approval| approval.decision) else { return };
        let id = (recorded.event_id, recorded.action);
        let Some(old) = self.actions.get(&id).map(|action| action.item.clone()) else { return };
        let is_late = old.approve_by.is_some_and(|deadline| deadline <= self.now);
        if old.status == ActionStatus::PendingApproval && !is_late {
            let new = age_policy::decided(&old, decision, None, self.now);
            self.advance(&old, new);
        }
    }

    /// Replaces `old` by `new`, and records the end of a remediation in the state of its key, as `ActionLifecycle::advance` does.
    pub(super) fn advance(&mut self, old: &ActionItem, new: ActionItem) {
        let id = (new.event_id, new.action);
        let stays_running = old.status.is_running() && new.status.is_running();
        let is_counted = new.action.is_remediation() && old.status != new.status && !stays_running;
        if is_counted && new.status.is_final() {
            self.record_end(&new);
        }
        self.update_action(id, |_| new);
    }

    fn record_end(&mut self, item: &ActionItem) {
        let (key, at) = (item.incident_key(), item.completed_at.unwrap_or(self.now));
        let is_unknown = self.actions.get(&(item.event_id, item.action)).is_some_and(|action| action.is_unknown);
        let mut state = self.record(&key).state;
        state.remove_remediation(item.action, item.event_id);
        let mut changed = key.clone();
        if item.status.is_failure() {
            match self.gathering_for_opening(&key, &state) {
                None => self.policy.incidents.record_failure(&mut state, item, at),
                Some(gathering) => {
                    changed = IncidentKey::many_event_types(key.engine);
                    self.gather_failure(&changed, gathering, &mut state, item, at);
                }
            }
        }
        self.set_state(&key, state, at);
        if is_unknown && item.status.is_failure() {
            self.mark_unknown(&changed);
        }
    }

    fn gather_failure(
        &mut self,
        key: &IncidentKey,
        before: KeyRecord,
        state: &mut IncidentState,
        item: &ActionItem,
        at: Timestamp,
    ) {
        let mut gathering = before.state;
        gathering.version = gathering.version.saturating_add(1);
        let rules = &self.policy.incidents;
        let ((), events) = age_policy::gather(state, &mut gathering, |merged| rules.record_failure(merged, item, at));
        let counted = (events > 0).then_some((events, at));
        self.apply(key, KeyChange { counted, ..KeyChange::to(gathering) }, at);
    }
}

/// Whether it is known what the worker would have answered within `millis` of the dispatch: the same action really ran, and its worker
/// reported an outcome, or had as much time to.
fn is_answer_known(recorded: &RecordedAction, millis: i64) -> bool {
    let waited = |since: Timestamp, until: Timestamp| until.millis() - since.millis() + SWEEP_MILLIS >= millis;
    match (recorded.dispatched_at, recorded.completed_at, recorded.status) {
        (_, Some(_), _) if recorded.outcome().is_some() => true,
        (Some(since), Some(until), ActionStatus::TimedOut) => waited(since, until),
        // Its worker still has time.
        (Some(_), None, ActionStatus::Dispatched) => true,
        _ => false,
    }
}
