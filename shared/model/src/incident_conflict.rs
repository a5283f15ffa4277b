//! Why a person's change of an incident is refused.

use thiserror::Error;

use crate::credential::KeyId;
use crate::incident::{IncidentId, IncidentStatus};
use crate::time::Timestamp;

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
