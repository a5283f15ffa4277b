//! The message that notifies people of incidents and of approvals.
//!
//! Its first line says how bad, what and where; the second what AGE did and the outcome; the third what the reader can do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use age_model::{Action, ApprovalNotificationKind, Engine, NotificationKind, Severity};
use age_policy::Policy;

use crate::approval_text::{self, NotifiedApproval, approval_entry, approval_subject, approval_text};
use crate::decision_text::{NotifiedDecision, decision_entry, decision_subject, decision_text};
use crate::incident_text::{
    self, Cause, NotifiedIncident, acknowledge_command, incident_entry, incident_subject, incident_text,
};
use crate::message::{Attribute, MAX_MESSAGE_BYTES, Message, MessageType};
use crate::notification_json::{ApprovalNotification, DecisionNotification, IncidentNotification, NotificationContent};

/// Something of which a message notifies people.
#[derive(Debug, Clone, Copy)]
pub enum Notified<'a> {
    /// An incident.
    Incident(NotifiedIncident<'a>),
    /// The approval of an action.
    Approval(NotifiedApproval<'a>),
    /// A decision whose operation needs an approval.
    Decision(NotifiedDecision<'a>),
}

impl Notified<'_> {
    const fn severity(&self) -> Severity {
        match self {
            Self::Incident(notified) => notified.incident.severity,
            Self::Approval(notified) => notified.item.severity,
            Self::Decision(_) => NotifiedDecision::SEVERITY,
        }
    }

    const fn engine(&self) -> &Engine {
        match self {
            Self::Incident(notified) => &notified.id.key.engine,
            Self::Approval(notified) => &notified.item.engine,
            Self::Decision(notified) => &notified.decision.engine,
        }
    }

    fn entry(&self, policy: &Policy, api: &str) -> String {
        match self {
            Self::Incident(notified) => incident_entry(policy, notified, api),
            Self::Approval(notified) => approval_entry(policy, notified, api),
            Self::Decision(notified) => decision_entry(policy, notified, api),
        }
    }
}

/// Returns how many of `notified`, from the first on, one message can be about: at least one.
#[must_use]
pub fn count_fitting(policy: &Policy, notified: &[Notified<'_>], api: Option<&str>) -> usize {
    let fits = |count: &usize| {
        let first = notified.get(..*count).unwrap_or_default();
        notification_message(policy, first, None, api).size_bytes() <= MAX_MESSAGE_BYTES
    };
    let counts: Vec<usize> = (2..=notified.len()).collect();
    1 + counts.partition_point(fits)
}

/// Returns the message about `notified`. `cause` is the event that the only incident began with, with its actions; `api` is the
/// address of the API for links, if it is known.
#[must_use]
pub fn notification_message(
    policy: &Policy,
    notified: &[Notified<'_>],
    cause: Cause<'_>,
    api: Option<&str>,
) -> Message {
    let api = api.unwrap_or_default();
    let contents = Contents::of(notified);
    let parts = (contents.incidents.as_slice(), contents.approvals.as_slice(), contents.decisions.as_slice());
    let (subject, text) = match parts {
        ([incident], approvals, []) if are_of_cause(approvals, cause) => {
            let mut text = incident_text(policy, incident, cause, api);
            for approval in approvals {
                text.push('\n');
                text.push_str(&approval_entry(policy, approval, api));
            }
            (incident_subject(policy, incident), text)
        }
        ([], [approval], []) => (approval_subject(policy, approval), approval_text(policy, approval, api)),
        ([], [], [decision]) => (decision_subject(policy, decision), decision_text(policy, decision, api)),
        _ => (contents.subject(), contents.text(policy, notified, api)),
    };
    let engines = notified.iter().map(|one| one.engine().to_string()).collect();
    Message {
        attributes: BTreeMap::from([
            ("engine", Attribute::Any(engines)),
            ("action", Attribute::One(Action::NotifyAdmin.to_string())),
            ("severity", Attribute::One(contents.severity.to_string())),
        ]),
        ..Message::new(MessageType::Notification, &subject, text, &contents.json(cause, api))
    }
}

/// Whether all `approvals` are for the event of `cause`.
fn are_of_cause(approvals: &[NotifiedApproval<'_>], cause: Cause<'_>) -> bool {
    approvals.iter().all(|approval| cause.is_some_and(|(event, _)| event.id == approval.item.event_id))
}

/// The contents of a message, by kind.
struct Contents<'a> {
    incidents: Vec<NotifiedIncident<'a>>,
    approvals: Vec<NotifiedApproval<'a>>,
    decisions: Vec<NotifiedDecision<'a>>,
    /// The highest severity.
    severity: Severity,
}

impl<'a> Contents<'a> {
    fn of(notified: &[Notified<'a>]) -> Self {
        let severity = notified.iter().map(Notified::severity).max().unwrap_or(Severity::Critical);
        let (mut incidents, mut approvals, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
        for one in notified {
            match one {
                Notified::Incident(incident) => incidents.push(*incident),
                Notified::Approval(approval) => approvals.push(*approval),
                Notified::Decision(decision) => decisions.push(*decision),
            }
        }
        Self { incidents, approvals, decisions, severity }
    }

    /// `cause` belongs to the only incident.
    fn json(&self, cause: Cause<'a>, api: &str) -> NotificationContent<'a> {
        let incidents = self.incidents.iter().map(|one| IncidentNotification::new(one, cause, api));
        let approvals = self.approvals.iter().map(|one| ApprovalNotification::new(one, api));
        let decisions = self.decisions.iter().map(|one| DecisionNotification::new(one, api));
        NotificationContent {
            severity: self.severity,
            incidents: incidents.collect(),
            approvals: approvals.collect(),
            decisions: decisions.collect(),
        }
    }

    /// Returns the numbers of incidents and approvals by kind, such as `12 incidents: 9 new, 3 continuing`.
    fn numbers(&self) -> String {
        let incidents = |kind: NotificationKind| self.incidents.iter().filter(|one| one.kind == kind).count();
        let incidents = NotificationKind::ALL.iter().map(|kind| (incidents(*kind), incident_text::word(*kind)));
        let actions = by_kind(self.approvals.iter().map(|one| one.kind));
        let operations = by_kind(self.decisions.iter().map(|one| one.kind));
        [summary("incident", incidents), summary("action", actions), summary("operation", operations)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn subject(&self) -> String {
        format!("[AGE] {}, {}", self.severity, self.numbers())
    }

    fn text(&self, policy: &Policy, notified: &[Notified<'_>], api: &str) -> String {
        let engines: BTreeSet<&str> = notified.iter().map(|one| policy.title(one.engine())).collect();
        let engines: Vec<&str> = engines.into_iter().collect();
        let (severity, numbers) = (self.severity, self.numbers());
        let (did, todo) = (self.taken_actions(), self.call_to_action());
        let mut text = format!("{severity}: {numbers}; of {}, the oldest first\n{did}\n{todo}\n", engines.join(", "));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Dashboard: {api}/dashboard");
        for one in notified {
            text.push('\n');
            text.push_str(&one.entry(policy, api));
        }
        text
    }

    fn taken_actions(&self) -> String {
        let failed = self.incidents.iter().filter(|one| one.incident.failed_remediations > 0).count();
        let mut did = vec!["it notified you".to_owned()];
        if failed > 0 {
            did.push(format!("remediations of {} failed", counted(failed, "incident")));
        }
        if !self.approvals.is_empty() {
            did.push("it carries out no action without its approval".to_owned());
        }
        if !self.decisions.is_empty() {
            did.push("it permits no operation without its approval".to_owned());
        }
        format!("AGE did: {}", did.join("; "))
    }

    fn call_to_action(&self) -> String {
        let acknowledge = format!("To acknowledge an incident: {}", acknowledge_command("ID"));
        let approve = match (self.approvals.is_empty(), self.decisions.is_empty()) {
            (true, true) => return acknowledge,
            (false, true) => "approve or deny an action: open its link",
            (true, false) => "approve or deny an operation: open its link",
            (false, false) => "approve or deny an action or an operation: open its link",
        };
        if self.incidents.is_empty() { format!("To {approve}") } else { format!("{acknowledge}; to {approve}") }
    }
}

/// Returns how many approvals are notified in each way.
fn by_kind(kinds: impl Iterator<Item = ApprovalNotificationKind>) -> impl Iterator<Item = (usize, &'static str)> {
    let kinds: Vec<_> = kinds.collect();
    let number = move |kind| kinds.iter().filter(|one| **one == kind).count();
    ApprovalNotificationKind::ALL.iter().map(move |kind| (number(*kind), approval_text::word(*kind)))
}

/// Returns the number of things by kind, if there are any.
fn summary(noun: &str, numbers: impl Iterator<Item = (usize, &'static str)>) -> Option<String> {
    let numbers: Vec<_> = numbers.filter(|(number, _)| *number > 0).collect();
    let all = numbers.iter().map(|(number, _)| number).sum();
    let kinds: Vec<String> = numbers.iter().map(|(number, word)| format!("{number} {word}")).collect();
    (all > 0).then(|| format!("{}: {}", counted(all, noun), kinds.join(", ")))
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
pub(crate) mod tests {
    use age_model::{
        ActionItem, ActionStatus, Event, Incident, IncidentCause, IncidentCounters, IncidentId, IncidentKey,
        IncidentState, NewEvent, NotifiedCounts, PlannedAction, Timestamp,
    };

    use super::*;

    pub(crate) fn an_event() -> Event {
        Event {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            reported: NewEvent {
                engine: Engine::from_static("billing"),
                event_type: "invoice_sync_failed".parse().unwrap(),
                severity: Severity::Critical,
                details: r#"{"invoices":1204}"#.parse().unwrap(),
                source_time: None,
                decision_id: None,
            },
            occurred_at: "2026-11-23T03:12:45Z".parse().unwrap(),
            reported_by: None,
            resolves: None,
        }
    }

    pub(crate) fn an_action(action: Action, status: ActionStatus) -> ActionItem {
        ActionItem::new(&an_event(), PlannedAction::new(action, status), "abc")
    }

    fn policy() -> Policy {
        Policy::compiled().unwrap()
    }

    pub(crate) fn an_incident() -> (IncidentId, Incident) {
        let plan = age_policy::plan(&policy(), &an_event(), &IncidentState::default());
        let incident = plan.state.unwrap().incident.unwrap();
        (IncidentId { key: IncidentKey::of(&an_event().reported), opened_at: incident.opened_at }, incident)
    }

    fn entry(of: &(IncidentId, Incident), kind: NotificationKind, events: u64) -> Notified<'_> {
        Notified::Incident(NotifiedIncident {
            id: &of.0,
            incident: &of.1,
            counters: IncidentCounters { events, ..IncidentCounters::default() },
            kind,
            worker_detail: None,
        })
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn initial_message_says_what_happened_what_age_did_and_what_to_do() {
        let actions = [
            an_action(Action::BillingSyncRepair, ActionStatus::Dispatched),
            an_action(Action::NotifyAdmin, ActionStatus::Pending),
        ];
        let (of, event) = (an_incident(), an_event());
        let entries = [entry(&of, NotificationKind::Initial, 1)];
        let message = notification_message(&policy(), &entries, Some((&event, &actions)), Some("https://age.example"));
        assert_eq!(message.subject(), "[AGE] CRITICAL Billing: invoice_sync_failed");
        assert_eq!(
            message.text(),
            "CRITICAL: Billing reported a critical event\n\
             AGE did: billing_sync_repair: dispatched, no outcome yet\n\
             To acknowledge: agectl incident ack billing.1795403565000.invoice_sync_failed\n\
             Incident: https://age.example/dashboard/incidents/billing.1795403565000.invoice_sync_failed\n\
             \n\
             Engine      Billing (billing)\n\
             Opened      Mon 23 Nov 2026, 03:12:45 UTC\n\
             Events      1 new, 1 in total\n\
             Event       https://age.example/dashboard/events/01936f2e-0000-7000-8000-00000000000a\n\
             The engine reported, in its own words:\n  \
             > Event type: invoice_sync_failed\n  \
             > Details: {\"invoices\":1204}\n"
        );
        let any = Attribute::Any(["billing".to_owned()].into());
        assert_eq!(message.attributes.get("engine"), Some(&any));
    }

    #[test]
    fn message_has_the_time_of_acceptance_and_calls_the_engines_time_what_it_is() {
        let (of, mut event) = (an_incident(), an_event());
        event.reported.source_time = Some("2026-11-23T03:00:00Z".parse().unwrap());
        let message =
            notification_message(&policy(), &[entry(&of, NotificationKind::Initial, 1)], Some((&event, &[])), None);
        for line in [
            "Opened      Mon 23 Nov 2026, 03:12:45 UTC",
            "  > Time of the engine's clock: Mon 23 Nov 2026, 03:00:00 UTC",
        ] {
            assert!(message.text().lines().any(|found| found == line), "{line}\n{}", message.text());
        }
        assert!(!message.text().contains("Since"));
    }

    #[test]
    fn message_of_each_kind_says_why_it_is_sent() {
        let mut of = an_incident();
        of.1.notified = NotifiedCounts { events: 40, ..NotifiedCounts::default() };
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
            let message = notification_message(&policy(), &[entry(&of, kind, 42)], None, None);
            assert!(message.subject().starts_with(subject), "{}", message.subject());
            assert!(message.text().contains(said), "{said} in {}", message.text());
            assert_eq!(message.text().contains("To acknowledge"), kind != NotificationKind::Resolution);
        }
    }

    #[test]
    fn message_about_permits_and_operations_counts_them_and_says_how_to_find_them() {
        let engine = Engine::from_static("billing");
        let event = an_event();
        for (key, cause, reported, subject, said) in [
            (
                IncidentKey::permit_without_event(engine),
                IncidentCause::PermitWithoutEvent,
                None,
                "[AGE] CRITICAL Billing: permits without an event",
                [
                    "CRITICAL: Billing was permitted an operation, and no event has reported it in time\n",
                    "Permits     3 new, 3 in total\nTo list     agectl decision list --engine billing --event missing\n",
                ],
            ),
            (
                IncidentKey::operation_without_permit(engine),
                IncidentCause::OperationWithoutPermit,
                Some((&event, &[][..])),
                "[AGE] CRITICAL Billing: operations without a permit",
                [
                    "CRITICAL: Billing reported an operation that no decision has permitted\n",
                    "Operations  3 new, 3 in total\nEvent       http://localhost:9000/dashboard/events/01936f2e-0000-7000-8000-00000000000a\n",
                ],
            ),
        ] {
            let mut of = an_incident();
            (of.0.key, of.1.cause) = (key, cause);
            let message = |kind, reported, api| notification_message(&policy(), &[entry(&of, kind, 3)], reported, api);
            let initial = message(NotificationKind::Initial, reported, Some("http://localhost:9000"));
            assert_eq!(initial.subject(), subject);
            for said in said {
                assert!(initial.text().contains(said), "{said} in {}", initial.text());
            }
            let digest = message(NotificationKind::Digest, None, None);
            assert!(!digest.text().contains("events were reported"), "{}", digest.text());
            let resolution = message(NotificationKind::Resolution, None, None);
            assert!(resolution.text().contains("; the incident is resolved"), "{}", resolution.text());
            assert!(!resolution.text().contains("no event for"), "{}", resolution.text());
        }
    }

    #[test]
    fn message_may_be_about_several_incidents() {
        let (mut one, mut two) = (an_incident(), an_incident());
        two.0.key = IncidentKey::engine_silent(Engine::from_static("qa"));
        two.1.cause = IncidentCause::EngineSilent;
        one.1.notified.events = 5;
        let entries = [entry(&one, NotificationKind::Digest, 12), entry(&two, NotificationKind::Initial, 0)];
        let message = notification_message(&policy(), &entries, None, None);
        assert_eq!(message.subject(), "[AGE] CRITICAL, 2 incidents: 1 new, 1 continuing");
        for said in
            ["CRITICAL, continuing: Billing: invoice_sync_failed", "7 new, 12 in total", "CRITICAL, new: QA is silent"]
        {
            assert!(message.text().contains(said), "{said} in {}", message.text());
        }
        let both = Attribute::Any(["billing".to_owned(), "qa".to_owned()].into());
        assert_eq!(message.attributes.get("engine"), Some(&both));
    }

    #[test]
    fn message_claims_no_more_than_is_known() {
        let (of, event) = (an_incident(), an_event());
        let did = |action, status| {
            let actions = [an_action(action, status)];
            let entries = [entry(&of, NotificationKind::Initial, 1)];
            let message = notification_message(&policy(), &entries, Some((&event, &actions)), None);
            message.text().lines().nth(1).unwrap().to_owned()
        };
        assert!(did(Action::BillingSyncRepair, ActionStatus::Pending).contains("not dispatched yet"));
        assert!(did(Action::PermissionReset, ActionStatus::PendingApproval).contains("approval"));
        assert!(did(Action::NotifyAdmin, ActionStatus::Pending).contains("no remediation for this event type"));
    }

    #[test]
    fn second_line_of_every_message_says_what_age_did() {
        let mut of = an_incident();
        for cause in IncidentCause::ALL {
            of.1.cause = *cause;
            for kind in NotificationKind::ALL {
                let message = notification_message(&policy(), &[entry(&of, *kind, 1)], None, None);
                assert!(message.text().lines().nth(1).unwrap().starts_with("AGE "), "{}", message.text());
            }
        }
        let entries = [entry(&of, NotificationKind::Initial, 1), entry(&of, NotificationKind::Digest, 2)];
        let message = notification_message(&policy(), &entries, None, None);
        let lines: Vec<&str> = message.text().lines().take(3).collect();
        assert_eq!(
            lines,
            [
                "CRITICAL: 2 incidents: 1 new, 1 continuing; of Billing, the oldest first",
                "AGE did: it notified you",
                "To acknowledge an incident: agectl incident ack ID"
            ]
        );
    }

    #[test]
    fn words_of_the_worker_stand_in_the_message_as_a_quotation() {
        let mut of = an_incident();
        of.1.failed_remediations = 1;
        let Notified::Incident(incident) = entry(&of, NotificationKind::Initial, 1) else { panic!("not an incident") };
        let one = Notified::Incident(NotifiedIncident {
            worker_detail: Some("the ledger is gone\nAGE did: repair it"),
            ..incident
        });
        let expected = "Its worker reported, in its own words:\n  > the ledger is gone\n  > AGE did: repair it\n";
        for entries in [&[one][..], &[one, one]] {
            let message = notification_message(&policy(), entries, None, None);
            assert!(message.text().contains(expected), "{}", message.text());
            assert!(!message.text().lines().any(|line| line.starts_with("AGE did: repair it")));
        }
    }

    fn pending_approval() -> ActionItem {
        let item = an_action(Action::PermissionReset, ActionStatus::PendingApproval);
        ActionItem { approve_by: Some(at("2026-11-24T03:12:45Z")), ..item }
    }

    fn approval(item: &ActionItem, kind: ApprovalNotificationKind) -> Notified<'_> {
        Notified::Approval(NotifiedApproval { item, kind, now: at("2026-11-23T15:12:45Z") })
    }

    #[test]
    fn approval_message_says_what_would_be_done_and_how_to_decide() {
        let item = ActionItem { digest: "d1".to_owned(), ..pending_approval() };
        let entries = [approval(&item, ApprovalNotificationKind::Request)];
        let message = notification_message(&policy(), &entries, None, Some("https://age.example"));
        assert_eq!(message.subject(), "[AGE] CRITICAL, approval needed: permission_reset for Billing");
        assert_eq!(
            message.text(),
            "CRITICAL: Billing: permission_reset waits for your approval\n\
             AGE did: permission_reset: pending approval; without an approval it is not carried out\n\
             To approve or deny: https://age.example/dashboard/events/01936f2e-0000-7000-8000-00000000000a/actions/permission_reset\n\
             \n\
             Would do    permission_reset: Permissions are reset to their last good state.\n\
             Engine      Billing (billing)\n\
             Severity    CRITICAL\n\
             Event ID    01936f2e-0000-7000-8000-00000000000a\n\
             Event       https://age.example/dashboard/events/01936f2e-0000-7000-8000-00000000000a\n\
             Requested   Mon 23 Nov 2026, 03:12:45 UTC\n\
             Digest      d1\n\
             Decide by   Tue 24 Nov 2026, 03:12:45 UTC, 12 h left\n\
             Approval    https://age.example/dashboard/events/01936f2e-0000-7000-8000-00000000000a/actions/permission_reset\n\
             Command     agectl action show 01936f2e-0000-7000-8000-00000000000a permission_reset\n\
             API         POST https://age.example/api/governance/events/01936f2e-0000-7000-8000-00000000000a/actions/permission_reset/approval\n            \
             {\"decision\":\"approve\",\"digest\":\"d1\"}\n            \
             {\"decision\":\"deny\",\"digest\":\"d1\"}\n\
             The engine reported, in its own words:\n  \
             > Event type: invoice_sync_failed\n"
        );
    }

    #[test]
    fn expired_approval_says_that_nothing_was_done() {
        let item = ActionItem { status: ActionStatus::Expired, ..pending_approval() };
        let entries = [approval(&item, ApprovalNotificationKind::Expiry)];
        let message = notification_message(&policy(), &entries, None, None);
        assert_eq!(message.subject(), "[AGE] CRITICAL, approval expired: permission_reset for Billing");
        assert!(message.text().contains("it was not carried out") && !message.text().contains("\"approve\""));
    }

    #[test]
    fn incident_and_the_approval_of_its_event_share_a_message() {
        let (of, event, item) = (an_incident(), an_event(), pending_approval());
        let entries = [entry(&of, NotificationKind::Initial, 1), approval(&item, ApprovalNotificationKind::Request)];
        let actions = [item.clone()];
        let message = notification_message(&policy(), &entries, Some((&event, &actions)), None);
        assert_eq!(message.subject(), "[AGE] CRITICAL Billing: invoice_sync_failed");
        assert!(message.text().contains("\nCRITICAL, approval needed: permission_reset for Billing\n"));
        let several = [entries[0], entries[1], entries[1]];
        let message = notification_message(&policy(), &several, None, None);
        assert_eq!(message.subject(), "[AGE] CRITICAL, 1 incident: 1 new; 2 actions: 2 approval needed");
    }

    /// Incidents with the longest event types: emoji, which an id escapes to three characters a byte.
    fn incidents_with_long_names(number: u64) -> Vec<(IncidentId, Incident)> {
        let incident = |number| {
            let (mut id, incident) = an_incident();
            id.key.event_type = format!("{}{number:02}", "\u{1f525}".repeat(126)).parse().unwrap();
            (id, incident)
        };
        (0..number).map(incident).collect()
    }

    #[test]
    fn message_takes_as_many_incidents_as_fit() {
        let of = incidents_with_long_names(100);
        let entries: Vec<_> = of.iter().map(|of| entry(of, NotificationKind::Initial, 1)).collect();
        let fitting = count_fitting(&policy(), &entries, None);
        assert!((20..100).contains(&fitting), "{fitting}");
        let message = notification_message(&policy(), &entries[..fitting], None, None);
        assert!(message.size_bytes() <= MAX_MESSAGE_BYTES, "{}", message.size_bytes());
        let short = an_incident();
        let entries = vec![entry(&short, NotificationKind::Initial, 1); 100];
        assert_eq!(count_fitting(&policy(), &entries, None), 100);
    }

    #[test]
    fn long_name_is_shortened_and_hidden_characters_are_shown() {
        let of = incidents_with_long_names(1);
        let entries = [entry(&of[0], NotificationKind::Initial, 1); 2];
        let message = notification_message(&policy(), &entries, None, None);
        let title = message.text().lines().find(|line| line.contains('…')).unwrap();
        assert!(
            title.starts_with("CRITICAL, new: Billing: ") && title.ends_with('…') && title.chars().count() < 100,
            "{title}"
        );
        let message = notification_message(&policy(), &entries[..1], None, None);
        assert!(message.subject().is_ascii() && message.subject().len() < 100);
    }
}
