//! An incident as callers see it.

use model::{Alarm, Cause, Engine, EventId, EventType, IncidentId, IncidentStatus, Mark, Severity, Timestamp};
use serde::Serialize;
use store::Known;
use utoipa::ToSchema;

/// An incident as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Incident)]
#[serde(rename_all = "camelCase")]
pub(crate) struct View {
    #[schema(value_type = String)]
    id: IncidentId,
    engine: Engine,
    event_type: EventType,
    status: IncidentStatus,
    cause: Cause,
    severity: Severity,
    opened_at: Timestamp,
    /// The event it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    /// HIGH and CRITICAL events since it was opened, and the one that it began with.
    events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_at: Option<Timestamp>,
    /// Remedies that came to a bad end.
    alarms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_alarm: Option<Alarm>,
    notices: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_notice_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_line_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Mark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<Mark>,
}

impl From<Known> for View {
    fn from(Known { id, incident, tally }: Known) -> Self {
        Self {
            engine: id.kind.engine,
            event_type: id.kind.event_type.clone(),
            id,
            status: incident.status,
            cause: incident.cause,
            severity: incident.severity,
            opened_at: incident.opened_at,
            event_id: incident.event_id,
            events: tally.events,
            last_event_at: tally.last_event_at,
            alarms: incident.alarms,
            last_alarm: incident.last_alarm,
            notices: incident.notices,
            last_notice_at: incident.last_notice_at,
            second_line_at: incident.second_line_at,
            acknowledged: incident.acknowledged,
            resolved: incident.resolved,
        }
    }
}
