//! Notifications of incidents and of approvals, of actions and of operations, as JSON.

use age_model::{
    Action, ActionItem, ActionStatus, ApprovalNotificationKind, Decision, DecisionApprovalStatus, DecisionId,
    DecisionReason, DecisionRequest, Engine, Event, EventId, EventType, FailedRemediation, IncidentCause, IncidentId,
    IncidentStatus, NotificationKind, PolicyHash, Severity, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::approval_text::NotifiedApproval;
use crate::decision_text::NotifiedDecision;
use crate::incident_text::{Cause, NotifiedIncident};

/// The incidents and approvals of which a message notifies people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationContent<'a> {
    /// The highest severity.
    pub(crate) severity: Severity,
    /// The incidents, the oldest first.
    pub(crate) incidents: Vec<IncidentNotification<'a>>,
    /// The approvals of actions, the oldest first.
    pub(crate) approvals: Vec<ApprovalNotification<'a>>,
    /// The decisions whose operations need an approval, the oldest first.
    pub(crate) decisions: Vec<DecisionNotification<'a>>,
}

/// An incident of which people are notified.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IncidentNotification<'a> {
    kind: NotificationKind,
    /// The id of the incident in the API.
    #[schema(value_type = String)]
    id: &'a IncidentId,
    engine: Engine,
    event_type: &'a EventType,
    severity: Severity,
    status: IncidentStatus,
    cause: IncidentCause,
    opened_at: Timestamp,
    /// Number of HIGH and CRITICAL events since the incident was opened, including the one that opened it.
    event_count: u64,
    /// Number of those events that no earlier notification to the first line was about.
    new_event_count: u64,
    /// Number of remediations that failed, timed out, were ineffective or undeliverable.
    failed_remediation_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failed_remediation: Option<FailedRemediation>,
    /// The words of the worker about the last failed remediation.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_detail: Option<&'a str>,
    /// When all of its events were reported as resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_resolved_at: Option<Timestamp>,
    /// Event types that people may confuse with its own: they are written in other characters that look the same.
    #[serde(skip_serializing_if = "<[EventType]>::is_empty")]
    looks_like: &'a [EventType],
    /// The event that opened the incident. Only if the message is about one incident and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a Event>,
    /// The actions of that event, and what has come of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<TakenAction<'a>>,
    links: Links,
}

/// An action, and what has come of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TakenAction<'a> {
    action: Action,
    status: ActionStatus,
    /// The worker's note on the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

/// The approval of an action, of which people are notified.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApprovalNotification<'a> {
    kind: ApprovalNotificationKind,
    action: Action,
    /// The action in one sentence.
    description: &'static str,
    event_id: EventId,
    engine: Engine,
    event_type: &'a EventType,
    severity: Severity,
    status: ActionStatus,
    requested_at: Timestamp,
    /// Until when a responder can approve or deny the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    approve_by: Option<Timestamp>,
    /// SHA-256 of the action, its event and its policy, hexadecimal. An approval repeats it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: &'a str,
    links: Links,
}

/// A decision whose operation needs an approval, of which people are notified.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionNotification<'a> {
    kind: ApprovalNotificationKind,
    id: DecisionId,
    engine: Engine,
    subject_type: &'a str,
    subject_id: &'a str,
    /// The name of the action, as the engine asked.
    action: &'a str,
    resource_type: &'a str,
    resource_id: &'a str,
    /// Why the operation needs an approval: at most 20 reasons. The decision has all of them.
    reasons: &'a [DecisionReason],
    status: DecisionApprovalStatus,
    requested_at: Timestamp,
    /// Until when a responder can approve or deny the operation, and an approval may be used.
    approve_by: Timestamp,
    /// SHA-256 of the operation and the policy version, hexadecimal. An approval repeats it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: &'a str,
    policy_hash: PolicyHash,
    /// Whether the policy version that decided is the active one. An approval under another one permits nothing.
    is_policy_active: bool,
    links: Links,
}

/// Where a person or a program goes on. Paths, if the address of the API is not configured.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// The page of the dashboard.
    dashboard: String,
    /// The resource of the API: an incident to read, or an approval to post.
    api: String,
}

impl<'a> IncidentNotification<'a> {
    pub(crate) fn new(notified: &NotifiedIncident<'a>, cause: Cause<'a>, api: &str) -> Self {
        let NotifiedIncident { id, incident, counters, kind, worker_detail } = *notified;
        let taken = |item: &'a ActionItem| TakenAction {
            action: item.action,
            status: item.status,
            detail: item.detail.as_deref(),
        };
        Self {
            kind,
            id,
            engine: id.key.engine,
            event_type: &id.key.event_type,
            severity: incident.severity,
            status: incident.status,
            cause: incident.cause,
            opened_at: incident.opened_at,
            event_count: counters.events,
            new_event_count: counters.events.saturating_sub(incident.notified.events),
            failed_remediation_count: incident.failed_remediations,
            last_failed_remediation: incident.last_failed_remediation,
            worker_detail,
            reported_resolved_at: incident.reported_resolved_at,
            looks_like: &incident.looks_like,
            event: cause.map(|(event, _)| event),
            actions: cause.map(|(_, actions)| actions.iter().map(taken).collect()).unwrap_or_default(),
            links: Links { dashboard: notified.page(api), api: format!("{api}/api/governance/incidents/{id}") },
        }
    }
}

impl<'a> ApprovalNotification<'a> {
    pub(crate) fn new(notified: &NotifiedApproval<'a>, api: &str) -> Self {
        let NotifiedApproval { item, kind, .. } = *notified;
        Self {
            kind,
            action: item.action,
            description: item.action.description(),
            event_id: item.event_id,
            engine: item.engine,
            event_type: &item.event_type,
            severity: item.severity,
            status: item.status,
            requested_at: item.created_at,
            approve_by: item.approve_by,
            digest: &item.digest,
            links: Links { dashboard: notified.page(api), api: notified.resource(api) },
        }
    }
}

impl<'a> DecisionNotification<'a> {
    pub(crate) fn new(notified: &NotifiedDecision<'a>, api: &str) -> Self {
        let NotifiedDecision { decision, approval, kind, is_policy_active, .. } = *notified;
        let Decision { id, engine, decided_at, request, policy_hash, .. } = decision;
        let DecisionRequest { subject_type, subject_id, action, resource_type, resource_id, .. } = request;
        Self {
            kind,
            id: *id,
            engine: *engine,
            subject_type,
            subject_id,
            action,
            resource_type,
            resource_id,
            reasons: notified.reasons(),
            status: approval.status,
            requested_at: *decided_at,
            approve_by: approval.until,
            digest: &approval.digest,
            policy_hash: *policy_hash,
            is_policy_active,
            links: Links { dashboard: notified.page(api), api: notified.resource(api) },
        }
    }
}
