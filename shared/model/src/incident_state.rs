//! What AGE remembers of one kind of trouble.

use serde::{Deserialize, Serialize};

use crate::{Action, EventId, Incident, IncidentStatus, PlannedAction, Timestamp};

/// What is being done about one kind of trouble, whether it helps, and what people are told of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentState {
    /// Rises with every change: nobody changes what somebody else has changed meanwhile.
    pub version: u64,
    /// The remedies that are on their way, or wait to see whether they helped.
    #[serde(default)]
    pub remediations: Vec<Remediation>,
    /// When remedies turned out to be of no use. Only what the policy still looks at.
    #[serde(default)]
    pub ineffective: Vec<Timestamp>,
    /// The incident that is open, or that was the last one and is not filed away yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// When the latest incident was opened, be it filed away or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opened_at: Option<Timestamp>,
}

/// A remedy that is on its way, or waits to see whether it helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remediation {
    /// What.
    pub action: Action,
    /// The event it is for.
    pub event_id: EventId,
    /// Since when it is on its way.
    pub since: Timestamp,
    /// When its worker said that it was done, if it has. Its action knows: it is not kept here.
    #[serde(skip)]
    pub succeeded_at: Option<Timestamp>,
}

impl IncidentState {
    /// Takes note that `action` for `event_id` has come to its end.
    pub fn forget(&mut self, action: Action, event_id: EventId) {
        self.remediations.retain(|remediation| (remediation.action, remediation.event_id) != (action, event_id));
    }

    /// The incident that is not over.
    #[must_use]
    pub fn open_incident(&self) -> Option<&Incident> {
        self.incident.as_ref().filter(|incident| incident.status != IncidentStatus::Resolved)
    }

    /// The incident that is not over, to be changed.
    pub fn open_incident_mut(&mut self) -> Option<&mut Incident> {
        self.incident.as_mut().filter(|incident| incident.status != IncidentStatus::Resolved)
    }
}

/// What an event leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The actions, from now on.
    pub actions: Vec<PlannedAction>,
    /// What is remembered of this kind of trouble, from now on; None if that is what was remembered before.
    pub state: Option<IncidentState>,
    /// Remedies that have succeeded, said their worker, and here is the trouble again: they were of no use.
    pub ineffective: Vec<Remediation>,
    /// Whether an incident counts the event.
    pub counted: bool,
}
