//! Incidents: what people are notified about. All events of an incident key belong to one incident until it is resolved.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::action::{Action, ActionStatus};
use crate::credential::KeyId;
use crate::event::EventType;
use crate::id::EventId;
use crate::incident_change::{IncidentChange, StatusChange};
use crate::incident_key::IncidentKey;
use crate::notification_failure::NotificationFailure;
use crate::severity::Severity;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// The status of an incident.
    IncidentStatus {
        /// Nobody has acknowledged the incident.
        Open = "open",
        /// A responder has acknowledged the incident.
        Acknowledged = "acknowledged",
        /// A responder resolved the incident, or it resolved by itself. Later events of its key do not belong to it.
        Resolved = "resolved",
    }
}

crate::string_enum::open_string_enum! {
    /// Why an incident was opened.
    IncidentCause {
        /// An event of a severity from which the policy opens incidents: CRITICAL by default.
        CriticalEvent = "critical_event",
        /// A remediation that failed, timed out, was ineffective or could not be dispatched.
        FailedRemediation = "failed_remediation",
        /// Remediations were ineffective too often, and AGE starts no more of them for some time.
        GivenUp = "given_up",
        /// An engine that has reported nothing for longer than its expected interval.
        EngineSilent = "engine_silent",
        /// Events of many types of an engine that has too many open incidents. The incident gathers what would open more.
        ManyEventTypes = "many_event_types",
        /// Permits of an engine of which no event has reported the operation in time.
        PermitWithoutEvent = "permit_without_event",
        /// Events of an engine that report operations without a permit.
        OperationWithoutPermit = "operation_without_permit",
    }
}

crate::string_enum::open_string_enum! {
    /// The kind of a notification about an incident.
    NotificationKind {
        /// The incident was opened.
        Initial = "initial",
        /// The incident has new events or failed remediations.
        Digest = "digest",
        /// The incident is still not acknowledged.
        Reminder = "reminder",
        /// The incident was not acknowledged in time, so the second line is notified.
        Escalation = "escalation",
        /// The incident has resolved by itself.
        Resolution = "resolution",
    }
}

impl IncidentCause {
    /// Returns why an incident was opened, for a sentence such as `Incident opened: …` in a page or timeline.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::CriticalEvent => "CRITICAL event",
            Self::FailedRemediation => "failed remediation",
            Self::GivenUp => "remediations were ineffective too often; AGE starts no more of them",
            Self::EngineSilent => "silent engine",
            Self::ManyEventTypes => "too many open incidents: this one gathers further event types",
            Self::PermitWithoutEvent => "permits without an event that reports their operation",
            Self::OperationWithoutPermit => "operations that ran without a permit",
            Self::Unknown(cause) => cause.as_str(),
        }
    }
}

impl NotificationKind {
    /// Returns the kind in the words of a timeline.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Initial => "initial notification",
            Self::Digest => "digest",
            Self::Reminder => "reminder, not acknowledged yet",
            Self::Escalation => "escalation to the second line, not acknowledged yet",
            Self::Resolution => "resolution",
            Self::Unknown(kind) => kind.as_str(),
        }
    }
}

/// The id of an incident: its incident key and the time at which it was opened. An id has one text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncidentId {
    /// The incident key.
    pub key: IncidentKey,
    /// When the incident was opened. Two incidents of one key are never opened in the same millisecond.
    pub opened_at: Timestamp,
}

/// The text is not the id of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be an incident id such as billing.1795403565678.invoice_sync_failed")]
pub struct InvalidIncidentId;

/// Separates the parts of an id.
const SEPARATOR: char = '.';

/// The characters of an event type that an id escapes as percent-encoding does, but with `~`, which gateways do not decode.
/// Dots are escaped, because mail programs exclude a dot at the end from a link.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

impl fmt::Display for IncidentId {
    /// Writes a text that can be a segment of a URL path without further encoding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_type = utf8_percent_encode(self.key.event_type.as_str(), ESCAPED).to_string().replace('%', "~");
        write!(f, "{}{SEPARATOR}{}{SEPARATOR}{event_type}", self.key.engine, self.opened_at.millis())
    }
}

impl FromStr for IncidentId {
    type Err = InvalidIncidentId;

    fn from_str(text: &str) -> Result<Self, InvalidIncidentId> {
        let mut parts = text.splitn(3, SEPARATOR);
        let mut next = || parts.next().ok_or(InvalidIncidentId);
        let (engine, opened_at, event_type) = (next()?, next()?, next()?.replace('~', "%"));
        let event_type = percent_decode_str(&event_type).decode_utf8().map_err(|_| InvalidIncidentId)?;
        let id = Self {
            key: IncidentKey {
                engine: engine.parse().map_err(|_| InvalidIncidentId)?,
                event_type: event_type.parse().map_err(|_| InvalidIncidentId)?,
            },
            opened_at: Timestamp::from_millis(opened_at.parse().map_err(|_| InvalidIncidentId)?),
        };
        if id.to_string() == text { Ok(id) } else { Err(InvalidIncidentId) }
    }
}

impl Serialize for IncidentId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IncidentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An incident, from its opening to its resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When it was opened. Together with the incident key this is its id.
    pub opened_at: Timestamp,
    /// Why it was opened.
    pub cause: IncidentCause,
    /// The highest severity of its events.
    pub severity: Severity,
    /// Whether it is open, acknowledged or resolved.
    pub status: IncidentStatus,
    /// The event that opened it. None for a silent engine, and for permits without an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The credential that reported that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<KeyId>,
    /// The policy version by which it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<String>,
    /// Event types of its engine that had open incidents when it was opened, and that people may confuse with its own: other characters
    /// that look the same. At most three.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks_like: Vec<EventType>,
    /// The `notify_admin` action that its notifications carry out: that of its first CRITICAL event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_admin: Option<NotifyAdmin>,
    /// How many of its remediations have failed.
    #[serde(default)]
    pub failed_remediations: u64,
    /// The latest remediation that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_remediation: Option<FailedRemediation>,
    /// How much of it people have been notified of.
    #[serde(default)]
    pub notified: NotifiedCounts,
    /// How many notifications were sent.
    #[serde(default)]
    pub notifications: u32,
    /// When the first line was last notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_notification_at: Option<Timestamp>,
    /// When the second line was last notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_at: Option<Timestamp>,
    /// Who has it, and since when: the latest acknowledgement. None if nobody has acknowledged it since it was opened or reopened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<StatusChange>,
    /// When it was first acknowledged, if it was. Neither a takeover nor a reopening changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_acknowledged_at: Option<Timestamp>,
    /// By whom and when it was resolved, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<StatusChange>,
    /// When its sender reported that the problem is resolved, if it has and the problem was not reported again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_resolved_at: Option<Timestamp>,
    /// Why people could not be notified of it, if the latest notification was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_failure: Option<NotificationFailure>,
    /// By whom and when it was last reopened, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<StatusChange>,
    /// The latest change of its status, or the latest comment. All of them have rows of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change: Option<IncidentChange>,
    /// Until when one sender may notify people of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_expires_at: Option<Timestamp>,
    /// When the sweep looks at it again.
    ///
    /// INVARIANT: an incident that is not resolved always has a due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

impl Incident {
    /// Whether the first line has not been notified of the incident yet.
    #[must_use]
    pub fn awaits_initial_notification(&self) -> bool {
        self.last_notification_at.is_none() && self.status != IncidentStatus::Resolved
    }

    /// Returns when it was opened, or last reopened: since when people have to respond to it.
    #[must_use]
    pub fn open_since(&self) -> Timestamp {
        self.reopened.as_ref().map_or(self.opened_at, |change| change.at)
    }
}

/// A `notify_admin` action, whose status follows its incident: `dispatched` once people were notified, `succeeded` once the
/// incident is acknowledged or resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyAdmin {
    /// The event that the action is for.
    pub event_id: EventId,
    /// The action's status.
    pub status: ActionStatus,
}

/// How much of an incident people have been notified of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifiedCounts {
    /// The number of events.
    pub events: u64,
    /// The number of failed remediations.
    pub failed_remediations: u64,
    /// When the problem was reported as resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_resolved_at: Option<Timestamp>,
}

/// A remediation that failed, timed out, was ineffective or could not be dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedRemediation {
    /// The action.
    pub action: Action,
    /// The event that the action was for.
    pub event_id: EventId,
    /// The status with which it ended.
    pub status: ActionStatus,
    /// When it ended.
    pub at: Timestamp,
}

/// The counters of an incident, which change with every event without a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IncidentCounters {
    /// The events since the incident was opened, including the one that opened it.
    pub events: u64,
    /// When the latest of these events was accepted.
    pub last_event_at: Option<Timestamp>,
    /// How many of these events have been reported as resolved.
    pub resolved_events: u64,
    /// When a HIGH or CRITICAL event of the incident's key, or a repeat of one, was last heard; up to a minute earlier than that.
    pub last_heard_at: Option<Timestamp>,
}

/// A notification about an incident, as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The number within the incident, from 1. A notification that is sent again has the same number.
    pub number: u32,
    /// Why it was sent.
    pub kind: NotificationKind,
    /// When it was sent.
    pub at: Timestamp,
    /// How many events it reports that no earlier notification reported.
    pub new_event_count: u64,
    /// How many events the incident had.
    pub event_count: u64,
    /// How many incidents its e-mail is about.
    pub incident_count: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::Engine;

    fn id(event_type: &str) -> IncidentId {
        IncidentId {
            key: IncidentKey { engine: Engine::from_static("billing"), event_type: event_type.parse().unwrap() },
            opened_at: "2026-11-23T03:12:45.678Z".parse().unwrap(),
        }
    }

    #[test]
    fn incident_id_is_readable_and_safe_in_a_url_path() {
        assert_eq!(id("invoice_sync.failed").to_string(), "billing.1795403565678.invoice_sync~2Efailed");
        assert_eq!(id("a b/~é").to_string(), "billing.1795403565678.a~20b~2F~7E~C3~A9");
    }

    #[test]
    fn incident_id_has_one_text() {
        let good = "billing.1795403565678.a~20b";
        assert_eq!(good.parse::<IncidentId>().unwrap(), id("a b"));
        for bad in [
            "",
            "..",
            "billing",
            "billing.1",
            "billing.1.",
            "Mail.1795403565678.a",
            "billing.01795403565678.a",
            "billing.1795403565678.a b",
            "billing.1795403565678.a~2f",
            "billing.1795403565678.a~61",
            "billing.1795403565678.a~2",
            "billing.1795403565678.~ff",
            "billing.99999999999999999999.a",
        ] {
            assert_eq!(bad.parse::<IncidentId>(), Err(InvalidIncidentId), "{bad}");
        }
    }

    #[test]
    fn incident_id_may_name_an_engine_of_a_later_version() {
        let text = "quantum.1795403565678.a";
        let id: IncidentId = text.parse().unwrap();
        assert_eq!((id.key.engine, id.to_string().as_str()), (Engine::from_static("quantum"), text));
    }

    proptest! {
        #[test]
        fn incident_id_round_trips(name in "\\PC{1,40}") {
            if name.parse::<EventType>().is_ok() {
                let id = id(&name);
                prop_assert_eq!(id.to_string().parse::<IncidentId>(), Ok(id));
            }
        }

        #[test]
        fn arbitrary_text_round_trips_or_is_refused(text in ".{0,60}") {
            if let Ok(id) = text.parse::<IncidentId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
