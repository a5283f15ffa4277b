//! What an engine's worker gets: the action it is to carry out.

use std::collections::BTreeMap;

use age_model::{Action, ActionItem, Details, Engine, Event, EventId, EventType, Severity, Timestamp};
use serde::Serialize;

use crate::Message;
use crate::message::Attribute;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Order<'a> {
    /// The same in every delivery of the same action.
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
    attempt: u32,
    /// An outcome that comes later is refused: do not begin then.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    policy_hash: &'a str,
    /// Where to say what came of it.
    outcome_path: String,
}

/// The message that asks for `item`, which is for `event`, to be done and answered before `deadline`.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn action_message(
    event: &Event,
    item: &ActionItem,
    deadline: Option<Timestamp>,
) -> Result<Message, serde_json::Error> {
    let (reported, action) = (&event.reported, item.action);
    let order = Order {
        id: format!("{}/{action}", event.id),
        action,
        engine: reported.engine,
        event_type: &reported.event_type,
        severity: reported.severity,
        event_id: event.id,
        details: &reported.details,
        occurred_at: event.occurred_at,
        source_time: reported.source_time,
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
        ..Message::new(&subject, serde_json::to_string(&order)?)
    })
}

#[cfg(test)]
mod tests {
    use age_model::ActionStatus;

    use super::*;
    use crate::escalation::tests::{an_action, an_event};

    #[test]
    fn says_all_a_worker_needs() {
        let item = an_action(Action::BillingSyncRepair, ActionStatus::Pending);
        let message = action_message(&an_event(), &item, Some("2026-11-23T03:42:45Z".parse().unwrap())).unwrap();
        let order: serde_json::Value = serde_json::from_str(message.text()).unwrap();
        assert_eq!(
            order,
            serde_json::json!({
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
}
