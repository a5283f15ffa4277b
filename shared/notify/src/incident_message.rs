//! The message that notifies people of incidents.
//!
//! Its first line says how bad, what and where; the second what AGE did and the outcome; the third what the reader can do.

use std::collections::BTreeMap;
use std::fmt::Write;

use age_model::{
    Action, ActionItem, Event, FailedRemediation, Incident, IncidentCause, IncidentCounters, IncidentId,
    NotificationKind, Severity,
};
use age_policy::Policy;

use crate::message::{Attribute, Message};

/// The most characters of an event's details in a message. The page of the event has all of them.
const MAX_DETAILS_CHARS: usize = 1000;

/// An incident of which a message notifies people.
#[derive(Debug, Clone, Copy)]
pub struct NotifiedIncident<'a> {
    /// The incident's id.
    pub id: &'a IncidentId,
    /// The incident.
    pub incident: &'a Incident,
    /// Its counters.
    pub counters: IncidentCounters,
    /// The kind of notification.
    pub kind: NotificationKind,
}

/// The event that the only incident of a message began with, and its actions.
pub(crate) type Cause<'a> = Option<(&'a Event, &'a [ActionItem])>;

/// Returns the message about `incidents`. `api` is the address of the API for links, if it is known.
#[must_use]
pub fn incident_message(
    policy: &Policy,
    incidents: &[NotifiedIncident<'_>],
    cause: Cause<'_>,
    api: Option<&str>,
) -> Message {
    let api = api.unwrap_or_default();
    let (subject, text) = match incidents {
        [one] => (subject_of_one(policy, one), text_of_one(policy, one, cause, api)),
        many => (subject_of_many(many), text_of_many(policy, many, api)),
    };
    let engines = incidents.iter().map(|notified| notified.id.key.engine.to_string()).collect();
    Message {
        attributes: BTreeMap::from([
            ("engine", Attribute::Any(engines)),
            ("action", Attribute::One(Action::NotifyAdmin.to_string())),
            ("severity", Attribute::One(highest_severity(incidents).to_string())),
        ]),
        ..Message::new(&subject, text)
    }
}

/// Returns the engine and the problem, in a few words.
fn title(policy: &Policy, notified: &NotifiedIncident<'_>) -> String {
    let key = &notified.id.key;
    let engine = policy.title(key.engine);
    match notified.incident.cause {
        IncidentCause::EngineSilent => format!("{engine} is silent"),
        _ => format!("{engine}: {}", key.event_type.as_str()),
    }
}

fn subject_of_one(policy: &Policy, notified: &NotifiedIncident<'_>) -> String {
    let (title, severity) = (title(policy, notified), notified.incident.severity);
    match notified.kind {
        NotificationKind::Initial => format!("[AGE] {severity} {title}"),
        NotificationKind::Digest => format!("[AGE] {severity}, continuing: {title}"),
        NotificationKind::Reminder => format!("[AGE] {severity}, not acknowledged: {title}"),
        NotificationKind::Escalation => format!("[AGE] {severity}, escalated: {title}"),
        NotificationKind::Resolution => format!("[AGE] Resolved: {title}"),
        NotificationKind::Unknown(kind) => format!("[AGE] {severity}, {}: {title}", kind.as_str()),
    }
}

fn subject_of_many(incidents: &[NotifiedIncident<'_>]) -> String {
    let number = |kind: NotificationKind| incidents.iter().filter(|notified| notified.kind == kind).count();
    let numbers: Vec<String> = NotificationKind::ALL
        .iter()
        .filter(|kind| number(**kind) > 0)
        .map(|kind| format!("{} {}", number(*kind), word(*kind)))
        .collect();
    format!("[AGE] {}, {} incidents: {}", highest_severity(incidents), incidents.len(), numbers.join(", "))
}

fn highest_severity(incidents: &[NotifiedIncident<'_>]) -> Severity {
    incidents.iter().map(|notified| notified.incident.severity).max().unwrap_or(Severity::Critical)
}

const fn word(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Initial => "new",
        NotificationKind::Digest => "continuing",
        NotificationKind::Reminder => "not acknowledged",
        NotificationKind::Escalation => "escalated",
        NotificationKind::Resolution => "resolved",
        NotificationKind::Unknown(kind) => kind.as_str(),
    }
}

fn text_of_one(policy: &Policy, notified: &NotifiedIncident<'_>, cause: Cause<'_>, api: &str) -> String {
    let NotifiedIncident { id, incident, .. } = notified;
    let mut text = format!("{}: {}\n", incident.severity, reason(policy, notified));
    if let Some((_, actions)) = cause {
        let _ = writeln!(text, "{}", taken_actions(actions));
    }
    let _ = writeln!(text, "{}\n", call_to_action(notified));
    line(&mut text, "Engine", &format!("{} ({})", policy.title(id.key.engine), id.key.engine));
    line(&mut text, "Event type", id.key.event_type.as_str());
    let happened = |(event, _): (&Event, _)| event.reported.source_time.unwrap_or(event.occurred_at);
    let since = cause.map_or(incident.opened_at, happened);
    line(&mut text, "Since", &since.in_words());
    if since.in_words() != incident.opened_at.in_words() {
        line(&mut text, "Opened", &incident.opened_at.in_words());
    }
    line(&mut text, "Events", &event_counts(notified));
    if incident.failed_remediations > 0 {
        line(&mut text, "Failed", &failed_remediations(incident));
    }
    if let Some((event, _)) = cause {
        line(&mut text, "Details", &shortened(event.reported.details.as_str()));
        line(&mut text, "Event", &format!("{api}/dashboard/events/{}", event.id));
    }
    line(&mut text, "Incident", &address(notified, api));
    text
}

fn text_of_many(policy: &Policy, incidents: &[NotifiedIncident<'_>], api: &str) -> String {
    let mut text = format!("{}: {} incidents, the oldest first\n", highest_severity(incidents), incidents.len());
    let _ = writeln!(text, "To acknowledge one: {}", command("ID"));
    for notified in incidents {
        let NotifiedIncident { incident, kind, .. } = notified;
        let _ = writeln!(text, "\n{} ({}, {})", title(policy, notified), incident.severity, word(*kind));
        line(&mut text, "Since", &incident.opened_at.in_words());
        line(&mut text, "Events", &event_counts(notified));
        if incident.failed_remediations > 0 {
            line(&mut text, "Failed", &failed_remediations(incident));
        }
        line(&mut text, "ID", &notified.id.to_string());
        line(&mut text, "Incident", &address(notified, api));
    }
    text
}

/// Returns why the message is sent.
fn reason(policy: &Policy, notified: &NotifiedIncident<'_>) -> String {
    let NotifiedIncident { id, incident, counters, kind } = notified;
    let (engine, title) = (policy.title(id.key.engine), title(policy, notified));
    let open_for = || {
        let leased_at = incident.lease_expires_at.map(|until| until.plus_seconds(-policy.incidents.lease_seconds));
        leased_at.map_or(String::new(), |at| {
            format!(" for {}", age_model::format_duration(at.seconds().saturating_sub(incident.opened_at.seconds())))
        })
    };
    match kind {
        NotificationKind::Initial => match incident.cause {
            IncidentCause::CriticalEvent => format!("{engine} reported {}", id.key.event_type.as_str()),
            IncidentCause::FailedRemediation => format!("{title}: {}", last_failed_remediation(incident)),
            IncidentCause::GivenUp => {
                format!("{title}: AGE stopped remediating, its remediations have been ineffective")
            }
            IncidentCause::EngineSilent => {
                let interval = policy.engines.get(&id.key.engine).map_or(0, |rules| rules.expected_interval_seconds);
                format!("{engine} has reported no event for {}", age_model::format_duration(interval))
            }
            IncidentCause::Unknown(cause) => format!("{title}: {}", cause.as_str()),
        },
        NotificationKind::Digest if counters.events > incident.notified.events => {
            format!("{title}: more events were reported")
        }
        NotificationKind::Digest => format!("{title}: {}", last_failed_remediation(incident)),
        NotificationKind::Reminder => format!("{title}: nobody has acknowledged the incident{}", open_for()),
        NotificationKind::Escalation => {
            format!("{title}: nobody has acknowledged the incident{}, so it is escalated to you", open_for())
        }
        NotificationKind::Resolution if incident.cause == IncidentCause::EngineSilent => {
            format!("{engine} reports events again; the incident is resolved")
        }
        NotificationKind::Resolution => {
            let quiet = age_model::format_duration(policy.incidents.resolve_after_seconds);
            format!("{title}: no event for {quiet}; the incident is resolved")
        }
        NotificationKind::Unknown(kind) => format!("{title}: {}", kind.as_str()),
    }
}

fn taken_actions(actions: &[ActionItem]) -> String {
    let remediations = actions.iter().filter(|item| item.action != Action::NotifyAdmin);
    let taken: Vec<String> =
        remediations.map(|item| format!("{}: {}", item.action, item.status.description())).collect();
    if taken.is_empty() {
        "AGE has no remediation for this event type; it notified you.".to_owned()
    } else {
        format!("AGE did: {}", taken.join("; "))
    }
}

fn call_to_action(notified: &NotifiedIncident<'_>) -> String {
    if notified.kind == NotificationKind::Resolution {
        "You need not do anything.".to_owned()
    } else if notified.incident.acknowledged.is_some() {
        "The incident is acknowledged.".to_owned()
    } else {
        format!("To acknowledge: {}", command(&notified.id.to_string()))
    }
}

/// Returns the command that acknowledges an incident, to be pasted. An id has no character that is special in a shell, see
/// [`IncidentId`].
fn command(id: &str) -> String {
    format!("agectl ack {id}")
}

fn address(notified: &NotifiedIncident<'_>, api: &str) -> String {
    format!("{api}/dashboard/incidents/{}", notified.id)
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<11} {value}");
}

/// Returns the number of events: new since the last notification to the first line, and in total. The new ones of all
/// notifications of an incident add up to the total.
fn event_counts(notified: &NotifiedIncident<'_>) -> String {
    let (total, before) = (notified.counters.events, notified.incident.notified.events);
    match notified.kind {
        NotificationKind::Escalation | NotificationKind::Resolution => format!("{total} in total"),
        _ => format!("{} new, {total} in total", total.saturating_sub(before)),
    }
}

fn failed_remediations(incident: &Incident) -> String {
    let at = incident.last_failed_remediation.map_or(String::new(), |failed| format!(" ({})", failed.at.in_words()));
    let number = incident.failed_remediations;
    let noun = if number == 1 { "remediation" } else { "remediations" };
    format!("{number} {noun}; the last: {}{at}", last_failed_remediation(incident))
}

fn last_failed_remediation(incident: &Incident) -> String {
    let text = |failed: FailedRemediation| format!("{} {}", failed.action, failed.status.description());
    incident.last_failed_remediation.map_or_else(|| "none".to_owned(), text)
}

fn shortened(details: &str) -> String {
    match details.char_indices().nth(MAX_DETAILS_CHARS) {
        Some((end, _)) => format!("{} ... (shortened)", details.get(..end).unwrap_or_default()),
        None => details.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use age_model::{ActionStatus, Engine, IncidentKey, IncidentState, NewEvent, NotifiedCounts, PlannedAction};

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
            reported_by: None,
        }
    }

    pub(crate) fn an_action(action: Action, status: ActionStatus) -> ActionItem {
        ActionItem::new(&an_event(), PlannedAction { action, status, due_at: None, suppressed_by: None }, "abc")
    }

    fn policy() -> Policy {
        Policy::compiled().unwrap()
    }

    fn an_incident() -> (IncidentId, Incident) {
        let plan = age_policy::plan(&policy(), &an_event(), &IncidentState::default());
        let incident = plan.state.unwrap().incident.unwrap();
        (IncidentId { key: IncidentKey::of(&an_event().reported), opened_at: incident.opened_at }, incident)
    }

    fn entry(of: &(IncidentId, Incident), kind: NotificationKind, events: u64) -> NotifiedIncident<'_> {
        NotifiedIncident {
            id: &of.0,
            incident: &of.1,
            counters: IncidentCounters { events, last_event_at: None },
            kind,
        }
    }

    #[test]
    fn initial_message_says_what_happened_what_age_did_and_what_to_do() {
        let actions = [
            an_action(Action::BillingSyncRepair, ActionStatus::Dispatched),
            an_action(Action::NotifyAdmin, ActionStatus::Pending),
        ];
        let (of, event) = (an_incident(), an_event());
        let entries = [entry(&of, NotificationKind::Initial, 1)];
        let message = incident_message(&policy(), &entries, Some((&event, &actions)), Some("https://age.example"));
        assert_eq!(message.subject(), "[AGE] CRITICAL Billing: invoice_sync_failed");
        assert_eq!(
            message.text(),
            "CRITICAL: Billing reported invoice_sync_failed\n\
             AGE did: billing_sync_repair: dispatched, no outcome yet\n\
             To acknowledge: agectl ack billing.1795403565000.invoice_sync_failed\n\
             \n\
             Engine      Billing (billing)\n\
             Event type  invoice_sync_failed\n\
             Since       Mon 23 Nov 2026, 03:12:45 UTC\n\
             Events      1 new, 1 in total\n\
             Details     {\"invoices\":1204}\n\
             Event       https://age.example/dashboard/events/01936f2e-0000-7000-8000-00000000000a\n\
             Incident    https://age.example/dashboard/incidents/billing.1795403565000.invoice_sync_failed\n"
        );
        let any = Attribute::Any(["billing".to_owned()].into());
        assert_eq!(message.attributes.get("engine"), Some(&any));
    }

    #[test]
    fn message_has_the_time_at_the_engine_and_the_time_of_acceptance() {
        let (of, mut event) = (an_incident(), an_event());
        event.reported.source_time = Some("2026-11-23T03:00:00Z".parse().unwrap());
        let message =
            incident_message(&policy(), &[entry(&of, NotificationKind::Initial, 1)], Some((&event, &[])), None);
        let said = "Since       Mon 23 Nov 2026, 03:00:00 UTC\nOpened      Mon 23 Nov 2026, 03:12:45 UTC\n";
        assert!(message.text().contains(said), "{}", message.text());
    }

    #[test]
    fn message_of_each_kind_says_why_it_is_sent() {
        let mut of = an_incident();
        of.1.notified = NotifiedCounts { events: 40, failed_remediations: 0 };
        of.1.failed_remediations = 2;
        of.1.lease_expires_at = Some("2026-11-23T03:43:15Z".parse().unwrap());
        of.1.last_failed_remediation = Some(age_model::FailedRemediation {
            action: Action::BillingSyncRepair,
            event_id: an_event().id,
            status: ActionStatus::TimedOut,
            at: an_event().occurred_at,
        });
        for (kind, subject, said) in [
            (
                NotificationKind::Digest,
                "[AGE] CRITICAL, continuing: Billing: invoice_sync_failed",
                "Events      2 new, 42 in total",
            ),
            (
                NotificationKind::Digest,
                "[AGE] CRITICAL, continuing",
                "2 remediations; the last: billing_sync_repair timed out, its worker reported no outcome",
            ),
            (
                NotificationKind::Reminder,
                "[AGE] CRITICAL, not acknowledged",
                "nobody has acknowledged the incident for 30 min",
            ),
            (NotificationKind::Escalation, "[AGE] CRITICAL, escalated", "Events      42 in total"),
            (NotificationKind::Resolution, "[AGE] Resolved: Billing", "no event for 1 d"),
            (NotificationKind::Resolution, "[AGE] Resolved: Billing", "Events      42 in total"),
        ] {
            let message = incident_message(&policy(), &[entry(&of, kind, 42)], None, None);
            assert!(message.subject().starts_with(subject), "{}", message.subject());
            assert!(message.text().contains(said), "{said} in {}", message.text());
            assert_eq!(message.text().contains("To acknowledge"), kind != NotificationKind::Resolution);
        }
    }

    #[test]
    fn message_may_be_about_several_incidents() {
        let (mut one, mut two) = (an_incident(), an_incident());
        two.0.key = IncidentKey::engine_silent(Engine::Qa);
        two.1.cause = IncidentCause::EngineSilent;
        one.1.notified.events = 5;
        let entries = [entry(&one, NotificationKind::Digest, 12), entry(&two, NotificationKind::Initial, 0)];
        let message = incident_message(&policy(), &entries, None, None);
        assert_eq!(message.subject(), "[AGE] CRITICAL, 2 incidents: 1 new, 1 continuing");
        for said in [
            "Billing: invoice_sync_failed (CRITICAL, continuing)",
            "7 new, 12 in total",
            "QA is silent (CRITICAL, new)",
        ] {
            assert!(message.text().contains(said), "{said} in {}", message.text());
        }
        let both = Attribute::Any(["billing".to_owned(), "qa".to_owned()].into());
        assert_eq!(message.attributes.get("engine"), Some(&both));
    }

    #[test]
    fn message_claims_no_more_than_is_known() {
        let did = |action, status| taken_actions(&[an_action(action, status)]);
        assert!(did(Action::BillingSyncRepair, ActionStatus::Pending).contains("not dispatched yet"));
        assert!(did(Action::PermissionReset, ActionStatus::PendingApproval).contains("approval"));
        assert!(did(Action::NotifyAdmin, ActionStatus::Pending).contains("no remediation for this event type"));
    }

    #[test]
    fn long_details_are_cut_between_characters() {
        let long = format!(r#"{{"a":"{}"}}"#, "é".repeat(5000));
        let shown = shortened(&long);
        assert!(shown.ends_with("(shortened)") && shown.chars().count() < 1100);
    }
}
