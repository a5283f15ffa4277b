//! The message that requests an action from its worker.

use std::collections::BTreeMap;

use age_model::{Action, ActionItem, DecisionId, Details, Engine, Event, EventId, EventType, Severity, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::{Attribute, Message, MessageType};

/// A request to carry out an action.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionRequest<'a> {
    /// The same in every delivery of the action.
    id: String,
    action: Action,
    engine: Engine,
    event_type: &'a EventType,
    severity: Severity,
    event_id: EventId,
    details: &'a Details,
    occurred_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_time: Option<Timestamp>,
    /// The decision that permitted what the event reports, as the engine says.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<DecisionId>,
    /// The number of this attempt to dispatch the action, from 1.
    attempt: u32,
    /// An outcome that is reported later is refused: do not begin after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    /// SHA-256 of the policy that planned the action, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    policy_hash: &'a str,
    /// The path to which the outcome is posted.
    outcome_path: String,
}

/// Returns the message that requests `item`, an action for `event`, with an outcome before `deadline`.
///
/// # Errors
/// If it cannot be serialized.
pub fn action_message(
    event: &Event,
    item: &ActionItem,
    deadline: Option<Timestamp>,
) -> Result<Message, serde_json::Error> {
    let (reported, action) = (&event.reported, item.action);
    let request = ActionRequest {
        id: format!("{}/{action}", event.id),
        action,
        engine: reported.engine,
        event_type: &reported.event_type,
        severity: reported.severity,
        event_id: event.id,
        details: &reported.details,
        occurred_at: event.occurred_at,
        source_time: reported.source_time,
        decision_id: reported.decision_id,
        attempt: item.attempt,
        deadline,
        policy_hash: &item.policy_hash,
        outcome_path: format!("/api/governance/events/{}/actions/{action}/outcome", event.id),
    };
    let subject = format!("[AGE] {action} for {}", reported.engine);
    Ok(Message {
        attributes: BTreeMap::from([
            ("engine", Attribute::One(reported.engine.to_string())),
            ("action", Attribute::One(action.to_string())),
            ("severity", Attribute::One(reported.severity.to_string())),
        ]),
        ..Message::for_machines(MessageType::ActionRequest, &subject, &request)?
    })
}

#[cfg(test)]
mod tests {
    use age_model::ActionStatus;

    use super::*;
    use crate::notification_message::tests::{an_action, an_event};

    #[test]
    fn action_message_has_what_its_worker_needs() {
        let item = an_action(Action::BillingSyncRepair, ActionStatus::Pending);
        let message = action_message(&an_event(), &item, Some("2026-11-23T03:42:45Z".parse().unwrap())).unwrap();
        let request: serde_json::Value = serde_json::from_str(message.json()).unwrap();
        assert_eq!(
            request,
            serde_json::json!({
                "schemaVersion": 1,
                "type": "action_request",
                "id": "01936f2e-0000-7000-8000-00000000000a/billing_sync_repair",
                "action": "billing_sync_repair",
                "engine": "billing",
                "eventType": "invoice_sync_failed",
                "severity": "CRITICAL",
                "eventId": "01936f2e-0000-7000-8000-00000000000a",
                "details": {"invoices": 1204},
                "occurredAt": "2026-11-23T03:12:45.000Z",
                "attempt": 1,
                "deadline": "2026-11-23T03:42:45.000Z",
                "outcomePath": "/api/governance/events/01936f2e-0000-7000-8000-00000000000a/actions/billing_sync_repair/outcome",
                "policyHash": "abc",
            })
        );
        let one = |value: &str| Attribute::One(value.to_owned());
        let expected =
            [("action", one("billing_sync_repair")), ("engine", one("billing")), ("severity", one("CRITICAL"))];
        assert_eq!(message.attributes, BTreeMap::from(expected));
    }

    #[test]
    fn action_message_with_the_largest_details_fits() {
        let mut event = an_event();
        let mut text = format!(r#"{{"a":"{}"}}"#, r"\u0001".repeat(age_model::MAX_DETAILS_BYTES / 6));
        text.truncate(age_model::MAX_DETAILS_BYTES - 10);
        while !text.ends_with(r"\u0001") {
            text.pop();
        }
        event.reported.details = format!(r#"{text}"}}"#).parse().unwrap();
        event.reported.event_type = "\u{1f525}".repeat(128).parse().unwrap();
        let message =
            action_message(&event, &an_action(Action::BillingSyncRepair, ActionStatus::Pending), None).unwrap();
        assert!(message.size_bytes() < 20_000, "{}", message.size_bytes());
    }
}
