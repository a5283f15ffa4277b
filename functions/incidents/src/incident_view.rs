//! An incident in responses.

use age_model::{
    Engine, EventId, EventType, FailedRemediation, IncidentCause, IncidentId, IncidentStatus, KeyId,
    NotificationFailure, Severity, StatusChange, Timestamp,
};
use age_store::IncidentRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// An incident.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentView {
    /// The id: the engine, the time of the opening in milliseconds, and the event type, escaped.
    #[schema(value_type = String)]
    id: IncidentId,
    engine: Engine,
    event_type: EventType,
    /// Event types of the engine that had open incidents when this one was opened, and that people may confuse with its own: they are
    /// written in other characters that look the same (UTS #39). At most three.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    looks_like: Vec<EventType>,
    status: IncidentStatus,
    cause: IncidentCause,
    severity: Severity,
    opened_at: Timestamp,
    /// The event that opened the incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    /// The credential that reported that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_by: Option<KeyId>,
    /// The policy version by which the incident was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    policy_hash: Option<String>,
    /// Number of HIGH and CRITICAL events since the incident was opened, including the one that opened it.
    event_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_at: Option<Timestamp>,
    /// Number of remediations that failed, timed out, were ineffective or undeliverable.
    failed_remediation_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failed_remediation: Option<FailedRemediation>,
    /// Number of messages to people about the incident.
    notification_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_notification_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated_at: Option<Timestamp>,
    /// When all of its events were reported as resolved, unless the problem was reported again since.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_resolved_at: Option<Timestamp>,
    /// Why people could not be notified, if the latest notification was refused. It was set aside, and is tried again every 4 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_failure: Option<NotificationFailure>,
    /// The latest acknowledgement since it was opened or reopened.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<StatusChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<StatusChange>,
    /// The latest reopening.
    #[serde(skip_serializing_if = "Option::is_none")]
    reopened: Option<StatusChange>,
}

impl From<IncidentRecord> for IncidentView {
    fn from(IncidentRecord { id, incident, counters }: IncidentRecord) -> Self {
        Self {
            engine: id.key.engine,
            event_type: id.key.event_type.clone(),
            looks_like: incident.looks_like,
            id,
            status: incident.status,
            cause: incident.cause,
            severity: incident.severity,
            opened_at: incident.opened_at,
            event_id: incident.event_id,
            opened_by: incident.opened_by,
            policy_hash: incident.policy_hash,
            event_count: counters.events,
            last_event_at: counters.last_event_at,
            failed_remediation_count: incident.failed_remediations,
            last_failed_remediation: incident.last_failed_remediation,
            notification_count: incident.notifications,
            last_notification_at: incident.last_notification_at,
            escalated_at: incident.escalated_at,
            reported_resolved_at: incident.reported_resolved_at,
            notification_failure: incident.notification_failure,
            acknowledged: incident.acknowledged,
            resolved: incident.resolved,
            reopened: incident.reopened,
        }
    }
}
