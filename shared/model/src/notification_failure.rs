//! Notifications that a topic refuses.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// The most characters of a reason.
const MAX_REASON_CHARS: usize = 200;

/// A notification that its topic refused as it is. It was set aside, so that it does not delay others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationFailure {
    /// When the topic refused the notification.
    pub at: Timestamp,
    /// Whether it was an escalation, to the second line.
    #[serde(default, rename = "isEscalation")]
    pub is_escalation: bool,
    /// Why the topic refused it: at most 200 characters.
    pub reason: String,
}

impl NotificationFailure {
    /// Creates the record of a failure. A longer `reason` is cut.
    #[must_use]
    pub fn new(at: Timestamp, is_escalation: bool, reason: &str) -> Self {
        Self { at, is_escalation, reason: reason.chars().take(MAX_REASON_CHARS).collect() }
    }
}
