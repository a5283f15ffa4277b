//! AGE's own events: what happened to AGE itself, as events of the engine `age`.

use serde_json::json;

use crate::credential::KeyId;
use crate::details::Details;
use crate::engine::Engine;
use crate::event::{Event, EventType, NewEvent};
use crate::id::EventId;
use crate::idempotency_key::IdempotencyKey;
use crate::policy_version::PolicyActivation;
use crate::severity::Severity;
use crate::system_alert::SystemAlert;
use crate::time::Timestamp;

/// The intakes of the keys of these events, so that each is recorded once.
const ACTIVATIONS: &str = "policy_activations";
const SYSTEM_ALERTS: &str = "system_alerts";

impl Event {
    /// Returns the event that a policy version was activated.
    #[must_use]
    pub fn policy_activated(activation: &PolicyActivation) -> Self {
        let PolicyActivation { number, hash, version, previous, by, at, reason } = activation;
        let key = IdempotencyKey::of_intake(ACTIVATIONS, &[&number.to_string()]);
        let details = json!({
            "activation": number, "hash": hash, "version": version, "previous": previous, "by": by, "reason": reason,
        });
        Self::of_age(&key, EventType::policy_activated(), Severity::Low, &details, *at, Some(by.clone()))
    }

    /// Returns the event that a system alert has begun, recorded at `now`. Its type is the kind of the alert. The same alert has the
    /// same event until it was quiet for a day.
    #[must_use]
    pub fn system_alert_began(alert: &SystemAlert, now: Timestamp) -> Self {
        let SystemAlert { kind, sender, subject, detail, first_at, .. } = alert;
        let key = IdempotencyKey::of_intake(SYSTEM_ALERTS, &[kind.as_str(), sender, subject, &first_at.to_string()]);
        let details = json!({ "sender": sender, "subject": subject, "detail": detail, "firstAt": first_at });
        Self::of_age(&key, EventType::of_system_alert(*kind), Severity::Medium, &details, now, None)
    }

    fn of_age(
        key: &IdempotencyKey,
        event_type: EventType,
        severity: Severity,
        details: &serde_json::Value,
        at: Timestamp,
        by: Option<KeyId>,
    ) -> Self {
        // INVARIANT: the texts are bounded, so the details are small enough.
        let details: Details = details.to_string().parse().unwrap_or_default();
        Self {
            id: EventId::keyed(Engine::AGE, key),
            reported: NewEvent {
                engine: Engine::AGE,
                event_type,
                severity,
                details,
                source_time: None,
                decision_id: None,
            },
            occurred_at: at,
            reported_by: by,
            resolves: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_hash::PolicyHash;
    use crate::system_alert::SystemAlertKind;

    #[test]
    fn longest_texts_fit_into_the_details() {
        let at: Timestamp = "2026-11-23T00:05:00Z".parse().unwrap();
        let hash = PolicyHash::from_bytes([7; 32]);
        let activation = PolicyActivation {
            number: u64::MAX,
            hash,
            version: u64::MAX,
            previous: hash,
            by: "k".repeat(32).parse().unwrap(),
            at,
            reason: "\u{1f600}".repeat(1000),
        };
        let event = Event::policy_activated(&activation);
        assert!(event.reported.details.as_str().contains(&activation.reason));
        assert_eq!((event.reported.engine, event.reported.event_type.as_str()), (Engine::AGE, "policy_activated"));
        assert_eq!(Event::policy_activated(&activation), event, "the same activation is the same event");

        let alert = SystemAlert::new(
            SystemAlertKind::UnreadableRow,
            "s".repeat(100),
            "\n".repeat(1000),
            &"d".repeat(300),
            2,
            at,
        );
        let event = Event::system_alert_began(&alert, at);
        assert!(event.reported.details.as_str().contains("ddd"));
        assert_eq!(Event::system_alert_began(&alert, at.plus_seconds(60)).id, event.id, "the same alert");
        let later = SystemAlert { first_at: at.plus_seconds(1), ..alert };
        assert_ne!(Event::system_alert_began(&later, at).id, event.id);
    }
}
