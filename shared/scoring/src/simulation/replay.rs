//! The replay of a period in memory, from one time at which something happens to the next.

mod actions;
mod events;
mod inputs;
mod keys;
mod notifications;
mod people;
mod silence;
mod start;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    Action, ActionItem, ApprovalNotificationKind, Engine, Event, EventId, IncidentChangeKind, IncidentKey, KeyRecord,
    Notification, Timestamp,
};
use age_policy::Policy;

use self::inputs::{Input, Inputs};
use crate::simulation::consequences::Consequences;
use crate::simulation::history::{History, RecordedAction};

/// The time between two sweeps, in milliseconds.
const SWEEP_MILLIS: i64 = 60_000;

/// An action in the replay.
#[derive(Debug, Clone)]
struct ReplayedAction {
    item: ActionItem,
    is_unknown: bool,
    approval_notifications: Vec<(Option<ApprovalNotificationKind>, Timestamp)>,
}

/// The record of an incident in the replay, besides its state.
#[derive(Debug, Clone, Default)]
struct IncidentLog {
    changes: Vec<(IncidentChangeKind, Timestamp, bool)>,
    notifications: Vec<Notification>,
    is_unknown: bool,
}

/// A replay at one time.
struct Replay<'a> {
    policy: &'a Policy,
    history: &'a History,
    recorded_actions: BTreeMap<(EventId, Action), &'a RecordedAction>,
    events: BTreeMap<EventId, Event>,
    now: Timestamp,
    last_sweep: Option<Timestamp>,
    keys: BTreeMap<IncidentKey, KeyRecord>,
    actions: BTreeMap<(EventId, Action), ReplayedAction>,
    due_actions: BTreeSet<(Timestamp, EventId, Action)>,
    due_incidents: BTreeSet<(Timestamp, IncidentKey)>,
    /// The number of incidents of each engine for which something is due: those that are not resolved, and resolved ones of which
    /// people are still to be notified.
    due_of_engine: BTreeMap<Engine, u64>,
    heard: BTreeMap<Engine, Timestamp>,
    silence_checks: BTreeSet<(Timestamp, Engine)>,
    /// The outcomes that workers report later.
    outcomes: BTreeSet<(Timestamp, EventId, Action)>,
    logs: BTreeMap<(IncidentKey, Timestamp), IncidentLog>,
    result: Consequences,
}

/// Replays the inputs of `history` under `policy`: what would have followed on them.
///
/// Sweeps run at whole minutes. Every dispatch and every e-mail succeeds at once. An action that really ran for the same event has its
/// recorded outcome, as long after its dispatch; the worker of another one does not answer, and what depends on it is unknown. People
/// do what they did, if there is the same thing: to the incident that has the id, or else to the one that is open for its key.
#[must_use]
pub fn replay(policy: &Policy, history: &History) -> Consequences {
    let mut replay = Replay::start(policy, history);
    let mut inputs = Inputs::of(history).into_iter().peekable();
    loop {
        let outcome = replay.outcomes.first().map(|(at, ..)| *at);
        let input = inputs.peek().map(|(at, _)| *at);
        let next = [outcome, input].into_iter().flatten().min();
        let sweep = replay.next_sweep();
        if let Some(sweep) = sweep.filter(|sweep| *sweep < history.to && next.is_none_or(|next| *sweep < next)) {
            replay.sweep(sweep);
            continue;
        }
        let Some(next) = next.filter(|next| *next < history.to) else { break };
        replay.now = next;
        if input == Some(next) {
            match inputs.next() {
                Some((_, Input::Events(events))) => replay.record_events(events),
                Some((_, Input::Repeat(event))) => replay.record_repeat(event),
                Some((_, Input::Decision(action))) => replay.decide_approval(action),
                Some((_, Input::Change(incident, place))) => replay.change_incident(incident, place),
                Some((_, Input::Heard(engine))) => replay.hear(engine),
                None => {}
            }
        } else if let Some((_, event, action)) = replay.outcomes.pop_first() {
            replay.report_outcome(event, action);
        }
    }
    replay.finish()
}

impl Replay<'_> {
    /// Returns when the next sweep has something to do: at the first whole minute at which something is due. The sweeps in between
    /// would change nothing.
    fn next_sweep(&self) -> Option<Timestamp> {
        let due = [
            self.due_actions.first().map(|(at, ..)| *at),
            self.due_incidents.first().map(|(at, _)| *at),
            self.silence_checks.first().map(|(at, _)| *at),
        ];
        let due = due.into_iter().flatten().min()?;
        let minute = due.millis().div_euclid(SWEEP_MILLIS) + i64::from(due.millis().rem_euclid(SWEEP_MILLIS) > 0);
        let earliest = self.last_sweep.map_or(i64::MIN, |last| last.millis() + SWEEP_MILLIS);
        let first = self.history.from.millis();
        let first = first + (SWEEP_MILLIS - first.rem_euclid(SWEEP_MILLIS)).rem_euclid(SWEEP_MILLIS);
        Some(Timestamp::from_millis((minute * SWEEP_MILLIS).max(earliest).max(first)))
    }
}
