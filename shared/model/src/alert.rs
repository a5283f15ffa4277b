//! Alerts: problems that a sender reports again and again while they last, and then as resolved.

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
pub struct AlertId(String);

impl AlertId {
    /// Returns the id of the alert that the format `origin` identifies by `parts`.
    #[must_use]
    pub fn of(origin: &str, parts: &[&str]) -> Self {
        Self(IdempotencyKey::of(origin, parts).as_str().to_owned())
    }

    /// Returns the idempotency key of the event that reports occurrence `number` of the alert, from 0, with `status`.
    #[must_use]
    pub fn key(&self, number: u32, status: AlertStatus) -> IdempotencyKey {
        IdempotencyKey::of("alert", &[&self.0, &number.to_string(), status.as_str()])
    }
}
