//! System alerts: what AGE could not do for somebody, although it answered or went on.

use serde::Serialize;
use utoipa::ToSchema;

use crate::time::Timestamp;
use crate::visible_text::{shortened, visible_text};

/// For how long a system alert is shown after it last occurred, in seconds: one day.
const SHOWN_SECONDS: i64 = 86_400;

/// The most characters of a system alert's detail, before hidden ones are replaced.
const MAX_DETAIL_CHARS: usize = 200;

crate::string_enum::open_string_enum! {
    /// The kind of a system alert.
    SystemAlertKind {
        /// Events or alerts were refused in a response that its sender takes for a success.
        RefusedEvent = "refused_event",
        /// A sender's word for a severity is not in the policy, so its alerts have the policy's default severity.
        UnmappedSeverity = "unmapped_severity",
        /// A request was refused because its credential has expired.
        ExpiredCredential = "expired_credential",
        /// A notification cannot be sent as it is, and was set aside.
        UndeliverableNotification = "undeliverable_notification",
        /// A stored row cannot be read by this version of AGE, so what it is about is left as it is.
        UnreadableRow = "unreadable_row",
        /// The active policy version cannot be read. AGE goes on with the last version that it could read.
        UnreadablePolicy = "unreadable_policy",
    }
}

/// A system alert: one kind of failure of one sender. It is shown until it has not occurred for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemAlert {
    /// The kind.
    pub kind: SystemAlertKind,
    /// The sender that it is about: the name of a credential, or of a topic.
    pub sender: String,
    /// The part of the sender's messages that it is about, such as `labels/engine`.
    pub subject: String,
    /// What is wrong, as of the latest occurrence: at most 200 characters, of which hidden ones are shown by their numbers.
    pub detail: String,
    /// How often it has occurred since it was first shown.
    pub count: u64,
    /// When it first occurred.
    pub first_at: Timestamp,
    /// When it last occurred.
    pub last_at: Timestamp,
}

impl SystemAlert {
    /// Creates the system alert of `count` occurrences at `now`. Hidden characters of `detail` are shown by their numbers, and a
    /// longer `detail` is cut.
    #[must_use]
    pub fn new(
        kind: SystemAlertKind,
        sender: impl Into<String>,
        subject: impl Into<String>,
        detail: &str,
        count: u64,
        now: Timestamp,
    ) -> Self {
        let detail = shortened(&visible_text(detail), MAX_DETAIL_CHARS);
        Self { kind, sender: sender.into(), subject: subject.into(), detail, count, first_at: now, last_at: now }
    }

    /// Returns the time from which the alert is no longer shown.
    #[must_use]
    pub fn shown_until(&self) -> Timestamp {
        self.last_at.plus_seconds(SHOWN_SECONDS)
    }

    /// Returns the latest time of a last occurrence with which an alert is no longer shown at `now`.
    #[must_use]
    pub fn quiet_since(now: Timestamp) -> Timestamp {
        now.plus_seconds(-SHOWN_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alert_is_shown_for_a_day_after_its_last_occurrence() {
        let now: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let kind = SystemAlertKind::UnmappedSeverity;
        let alert = SystemAlert::new(kind, "alertmanager", "labels/severity", "sev\u{3164}x", 2, now);
        assert_eq!(alert.shown_until(), "2026-11-24T00:05:00Z".parse().unwrap());
        assert_eq!(SystemAlert::quiet_since(alert.shown_until()), now);
        assert_eq!(alert.detail, "sev[U+3164]x");
        assert_eq!(SystemAlert::new(kind, "s", "l", &"x".repeat(300), 1, now).detail.chars().count(), 200);
    }
}
