//! What AGE remembers of one kind of trouble, that is of one (engine, event type).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Action, ActionStatus, EventId, Owed, Timestamp};

/// What is being done about one kind of trouble, and whether it helps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Rises with every change: nobody changes what somebody else has changed meanwhile.
    pub version: u64,
    /// When the trouble was last seen, as a HIGH or CRITICAL event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// The latest of each remedy that is on its way, or waits to see whether it helped.
    #[serde(default)]
    pub running: BTreeMap<Action, Running>,
    /// When remedies turned out to be of no use. Only what the policy still looks at.
    #[serde(default)]
    pub ineffective: Vec<Timestamp>,
}

/// A remedy that is on its way, or waits to see whether it helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The event it is for.
    pub event_id: EventId,
    /// Since when.
    pub since: Timestamp,
    /// How far it has come.
    pub status: ActionStatus,
}

impl Watch {
    /// Takes note that `action` for `event_id` has come to `status` at `now`. An older one than the latest is of no interest.
    pub fn note(&mut self, action: Action, event_id: EventId, status: ActionStatus, now: Timestamp) {
        let ours = self.running.get(&action).is_some_and(|running| running.event_id == event_id);
        if ours && status.is_final() {
            self.running.remove(&action);
        } else if ours && let Some(running) = self.running.get_mut(&action) {
            running.status = status;
        }
        if status == ActionStatus::Ineffective {
            self.ineffective.push(now);
        }
    }
}

/// What an event leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The actions, from now on.
    pub owed: Vec<Owed>,
    /// What is remembered of this kind of trouble, from now on.
    pub watch: Watch,
    /// Remedies that have succeeded, says their worker, while here is the trouble again: to be looked at now.
    pub doubtful: Vec<(EventId, Action)>,
}
