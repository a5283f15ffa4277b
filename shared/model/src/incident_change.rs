//! What callers and AGE did with an incident: each change of its status, and each comment.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::credential::KeyId;
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

impl IncidentChangeKind {
    /// Returns the change in the words of a timeline, for a sentence such as `Acknowledged by night-desk`.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Acknowledged => "Acknowledged",
            Self::TakenOver => "Taken over",
            Self::Commented => "Comment",
            Self::Resolved => "Resolved",
            Self::Reopened => "Reopened",
            Self::Unknown(change) => change.as_str(),
        }
    }
}

/// A change of an incident's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusChange {
    /// When the status changed.
    pub at: Timestamp,
    /// The credential that changed it. None: AGE changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<KeyId>,
    /// The note that the caller added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
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
    /// The policy version that was active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<String>,
}

impl IncidentChange {
    /// Returns the change with this number and kind, with time, caller and note of `change`. It names no policy version yet.
    #[must_use]
    pub fn new(number: u32, kind: IncidentChangeKind, change: StatusChange) -> Self {
        let StatusChange { at, by, note } = change;
        Self { number, kind, at, by, note, policy_hash: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_its_own_description_and_a_later_one_its_word() {
        let descriptions: std::collections::BTreeSet<_> =
            IncidentChangeKind::ALL.iter().map(|kind| kind.description()).collect();
        assert_eq!(descriptions.len(), IncidentChangeKind::ALL.len());
        assert_eq!(IncidentChangeKind::stored("delegated").description(), "delegated");
    }
}
