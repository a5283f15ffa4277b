//! What AGE remembers of one kind of trouble, that is of one (engine, event type).

use serde::{Deserialize, Serialize};

use crate::{Action, ActionStatus, EventId, Owed, Timestamp};

/// What is being done about one kind of trouble, and whether it helps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Rises with every change: nobody changes what somebody else has changed meanwhile.
    pub version: u64,
    /// The remedies that are on their way, or wait to see whether they helped.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
    /// The latest event that people were to be told of, and when that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// When remedies turned out to be of no use. Only what the policy still looks at.
    #[serde(default)]
    pub ineffective: Vec<Timestamp>,
}

/// A remedy that is on its way, or waits to see whether it helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// What.
    pub action: Action,
    /// The event it is for.
    pub event_id: EventId,
    /// Since when it is on its way.
    pub since: Timestamp,
    /// When its worker said that it was done. None while it is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded_at: Option<Timestamp>,
}

/// An event that people were to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Which.
    pub event_id: EventId,
    /// When.
    pub at: Timestamp,
}

impl Watch {
    /// Takes note that `action` for `event_id` has come to `status` at `now`.
    pub fn note(&mut self, action: Action, event_id: EventId, status: ActionStatus, now: Timestamp) {
        let is_it = |remedy: &Remedy| (remedy.action, remedy.event_id) == (action, event_id);
        if status.is_final() {
            self.remedies.retain(|remedy| !is_it(remedy));
        } else if status == ActionStatus::Succeeded
            && let Some(remedy) = self.remedies.iter_mut().find(|remedy| is_it(remedy))
        {
            remedy.succeeded_at = Some(now);
        }
    }
}

/// What an event leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The actions, from now on.
    pub owed: Vec<Owed>,
    /// What is remembered of this kind of trouble, from now on; None if that is what was remembered before.
    pub watch: Option<Watch>,
    /// Remedies that have succeeded, said their worker, and here is the trouble again: they were of no use.
    pub ineffective: Vec<(EventId, Action)>,
}
