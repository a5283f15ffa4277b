//! The history of a period: the inputs that AGE recorded, and what really followed.

use std::collections::BTreeMap;

use age_model::{
    Action, ActionItem, ActionStatus, AlertStatus, ApprovalDecision, Engine, Event, EventId, EventType, IncidentCause,
    IncidentChangeKind, IncidentId, IncidentKey, IncidentStatus, KeyId, NewEvent, Notification, Outcome, PolicyHash,
    Severity, Timestamp,
};
use age_policy::Policy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::simulation::recorded_decisions::RecordedDecision;
use crate::simulation::week_counts::WeekCounts;

/// The recorded inputs of a period, and what followed. Its JSON can be exported and simulated elsewhere. It has no details of events,
/// notes or texts of people. Decisions have the requests that the policy had recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The version of this JSON: 1.
    pub schema_version: u32,
    /// The beginning of the period.
    pub from: Timestamp,
    /// The end of the period, which is not part of it.
    pub to: Timestamp,
    /// When the first sweep ran. Before, no engine was expected to report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<Timestamp>,
    /// When each engine was heard.
    pub engines: BTreeMap<Engine, RecordedEngine>,
    /// The events of each week by engine and severity, as the rollups have them.
    pub weeks: Vec<WeekCounts>,
    /// The events that were read, in the order in which AGE accepted them.
    pub events: Vec<RecordedEvent>,
    /// Earlier events, whose end is reported in the period or whose actions were not over at its beginning.
    #[serde(default)]
    pub earlier_events: Vec<RecordedEvent>,
    /// The actions of these events, as they are now.
    pub actions: Vec<RecordedAction>,
    /// The incidents that were open at some time of the period.
    pub incidents: Vec<RecordedIncident>,
    /// The decisions of the period that were read, in the order in which AGE made them.
    #[serde(default)]
    pub decisions: Vec<RecordedDecision>,
    /// The policy versions that made these decisions, as far as they can be read.
    #[serde(default)]
    pub policy_versions: BTreeMap<PolicyHash, Policy>,
    /// The records that are not in this history.
    #[serde(default)]
    pub left_out: LeftOut,
}

/// When an engine was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedEngine {
    /// Since when a credential shows that the engine is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use_since: Option<Timestamp>,
    /// When it was last heard before the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_before: Option<Timestamp>,
    /// Times at which it was heard besides those of the events that were read.
    #[serde(default)]
    pub heard: Vec<Timestamp>,
}

/// An event without its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedEvent {
    /// The id.
    pub id: EventId,
    /// The engine.
    pub engine: Engine,
    /// The type.
    pub event_type: EventType,
    /// The severity.
    pub severity: Severity,
    /// When AGE accepted the event.
    pub occurred_at: Timestamp,
    /// The event whose problem this one reports as resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolves: Option<EventId>,
    /// The alert that it reports, if it came from Alertmanager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<RecordedAlert>,
}

/// The alert of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedAlert {
    /// Whether the alert fires or is resolved.
    pub status: AlertStatus,
    /// The sender's word for the severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_word: Option<String>,
}

/// An action as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedAction {
    /// The event that the action is for.
    pub event_id: EventId,
    /// The action.
    pub action: Action,
    /// The engine of the event.
    pub engine: Engine,
    /// The type of the event.
    pub event_type: EventType,
    /// The severity of the event.
    pub severity: Severity,
    /// The status.
    pub status: ActionStatus,
    /// When it was planned.
    pub created_at: Timestamp,
    /// The policy that planned it.
    pub policy_hash: String,
    /// When it was dispatched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
    /// When its outcome was reported, or it ended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When it became verified or ineffective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// Its approval, if it needed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<RecordedApproval>,
    /// The event whose same action suppressed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_by: Option<EventId>,
}

/// The approval of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedApproval {
    /// Until when it could be approved.
    pub approve_by: Timestamp,
    /// The decision of a responder, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ApprovalDecision>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// When people were last notified of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_at: Option<Timestamp>,
}

/// An incident as it is now, with what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedIncident {
    /// The id.
    pub id: IncidentId,
    /// Why it was opened.
    pub cause: IncidentCause,
    /// The highest severity of its events.
    pub severity: Severity,
    /// The status.
    pub status: IncidentStatus,
    /// The event that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The number of its events.
    pub events: u64,
    /// How many of its remediations failed.
    pub failed_remediations: u64,
    /// When its key was last heard, if it is the latest incident of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heard_at: Option<Timestamp>,
    /// The `notify_admin` action of this event stands for its notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_admin: Option<EventId>,
    /// The changes by people and AGE, in order.
    pub changes: Vec<RecordedChange>,
    /// The notifications about it, in order.
    pub notifications: Vec<Notification>,
}

/// A change of an incident by a person or AGE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedChange {
    /// The kind of the change.
    pub kind: IncidentChangeKind,
    /// When.
    pub at: Timestamp,
    /// The credential that did it. None: AGE did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
}

/// The records that a history does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The number of events that were not read, because the period has too many.
    pub events: u64,
    /// Since when all events are read that a policy may act on, if not since the beginning of the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_since: Option<Timestamp>,
    /// The number of rows that this version of AGE cannot read.
    pub unreadable: u64,
    /// Since when all decisions are read, if not since the beginning of the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions_complete_since: Option<Timestamp>,
    /// The number of incidents of which not all notifications or changes were read.
    pub incidents_cut: u64,
    /// The number of incidents about permits without an event and operations without a permit. Simulations do not compare permits with
    /// events.
    #[serde(default)]
    pub incidents_about_permits: u64,
}

impl History {
    /// The version of the JSON.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Returns the events that a person can have seen under `draft` with another severity, because it maps words of alerts otherwise
    /// than `active`; None if all severities stay.
    pub(crate) fn with_alert_severities(&self, active: &Policy, draft: &Policy) -> Option<Self> {
        if active.alertmanager == draft.alertmanager {
            return None;
        }
        let mut mapped = self.clone();
        for event in mapped.events.iter_mut().chain(&mut mapped.earlier_events) {
            let Some(RecordedAlert { status: AlertStatus::Firing, severity_word }) = &event.alert else { continue };
            let severity = |policy: &Policy| policy.alertmanager.severity(severity_word.as_deref()).get();
            if severity(active) == event.severity {
                event.severity = severity(draft);
            }
        }
        Some(mapped)
    }
}

impl RecordedEvent {
    /// Returns the event without its details.
    #[must_use]
    pub fn to_event(&self) -> Event {
        let reported = NewEvent {
            engine: self.engine,
            event_type: self.event_type.clone(),
            severity: self.severity,
            details: age_model::Details::default(),
            source_time: None,
            decision_id: None,
        };
        Event { id: self.id, reported, occurred_at: self.occurred_at, reported_by: None, resolves: self.resolves }
    }

    /// Returns the incident key.
    #[must_use]
    pub fn key(&self) -> IncidentKey {
        IncidentKey { engine: self.engine, event_type: self.event_type.clone() }
    }
}

impl From<&ActionItem> for RecordedAction {
    fn from(item: &ActionItem) -> Self {
        let decision = item.decided_by.as_ref().map(|_| match item.status {
            ActionStatus::Denied => ApprovalDecision::Deny,
            _ => ApprovalDecision::Approve,
        });
        let approval = |approve_by| RecordedApproval {
            approve_by,
            decision,
            decided_at: item.decided_at,
            notified_at: item.approval_notified_at,
        };
        Self {
            event_id: item.event_id,
            action: item.action,
            engine: item.engine,
            event_type: item.event_type.clone(),
            severity: item.severity,
            status: item.status,
            created_at: item.created_at,
            policy_hash: item.policy_hash.clone(),
            dispatched_at: item.dispatched_at,
            completed_at: item.completed_at,
            verified_at: item.verified_at,
            approval: item.approve_by.map(approval),
            suppressed_by: item.suppressed_by,
        }
    }
}

impl RecordedAction {
    /// Returns what its worker reported, and how long after its dispatch, in milliseconds.
    #[must_use]
    pub fn outcome(&self) -> Option<(Outcome, i64)> {
        let outcome = match self.status {
            ActionStatus::Failed => Outcome::Failed,
            ActionStatus::Succeeded | ActionStatus::Verified | ActionStatus::Ineffective => Outcome::Succeeded,
            _ => return None,
        };
        // A worker may report before the dispatch is recorded.
        let since = self.dispatched_at.unwrap_or(self.created_at);
        Some((outcome, self.completed_at?.millis() - since.millis()))
    }

    /// Whether it was over before `time`: it had ended, or is a message to people about an earlier event.
    pub(crate) fn was_over_before(&self, time: Timestamp) -> bool {
        let ended_at = match self.status {
            ActionStatus::Suppressed => Some(self.created_at),
            ActionStatus::Denied => self.approval.as_ref().and_then(|approval| approval.decided_at),
            ActionStatus::Verified | ActionStatus::Ineffective => self.verified_at,
            status if status.is_final() => self.completed_at,
            _ => None,
        };
        let is_message = !self.action.is_remediation() && self.created_at < time;
        is_message || ended_at.is_some_and(|at| at < time)
    }

    /// Returns the incident key.
    #[must_use]
    pub fn key(&self) -> IncidentKey {
        IncidentKey { engine: self.engine, event_type: self.event_type.clone() }
    }
}
