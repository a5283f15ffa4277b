//! The state that AGE keeps for each incident key.

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::credential::KeyId;
use crate::id::EventId;
use crate::incident::{Incident, IncidentStatus};
use crate::time::Timestamp;

/// The state of an incident key: its latest incident, its remediations, and which of them were ineffective.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentState {
    /// Increases with every change, so that a write is refused if the state has changed since it was read.
    pub version: u64,
    /// The remediations that are in progress or wait for verification.
    #[serde(default)]
    pub remediations: Vec<Remediation>,
    /// When remediations were found ineffective, within the time that the policy considers.
    #[serde(default)]
    pub ineffective: Vec<Timestamp>,
    /// The latest incident, resolved or not. A later incident moves it to a row of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// When a problem was last heard again that began before the count of firing alerts. It lasts, although it is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncounted_heard_at: Option<Timestamp>,
    /// When the latest incident was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opened_at: Option<Timestamp>,
    /// When the incident was opened that gathers what happens about this key, if its engine had too many open incidents. Once
    /// that incident is resolved, this means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathered_at: Option<Timestamp>,
}

/// The alerts of an incident key that are firing: those whose sender has not reported them as resolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FiringAlerts {
    /// How many alerts are firing.
    pub number: u64,
    /// Alerts that began to fire before are not counted: an incident of theirs was resolved.
    pub counted_from: Option<Timestamp>,
}

/// How the number of firing alerts changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FiringAlertsChange {
    /// The number stays as it is.
    #[default]
    Keep,
    /// So many alerts more are firing.
    Begin(u64),
    /// So many alerts have ended.
    End(u64),
    /// So many alerts are firing, which began at this time or later. Earlier ones are not counted any more.
    Restart(u64, Timestamp),
}

impl FiringAlerts {
    /// Whether an alert that began to fire at `since` is counted.
    #[must_use]
    pub fn counts(&self, since: Timestamp) -> bool {
        self.number > 0 && !self.began_after(since)
    }

    /// Whether the count began after `since`.
    #[must_use]
    pub fn began_after(&self, since: Timestamp) -> bool {
        self.counted_from.is_some_and(|from| since < from)
    }
}

/// A remediation that is in progress or waits for verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remediation {
    /// The action.
    pub action: Action,
    /// The event that the action is for.
    pub event_id: EventId,
    /// When the action was planned.
    pub since: Timestamp,
    /// When its worker reported success, if it did. Read from the action; not stored with the state.
    #[serde(skip)]
    pub succeeded_at: Option<Timestamp>,
}

impl IncidentState {
    /// Removes the remediation `action` for `event_id`, which has ended.
    pub fn remove_remediation(&mut self, action: Action, event_id: EventId) {
        self.remediations.retain(|remediation| (remediation.action, remediation.event_id) != (action, event_id));
    }

    /// Whether nothing is open and nothing is due: no incident, no notification and no remediation. Then the state may expire.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_due = self.incident.as_ref().is_some_and(|incident| incident.due_at.is_some());
        self.open_incident().is_none() && !is_due && self.remediations.is_empty()
    }

    /// Returns the incident, if it is not resolved.
    #[must_use]
    pub fn open_incident(&self) -> Option<&Incident> {
        self.incident.as_ref().filter(|incident| incident.status != IncidentStatus::Resolved)
    }

    /// Records that the credential `by` reported the event `event_id`, if that event opened the unresolved incident.
    pub fn set_opener(&mut self, event_id: EventId, by: Option<&KeyId>) {
        let incident = self.open_incident_mut().filter(|incident| incident.event_id == Some(event_id));
        if let Some(incident) = incident.filter(|incident| incident.opened_by.is_none()) {
            incident.opened_by = by.cloned();
        }
    }

    /// Records the policy version by which this state followed on `before`: in the incident that was opened, and in the change of the
    /// incident.
    pub fn set_policy_hash(&mut self, before: &Self, hash: &str) {
        let Some(incident) = self.incident.as_mut() else { return };
        let old = before.incident.as_ref().filter(|old| old.opened_at == incident.opened_at);
        if old.is_none() {
            incident.policy_hash = Some(hash.to_owned());
        }
        let last_number = old.and_then(|old| old.last_change.as_ref()).map(|change| change.number);
        if let Some(change) = incident.last_change.as_mut().filter(|change| Some(change.number) != last_number) {
            change.policy_hash = Some(hash.to_owned());
        }
    }

    /// Returns the incident to be changed, if it is not resolved.
    pub fn open_incident_mut(&mut self) -> Option<&mut Incident> {
        self.incident.as_mut().filter(|incident| incident.status != IncidentStatus::Resolved)
    }
}
