//! What a person is told about: one incident for each kind of trouble that is wrong, however many events say so.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::{Action, ActionStatus, EventId, IncidentKey, KeyId, Severity, Timestamp};

crate::string_enum::string_enum! {
    /// Whether somebody has taken an incident.
    IncidentStatus {
        /// Nobody has.
        Open = "open",
        /// Somebody has.
        Acknowledged = "acknowledged",
        /// It is over.
        Resolved = "resolved",
    }
}

crate::string_enum::string_enum! {
    /// Why an incident was opened.
    IncidentCause {
        /// A CRITICAL event.
        CriticalEvent = "critical_event",
        /// A remedy that failed, was not answered, was of no use or could not be handed over.
        FailedRemediation = "failed_remediation",
        /// Remedies were of no use too often: none is started any more.
        GivenUp = "given_up",
        /// An engine that says nothing.
        EngineSilent = "engine_silent",
    }
}

crate::string_enum::string_enum! {
    /// Why people are written to about an incident.
    NotificationKind {
        /// It was opened.
        Initial = "initial",
        /// More has come.
        Digest = "digest",
        /// Nobody has acknowledged it yet.
        Reminder = "reminder",
        /// Nobody has acknowledged it in time: other people are told, too.
        Escalation = "escalation",
        /// It has resolved itself.
        Resolution = "resolution",
    }
}

/// Names one incident: the kind of trouble and the moment it was opened. One id, one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentId {
    /// What kind of trouble it is about.
    pub key: IncidentKey,
    /// When it was opened: no two of a kind are opened in the same millisecond.
    pub opened_at: Timestamp,
}

/// A text that names no incident.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is not the id of an incident")]
pub struct InvalidIncidentId;

/// Between the parts of an id.
const SEPARATOR: char = '.';

/// What an event type keeps in an id. The rest is percent-encoded with a `~`, which no gateway decodes on the way. A dot at
/// the end of a link would be lost: mail programs take it for the end of a sentence.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

impl fmt::Display for IncidentId {
    /// Stands in a path as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_type = utf8_percent_encode(self.key.event_type.as_str(), KEPT).to_string().replace('%', "~");
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

/// An incident, from the moment it is opened until it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When it was opened; with its kind, its name.
    pub opened_at: Timestamp,
    /// Why.
    pub cause: IncidentCause,
    /// The worst severity of its events.
    pub severity: Severity,
    /// Whether somebody has taken it.
    pub status: IncidentStatus,
    /// The event it began with. None for silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The `notify_admin` that its notices carry out: that of its first CRITICAL event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_admin: Option<NotifyAdmin>,
    /// How many remedies have come to a bad end, and the latest of them.
    #[serde(default)]
    pub failed_remediations: u64,
    /// The latest remedy that came to a bad end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_remediation: Option<FailedRemediation>,
    /// What people have been told of.
    #[serde(default)]
    pub notified: NotifiedCounts,
    /// How many notices there have been.
    #[serde(default)]
    pub notifications: u32,
    /// When people were last written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_notification_at: Option<Timestamp>,
    /// When the second line was last written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_at: Option<Timestamp>,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<StatusChange>,
    /// Who ended it, or that it has ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<StatusChange>,
    /// Until when somebody is writing to people about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_expires_at: Option<Timestamp>,
    /// When it is to be looked at again.
    ///
    /// INVARIANT: an incident that is not over is always due for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// A `notify_admin`, which is as far as its incident: `dispatched` when people were written to, `succeeded` when somebody
/// has taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyAdmin {
    /// The event it is for.
    pub event_id: EventId,
    /// How far it has come.
    pub status: ActionStatus,
}

/// What people have been told of: as many events and bad ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifiedCounts {
    /// Events.
    pub events: u64,
    /// Remedies that came to a bad end.
    pub failed_remediations: u64,
}

/// A remedy that came to a bad end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedRemediation {
    /// Which.
    pub action: Action,
    /// For which event.
    pub event_id: EventId,
    /// How it ended.
    pub status: ActionStatus,
    /// When.
    pub at: Timestamp,
}

/// What somebody did about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusChange {
    /// When.
    pub at: Timestamp,
    /// Who. None if nobody: it came about by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// What they said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What is counted of an incident while it is open, without a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IncidentCounters {
    /// HIGH and CRITICAL events since it was opened, and the one that it began with.
    pub events: u64,
    /// When the latest of them came.
    pub last_event_at: Option<Timestamp>,
}

/// One notice about an incident, as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its number, from 1. A notice that had to be sent again has the same.
    pub number: u32,
    /// Why.
    pub kind: NotificationKind,
    /// When.
    pub at: Timestamp,
    /// How many events it speaks of that no notice before it spoke of. All of them together are the incident's events.
    pub new_event_count: u64,
    /// How many there were in all.
    pub event_count: u64,
    /// How many incidents its e-mail speaks of.
    pub incident_count: u64,
}

/// The move is one that an incident in this state does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the incident is {status} already{}", by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default())]
pub struct IncidentStatusConflict {
    /// Its state.
    pub status: IncidentStatus,
    /// By whom, if by anybody.
    pub by: Option<KeyId>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Engine, EventType};

    fn id(event_type: &str) -> IncidentId {
        IncidentId {
            key: IncidentKey { engine: Engine::Billing, event_type: event_type.parse().unwrap() },
            opened_at: "2026-11-23T03:12:45.678Z".parse().unwrap(),
        }
    }

    #[test]
    fn ids_can_be_read_and_stand_in_a_path() {
        assert_eq!(id("invoice_sync.failed").to_string(), "billing.1795403565678.invoice_sync~2Efailed");
        assert_eq!(id("a b/~é").to_string(), "billing.1795403565678.a~20b~2F~7E~C3~A9");
    }

    #[test]
    fn one_id_has_one_text() {
        let good = "billing.1795403565678.a~20b";
        assert_eq!(good.parse::<IncidentId>().unwrap(), id("a b"));
        for bad in [
            "",
            "..",
            "billing",
            "billing.1",
            "billing.1.",
            "mail.1795403565678.a",
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

    proptest! {
        #[test]
        fn ids_round_trip(name in "\\PC{1,40}") {
            if name.parse::<EventType>().is_ok() {
                let id = id(&name);
                prop_assert_eq!(id.to_string().parse::<IncidentId>(), Ok(id));
            }
        }

        #[test]
        fn any_text_is_an_id_or_is_refused(text in ".{0,60}") {
            if let Ok(id) = text.parse::<IncidentId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
