//! The beginning of a replay: what was not over when the period began.

use std::collections::{BTreeMap, BTreeSet};

use age_policy::Policy;

use super::Replay;
use crate::simulation::consequences::Consequences;
use crate::simulation::history::History;

impl<'a> Replay<'a> {
    /// Begins the replay of `history` under `policy`.
    pub(super) fn start(policy: &'a Policy, history: &'a History) -> Self {
        let events = history.earlier_events.iter().chain(&history.events);
        let mut replay = Self {
            policy,
            history,
            recorded_actions: history.actions.iter().map(|it| ((it.event_id, it.action), it)).collect(),
            events: events.map(|event| (event.id, event.to_event())).collect(),
            now: history.from,
            last_sweep: None,
            keys: BTreeMap::new(),
            actions: BTreeMap::new(),
            due_actions: BTreeSet::new(),
            due_incidents: BTreeSet::new(),
            due_of_engine: BTreeMap::new(),
            heard: BTreeMap::new(),
            silence_checks: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            logs: BTreeMap::new(),
            result: Consequences::default(),
        };
        for (engine, recorded) in &history.engines {
            replay.heard.extend(recorded.heard_before.map(|at| (*engine, at)));
            replay.check_silence_after_interval(*engine);
        }
        replay
    }
}
