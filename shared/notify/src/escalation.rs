//! What an admin reads at night.

use std::collections::BTreeMap;
use std::fmt::Write;

use model::{Action, ActionItem, ActionStatus, Event};
use scoring::Policy;

use crate::Message;

/// Enough of the details to know what it is about; the rest is where the message says to look.
const SHOWN_DETAILS_CHARS: usize = 1000;

/// The message that tells a person of `event`: what, which engine, since when, what AGE did about it, where to look.
/// `actions` are the event's as they stand; `api` is the address of the API, if it is known.
#[must_use]
pub fn escalation_message(policy: &Policy, event: &Event, actions: &[ActionItem], api: Option<&str>) -> Message {
    let reported = &event.reported;
    let title = policy.title(reported.engine);
    let (severity, event_type) = (reported.severity, reported.event_type.as_str());
    let subject = format!("[AGE] {severity} {title}: {event_type}");

    let mut text = format!("{title} reported {event_type} as {severity}.\n\n");
    line(&mut text, "What", event_type);
    line(&mut text, "Engine", &format!("{title} ({})", reported.engine));
    line(&mut text, "Severity", severity.as_str());
    line(&mut text, "Since", &reported.source_time.unwrap_or(event.occurred_at).in_words());
    if reported.source_time.is_some() {
        line(&mut text, "Reported", &event.occurred_at.in_words());
    }
    line(&mut text, "AGE did", &done(actions));
    line(&mut text, "Details", &shortened(reported.details.as_str()));
    line(&mut text, "Look at", &format!("{}/api/governance/events/{}", api.unwrap_or_default(), event.id));
    let recent = format!("{}/api/governance/events?engine={}", api.unwrap_or_default(), reported.engine);
    line(&mut text, "and", &recent);

    Message {
        attributes: BTreeMap::from([
            ("engine", reported.engine.to_string()),
            ("action", Action::NotifyAdmin.to_string()),
            ("severity", severity.to_string()),
        ]),
        ..Message::new(&subject, text)
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<9} {value}");
}

/// Says no more than is known: that an action was handed over is not that it helped.
fn done(actions: &[ActionItem]) -> String {
    let others = actions.iter().filter(|item| item.action != Action::NotifyAdmin);
    let said: Vec<String> = others.map(|item| format!("{}: {}", item.action, how_far(item.status))).collect();
    if said.is_empty() {
        "nothing but tell you: it has no remedy for this".to_owned()
    } else {
        said.join("\n          ")
    }
}

const fn how_far(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Pending => "not handed over yet",
        ActionStatus::AwaitingApproval => "nothing yet, it waits for an admin's approval",
        ActionStatus::Dispatched => "asked for, its outcome is not known yet",
        ActionStatus::Succeeded => "done, says its worker; whether it helped is not known yet",
        ActionStatus::Failed => "failed, says its worker",
        ActionStatus::TimedOut => "asked for, and nobody answered",
        ActionStatus::Verified => "done, and it helped",
        ActionStatus::Ineffective => "done, and it did not help",
        ActionStatus::Denied => "not done, an admin denied it",
        ActionStatus::Expired => "not done, nobody approved it in time",
        ActionStatus::Suppressed => "not started again: an earlier one is not finished, or it has not helped before",
        ActionStatus::Dead => "could not be handed over",
    }
}

fn shortened(details: &str) -> String {
    match details.char_indices().nth(SHOWN_DETAILS_CHARS) {
        Some((end, _)) => format!("{} ... (shortened)", details.get(..end).unwrap_or_default()),
        None => details.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use model::{Engine, NewEvent, Owed, Severity};

    use super::*;

    pub(crate) fn an_event() -> Event {
        Event {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            reported: NewEvent {
                engine: Engine::Billing,
                event_type: "invoice_sync_failed".parse().unwrap(),
                severity: Severity::Critical,
                details: r#"{"invoices":1204}"#.parse().unwrap(),
                source_time: None,
            },
            occurred_at: "2026-11-23T03:12:45Z".parse().unwrap(),
        }
    }

    pub(crate) fn an_action(action: Action, status: ActionStatus) -> ActionItem {
        ActionItem::new(&an_event(), Owed { action, status, due_at: None, suppressed_by: None }, "abc")
    }

    #[test]
    fn answers_what_a_tired_person_asks() {
        let policy = Policy::compiled().unwrap();
        let actions = [
            an_action(Action::BillingSyncRepair, ActionStatus::Dispatched),
            an_action(Action::NotifyAdmin, ActionStatus::Pending),
        ];
        let message = escalation_message(&policy, &an_event(), &actions, Some("https://age.example"));
        assert_eq!(message.subject(), "[AGE] CRITICAL Billing: invoice_sync_failed");
        assert_eq!(
            message.text(),
            "Billing reported invoice_sync_failed as CRITICAL.\n\
             \n\
             What      invoice_sync_failed\n\
             Engine    Billing (billing)\n\
             Severity  CRITICAL\n\
             Since     Mon 23 Nov 2026, 03:12:45 UTC\n\
             AGE did   billing_sync_repair: asked for, its outcome is not known yet\n\
             Details   {\"invoices\":1204}\n\
             Look at   https://age.example/api/governance/events/01936f2e-0000-7000-8000-00000000000a\n\
             and       https://age.example/api/governance/events?engine=billing\n"
        );
    }

    #[test]
    fn tells_when_it_happened_and_when_age_heard_of_it() {
        let policy = Policy::compiled().unwrap();
        let mut event = an_event();
        event.reported.source_time = Some("2026-11-23T03:00:00Z".parse().unwrap());
        let message = escalation_message(&policy, &event, &[], None);
        assert!(
            message
                .text()
                .contains("Since     Mon 23 Nov 2026, 03:00:00 UTC\nReported  Mon 23 Nov 2026, 03:12:45 UTC\n")
        );
    }

    #[test]
    fn does_not_claim_what_did_not_happen() {
        let did = |action, status| done(&[an_action(action, status)]);
        assert!(did(Action::BillingSyncRepair, ActionStatus::Pending).contains("not handed over yet"));
        assert!(did(Action::PermissionReset, ActionStatus::AwaitingApproval).contains("approval"));
        assert!(did(Action::NotifyAdmin, ActionStatus::Pending).contains("nothing but tell you"));
    }

    #[test]
    fn long_details_are_shortened_between_characters() {
        let long = format!(r#"{{"a":"{}"}}"#, "é".repeat(5000));
        let shown = shortened(&long);
        assert!(shown.ends_with("(shortened)") && shown.chars().count() < 1100);
    }
}
