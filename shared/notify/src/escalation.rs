//! What an admin reads at night.

use std::collections::BTreeMap;
use std::fmt::Write;

use age_model::{
    Action, ActionItem, ActionStatus, Event, Incident, IncidentCause, IncidentCounters, IncidentId, NotificationKind,
    Severity, Timestamp,
};
use age_scoring::Policy;

use crate::Message;
use crate::message::Attribute;

/// Enough of the details to know what it is about; the rest is where the message says to look.
const SHOWN_DETAILS_CHARS: usize = 1000;

/// An incident that an e-mail speaks of.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its name.
    pub id: &'a IncidentId,
    /// As it is.
    pub incident: &'a Incident,
    /// What is counted of it.
    pub counters: IncidentCounters,
    /// Why the e-mail speaks of it.
    pub kind: NotificationKind,
}

/// What is known besides of the only incident of an e-mail: the event it began with, and what AGE did about that.
pub type About<'a> = Option<(&'a Event, &'a [ActionItem])>;

/// The e-mail about `entries`: what, which engine, since when, what AGE did about it, where to look and how to take it.
/// `api` is the address of the API, if it is known.
#[must_use]
pub fn escalation_message(policy: &Policy, entries: &[Entry<'_>], about: About<'_>, api: Option<&str>) -> Message {
    let api = api.unwrap_or_default();
    let (subject, text) = match entries {
        [one] => (subject_of_one(policy, one), text_of_one(policy, one, about, api)),
        many => (subject_of_many(many), text_of_many(policy, many, api)),
    };
    let engines = entries.iter().map(|entry| entry.id.key.engine.to_string()).collect();
    Message {
        attributes: BTreeMap::from([
            ("engine", Attribute::Any(engines)),
            ("action", Attribute::One(Action::NotifyAdmin.to_string())),
            ("severity", Attribute::One(worst(entries).to_string())),
        ]),
        ..Message::new(&subject, text)
    }
}

/// What it is about, in a few words.
fn name(policy: &Policy, entry: &Entry<'_>) -> String {
    let key = &entry.id.key;
    let title = policy.title(key.engine);
    match entry.incident.cause {
        IncidentCause::EngineSilent => format!("{title} is silent"),
        _ => format!("{title}: {}", key.event_type.as_str()),
    }
}

fn subject_of_one(policy: &Policy, entry: &Entry<'_>) -> String {
    let (name, severity) = (name(policy, entry), entry.incident.severity);
    match entry.kind {
        NotificationKind::Initial => format!("[AGE] {severity} {name}"),
        NotificationKind::Digest => format!("[AGE] {severity}, going on: {name}"),
        NotificationKind::Reminder => format!("[AGE] {severity}, still nobody on it: {name}"),
        NotificationKind::Escalation => format!("[AGE] {severity}, nobody has acknowledged: {name}"),
        NotificationKind::Resolution => format!("[AGE] Over: {name}"),
    }
}

fn subject_of_many(entries: &[Entry<'_>]) -> String {
    let number = |kind: NotificationKind| entries.iter().filter(|entry| entry.kind == kind).count();
    let said: Vec<String> = NotificationKind::ALL
        .iter()
        .filter(|kind| number(**kind) > 0)
        .map(|kind| format!("{} {}", number(*kind), in_short(*kind)))
        .collect();
    format!("[AGE] {}, {} incidents: {}", worst(entries), entries.len(), said.join(", "))
}

fn worst(entries: &[Entry<'_>]) -> Severity {
    entries.iter().map(|entry| entry.incident.severity).max().unwrap_or(Severity::Critical)
}

const fn in_short(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Initial => "new",
        NotificationKind::Digest => "going on",
        NotificationKind::Reminder => "still nobody's",
        NotificationKind::Escalation => "not acknowledged",
        NotificationKind::Resolution => "over",
    }
}

fn text_of_one(policy: &Policy, entry: &Entry<'_>, about: About<'_>, api: &str) -> String {
    let Entry { id, incident, .. } = entry;
    let (title, engine) = (policy.title(id.key.engine), id.key.engine);
    let mut text = format!("{}\n\n", opening(policy, entry));
    line(&mut text, "What", id.key.event_type.as_str());
    line(&mut text, "Engine", &format!("{title} ({engine})"));
    line(&mut text, "Severity", incident.severity.as_str());
    let happened = |(event, _): (&Event, _)| event.reported.source_time.unwrap_or(event.occurred_at);
    let since = about.map_or(incident.opened_at, happened);
    line(&mut text, "Since", &since.in_words());
    if since.in_words() != incident.opened_at.in_words() {
        line(&mut text, "Opened", &incident.opened_at.in_words());
    }
    line(&mut text, "Events", &events(entry));
    if incident.failed_remediations > 0 {
        line(&mut text, "Remedies", &failed_remediations(incident));
    }
    if let Some((event, actions)) = about {
        line(&mut text, "AGE did", &done(actions));
        line(&mut text, "Details", &shortened(event.reported.details.as_str()));
        line(&mut text, "It began", &format!("{api}/dashboard/events/{}", event.id));
    }
    how_to_go_on(&mut text, entry, api);
    text
}

fn text_of_many(policy: &Policy, entries: &[Entry<'_>], api: &str) -> String {
    let mut text = format!("{} incidents, the oldest first.\n", entries.len());
    for entry in entries {
        let Entry { incident, kind, .. } = entry;
        let _ = writeln!(text, "\n{} ({}, {})", name(policy, entry), incident.severity, in_short(*kind));
        line(&mut text, "Since", &incident.opened_at.in_words());
        line(&mut text, "Events", &events(entry));
        if incident.failed_remediations > 0 {
            line(&mut text, "Remedies", &failed_remediations(incident));
        }
        line(&mut text, "Name", &entry.id.to_string());
        line(&mut text, "Look at", &address(entry, api));
    }
    let _ = writeln!(text, "\nTo take one: {}", command("ITS-NAME"));
    text
}

fn opening(policy: &Policy, entry: &Entry<'_>) -> String {
    let (incident, title) = (entry.incident, policy.title(entry.id.key.engine));
    let name = name(policy, entry);
    let for_how_long = || {
        let since = |now: Timestamp| now.seconds() - incident.opened_at.seconds();
        incident.lease_expires_at.map_or(String::new(), |until| {
            let lease = policy.incidents.lease_seconds;
            format!(" for {} minutes", since(until.plus_seconds(-lease)).max(0) / 60)
        })
    };
    match entry.kind {
        NotificationKind::Initial => match incident.cause {
            IncidentCause::CriticalEvent => {
                format!("{title} reported {} as {}.", entry.id.key.event_type.as_str(), incident.severity)
            }
            IncidentCause::FailedRemediation => format!("{name}: {}.", last_failed_remediation(incident)),
            IncidentCause::GivenUp => {
                format!("{name}: the trouble comes again, and AGE's remedies have been of no use.")
            }
            IncidentCause::EngineSilent => {
                let cadence =
                    policy.engines.get(&entry.id.key.engine).map_or(0, |engine| engine.expected_interval_seconds);
                format!("{title} has reported nothing for {} minutes.", cadence / 60)
            }
        },
        NotificationKind::Digest if entry.counters.events > incident.notified.events => {
            format!("{name}: more has come.")
        }
        NotificationKind::Digest => format!("{name}: {}.", last_failed_remediation(incident)),
        NotificationKind::Reminder => format!("{name}: nobody has acknowledged this{}.", for_how_long()),
        NotificationKind::Escalation => {
            format!("{name}: nobody has acknowledged this{}, so you are told, too.", for_how_long())
        }
        NotificationKind::Resolution if incident.cause == IncidentCause::EngineSilent => {
            format!("{title} reports again.")
        }
        NotificationKind::Resolution => {
            format!("{name}: nothing has come for {} hours. It is over.", policy.incidents.resolve_after_seconds / 3600)
        }
    }
}

fn how_to_go_on(text: &mut String, entry: &Entry<'_>, api: &str) {
    let incident = address(entry, api);
    line(text, "Look at", &incident);
    if entry.incident.acknowledged.is_none() && entry.kind != NotificationKind::Resolution {
        line(text, "Take it", &command(&entry.id.to_string()));
    }
}

/// What takes an incident, to be pasted. Its name has no character that a shell would heed (see [`IncidentId`]).
fn command(name: &str) -> String {
    format!("agectl ack {name}")
}

fn address(entry: &Entry<'_>, api: &str) -> String {
    format!("{api}/dashboard/incidents/{}", entry.id)
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name:<9} {value}");
}

/// The numbers of all notices of an incident sum to its events.
fn events(entry: &Entry<'_>) -> String {
    let (all, notified) = (entry.counters.events, entry.incident.notified.events);
    match entry.kind {
        NotificationKind::Escalation | NotificationKind::Resolution => format!("{all} in all"),
        _ => format!("{} new, {all} in all", all.saturating_sub(notified)),
    }
}

fn failed_remediations(incident: &Incident) -> String {
    let at = incident
        .last_failed_remediation
        .map_or(String::new(), |failed_remediation| format!(" ({})", failed_remediation.at.in_words()));
    format!("{} came to a bad end; the latest: {}{at}", incident.failed_remediations, last_failed_remediation(incident))
}

fn last_failed_remediation(incident: &Incident) -> String {
    let said = |failed_remediation: age_model::FailedRemediation| {
        format!("{}, {}", failed_remediation.action, how_far(failed_remediation.status))
    };
    incident.last_failed_remediation.map_or_else(|| "none".to_owned(), said)
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
        ActionStatus::PendingApproval => "nothing yet, it waits for somebody's approval",
        ActionStatus::Dispatched => "asked for, its outcome is not known yet",
        ActionStatus::Succeeded => "done, says its worker; whether it helped is not known yet",
        ActionStatus::Failed => "failed, says its worker",
        ActionStatus::TimedOut => "asked for, and nobody answered",
        ActionStatus::Verified => "done, and it helped",
        ActionStatus::Ineffective => "done, and it did not help",
        ActionStatus::Denied => "not done, somebody denied it",
        ActionStatus::Expired => "not done, nobody approved it in time",
        ActionStatus::Suppressed => "not started again: an earlier one is not finished, or it has not helped before",
        ActionStatus::Undeliverable => "could not be handed over",
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
    use age_model::{Engine, IncidentKey, IncidentState, NewEvent, NotifiedCounts, PlannedAction};

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
        let plan = age_scoring::plan(&policy(), &an_event(), &IncidentState::default());
        let incident = plan.state.unwrap().incident.unwrap();
        (IncidentId { key: IncidentKey::of(&an_event().reported), opened_at: incident.opened_at }, incident)
    }

    fn entry(of: &(IncidentId, Incident), kind: NotificationKind, events: u64) -> Entry<'_> {
        Entry { id: &of.0, incident: &of.1, counters: IncidentCounters { events, last_event_at: None }, kind }
    }

    #[test]
    fn answers_what_a_tired_person_asks() {
        let actions = [
            an_action(Action::BillingSyncRepair, ActionStatus::Dispatched),
            an_action(Action::NotifyAdmin, ActionStatus::Pending),
        ];
        let (of, event) = (an_incident(), an_event());
        let entries = [entry(&of, NotificationKind::Initial, 1)];
        let message = escalation_message(&policy(), &entries, Some((&event, &actions)), Some("https://age.example"));
        assert_eq!(message.subject(), "[AGE] CRITICAL Billing: invoice_sync_failed");
        assert_eq!(
            message.text(),
            "Billing reported invoice_sync_failed as CRITICAL.\n\
             \n\
             What      invoice_sync_failed\n\
             Engine    Billing (billing)\n\
             Severity  CRITICAL\n\
             Since     Mon 23 Nov 2026, 03:12:45 UTC\n\
             Events    1 new, 1 in all\n\
             AGE did   billing_sync_repair: asked for, its outcome is not known yet\n\
             Details   {\"invoices\":1204}\n\
             It began  https://age.example/dashboard/events/01936f2e-0000-7000-8000-00000000000a\n\
             Look at   https://age.example/dashboard/incidents/billing.1795403565000.invoice_sync_failed\n\
             Take it   agectl ack billing.1795403565000.invoice_sync_failed\n"
        );
        let any = Attribute::Any(["billing".to_owned()].into());
        assert_eq!(message.attributes.get("engine"), Some(&any));
    }

    #[test]
    fn tells_when_it_happened_and_when_age_heard_of_it() {
        let (of, mut event) = (an_incident(), an_event());
        event.reported.source_time = Some("2026-11-23T03:00:00Z".parse().unwrap());
        let message =
            escalation_message(&policy(), &[entry(&of, NotificationKind::Initial, 1)], Some((&event, &[])), None);
        let said = "Since     Mon 23 Nov 2026, 03:00:00 UTC\nOpened    Mon 23 Nov 2026, 03:12:45 UTC\n";
        assert!(message.text().contains(said), "{}", message.text());
    }

    #[test]
    fn each_kind_of_notice_says_why_it_comes() {
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
                "[AGE] CRITICAL, going on: Billing: invoice_sync_failed",
                "Events    2 new, 42 in all",
            ),
            (
                NotificationKind::Digest,
                "[AGE] CRITICAL, going on",
                "2 came to a bad end; the latest: billing_sync_repair, asked for, and nobody",
            ),
            (
                NotificationKind::Reminder,
                "[AGE] CRITICAL, still nobody on it",
                "nobody has acknowledged this for 30 minutes.",
            ),
            (NotificationKind::Escalation, "[AGE] CRITICAL, nobody has acknowledged", "Events    42 in all"),
            (NotificationKind::Resolution, "[AGE] Over: Billing", "nothing has come for 24 hours"),
            (NotificationKind::Resolution, "[AGE] Over: Billing", "Events    42 in all"),
        ] {
            let message = escalation_message(&policy(), &[entry(&of, kind, 42)], None, None);
            assert!(message.subject().starts_with(subject), "{}", message.subject());
            assert!(message.text().contains(said), "{said} in {}", message.text());
            assert_eq!(message.text().contains("Take it"), kind != NotificationKind::Resolution);
        }
    }

    #[test]
    fn one_mail_may_speak_of_several() {
        let (mut one, mut two) = (an_incident(), an_incident());
        two.0.key = IncidentKey::silence_of(Engine::Qa);
        two.1.cause = IncidentCause::EngineSilent;
        one.1.notified.events = 5;
        let entries = [entry(&one, NotificationKind::Digest, 12), entry(&two, NotificationKind::Initial, 0)];
        let message = escalation_message(&policy(), &entries, None, None);
        assert_eq!(message.subject(), "[AGE] CRITICAL, 2 incidents: 1 new, 1 going on");
        for said in
            ["Billing: invoice_sync_failed (CRITICAL, going on)", "7 new, 12 in all", "QA is silent (CRITICAL, new)"]
        {
            assert!(message.text().contains(said), "{said} in {}", message.text());
        }
        let both = Attribute::Any(["billing".to_owned(), "qa".to_owned()].into());
        assert_eq!(message.attributes.get("engine"), Some(&both));
    }

    #[test]
    fn does_not_claim_what_did_not_happen() {
        let did = |action, status| done(&[an_action(action, status)]);
        assert!(did(Action::BillingSyncRepair, ActionStatus::Pending).contains("not handed over yet"));
        assert!(did(Action::PermissionReset, ActionStatus::PendingApproval).contains("approval"));
        assert!(did(Action::NotifyAdmin, ActionStatus::Pending).contains("nothing but tell you"));
    }

    #[test]
    fn long_details_are_shortened_between_characters() {
        let long = format!(r#"{{"a":"{}"}}"#, "é".repeat(5000));
        let shown = shortened(&long);
        assert!(shown.ends_with("(shortened)") && shown.chars().count() < 1100);
    }
}
