//! What callers and AGE did with an incident: each change of its status, and each comment.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::credential::KeyId;
use crate::incident::{IncidentId, IncidentStatus, StatusChange};
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// The kind of a change of an incident.
    IncidentChangeKind {
        /// A responder acknowledged the incident.
        Acknowledged = "acknowledged",
        /// A responder acknowledged the incident in place of the one who had acknowledged it.
        TakenOver = "taken_over",
        /// A responder commented on the incident. Its status did not change.
        Commented = "commented",
        /// The incident was resolved.
        Resolved = "resolved",
        /// A responder reopened the incident.
        Reopened = "reopened",
    }
}

/// A change of an incident, as its timeline shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentChange {
    /// The number within the incident, from 1, without gaps.
    pub number: u32,
    /// What was done.
    pub kind: IncidentChangeKind,
    /// When it was done.
    pub at: Timestamp,
    /// The credential that did it. None: AGE did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// The note that the caller added. A comment always has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl IncidentChange {
    /// Returns the change with this number and kind, with time, caller and note of `change`.
    #[must_use]
    pub fn new(number: u32, kind: IncidentChangeKind, change: StatusChange) -> Self {
        let StatusChange { at, by, note } = change;
        Self { number, kind, at, by, note }
    }
}

/// Why an incident could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IncidentConflict {
    /// The incident's status does not permit the change.
    #[error("the incident is {status} already{}", by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default())]
    Status {
        /// The incident's status.
        status: IncidentStatus,
        /// The credential that set this status, if one did.
        by: Option<KeyId>,
    },
    /// The incident was resolved too long ago to be reopened.
    #[error(
        "the incident was resolved {}, and can be reopened within 24 hours only; if the problem comes back, AGE opens a new incident",
        resolved_at.in_words()
    )]
    ReopenedTooLate {
        /// When the incident was resolved.
        resolved_at: Timestamp,
    },
    /// The incident cannot be reopened, because a newer one of its key exists.
    #[error("the incident cannot be reopened, because {newer} was opened after it; work on that one")]
    NewerIncident {
        /// The latest incident of the key.
        newer: IncidentId,
    },
    /// The incident's timeline has as many changes as it may have.
    #[error(
        "the incident has {max} changes and comments already, and takes no more comments; it can still be resolved"
    )]
    TooManyChanges {
        /// The most changes of an incident.
        max: u32,
    },
}
