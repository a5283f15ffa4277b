//! Alerts: problems that a sender reports again and again while they last, and then as resolved.

use crate::content_hash;
use crate::idempotency_key::IdempotencyKey;

crate::string_enum::string_enum! {
    /// The status of an alert.
    AlertStatus {
        /// The problem lasts.
        Firing = "firing",
        /// The problem is over.
        Resolved = "resolved",
    }
}

/// An alert as its sender identifies it, such as by fingerprint and start. It may fire, be resolved and fire again: these are its
/// occurrences.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertId {
    intake: &'static str,
    parts: String,
}

impl AlertId {
    /// Returns the id of the alert that `intake` identifies by `parts`.
    #[must_use]
    pub fn of(intake: &'static str, parts: &[&str]) -> Self {
        Self { intake, parts: content_hash::of(parts) }
    }

    /// Returns the idempotency key of the event that reports occurrence `number` of the alert, from 0, with `status`.
    #[must_use]
    pub fn key(&self, number: u32, status: AlertStatus) -> IdempotencyKey {
        IdempotencyKey::of_intake(self.intake, &[&self.parts, &number.to_string(), status.as_str()])
    }
}
