//! What a notification says about the approval of an action.

use std::fmt::Write;

use age_model::{ActionItem, ApprovalNotificationKind, Timestamp, format_duration};
use age_policy::Policy;

use crate::text::{line, quoted_event};

/// The approval of an action, of which a message notifies people.
#[derive(Debug, Clone, Copy)]
pub struct NotifiedApproval<'a> {
    /// The action that is pending approval, or whose approval has expired.
    pub item: &'a ActionItem,
    /// The kind of notification.
    pub kind: ApprovalNotificationKind,
    /// The time at which it is written.
    pub now: Timestamp,
}

impl NotifiedApproval<'_> {
    fn time_left(&self) -> String {
        self.item.approve_by.map_or_else(|| format_duration(0), |deadline| time_left(deadline, self.now))
    }

    /// Returns the address of the approval's page.
    pub(crate) fn page(&self, api: &str) -> String {
        let ActionItem { event_id, action, .. } = self.item;
        format!("{api}/dashboard/events/{event_id}/actions/{action}")
    }

    /// Returns the address to which the approval is posted.
    pub(crate) fn resource(&self, api: &str) -> String {
        let ActionItem { event_id, action, .. } = self.item;
        format!("{api}/api/governance/events/{event_id}/actions/{action}/approval")
    }
}

/// Returns the word for a kind of notification, for a subject or an entry.
pub(crate) const fn word(kind: ApprovalNotificationKind) -> &'static str {
    match kind {
        ApprovalNotificationKind::Request => "approval needed",
        ApprovalNotificationKind::Reminder => "approval still needed",
        ApprovalNotificationKind::Expiry => "approval expired",
    }
}

/// Returns the time from `now` until the deadline, in words.
pub(crate) fn time_left(deadline: Timestamp, now: Timestamp) -> String {
    format_duration(deadline.seconds() - now.seconds())
}

/// Writes until when a responder can decide and, unless the approval has expired, how long that is.
pub(crate) fn write_deadline(text: &mut String, deadline: Timestamp, kind: ApprovalNotificationKind, now: Timestamp) {
    let left = match kind {
        ApprovalNotificationKind::Expiry => String::new(),
        _ => format!(", {} left", time_left(deadline, now)),
    };
    line(text, "Decide by", &format!("{}{left}", deadline.in_words()));
}

/// Writes how a program approves and denies: the resource of the API, and the bodies to post to it.
pub(crate) fn write_resource(text: &mut String, resource: &str, digest: &str) {
    line(text, "API", &format!("POST {resource}"));
    for decision in ["approve", "deny"] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<11} {{\"decision\":\"{decision}\",\"digest\":\"{digest}\"}}", "");
    }
}

fn title(policy: &Policy, notified: &NotifiedApproval<'_>) -> String {
    format!("{} for {}", notified.item.action, policy.title(&notified.item.engine))
}

/// Returns the subject of a message about one approval.
pub(crate) fn approval_subject(policy: &Policy, notified: &NotifiedApproval<'_>) -> String {
    format!("[AGE] {}, {}: {}", notified.item.severity, word(notified.kind), title(policy, notified))
}

/// Returns the text of a message about one approval.
pub(crate) fn approval_text(policy: &Policy, notified: &NotifiedApproval<'_>, api: &str) -> String {
    let NotifiedApproval { item, kind, .. } = notified;
    let (title, action) = (title(policy, notified), item.action);
    let engine = policy.title(&item.engine);
    let (why, did, todo) = match kind {
        ApprovalNotificationKind::Request => (
            format!("{engine}: {action} waits for your approval"),
            format!("AGE did: {action}: {}; without an approval it is not carried out", item.status.description()),
            format!("To approve or deny: {}", notified.page(api)),
        ),
        ApprovalNotificationKind::Reminder => (
            format!("{title}: nobody has approved or denied it, {} left", notified.time_left()),
            format!("AGE did: {action}: {}; without an approval it is not carried out", item.status.description()),
            format!("To approve or deny: {}", notified.page(api)),
        ),
        ApprovalNotificationKind::Expiry => (
            format!("{title}: nobody approved or denied it in time"),
            format!("AGE did: {action}: {}; it was not carried out", item.status.description()),
            "If it is still needed, carry it out yourself; a new event requests it again.".to_owned(),
        ),
    };
    let mut text = format!("{}: {why}\n{did}\n{todo}\n\n", item.severity);
    write_facts(&mut text, policy, notified, api);
    text
}

/// Returns the part about one approval of a message about several things.
pub(crate) fn approval_entry(policy: &Policy, notified: &NotifiedApproval<'_>, api: &str) -> String {
    let mut text = format!("{}, {}: {}\n", notified.item.severity, word(notified.kind), title(policy, notified));
    write_facts(&mut text, policy, notified, api);
    text
}

/// Writes what exactly would be done, until when it can be approved, and how.
fn write_facts(text: &mut String, policy: &Policy, notified: &NotifiedApproval<'_>, api: &str) {
    let ActionItem { event_id, action, engine, event_type, severity, digest, created_at, approve_by, .. } =
        notified.item;
    line(text, "Would do", &format!("{action}: {}", action.description()));
    line(text, "Engine", &format!("{} ({engine})", policy.title(engine)));
    line(text, "Severity", severity.as_str());
    line(text, "Event ID", &event_id.to_string());
    line(text, "Event", &format!("{api}/dashboard/events/{event_id}"));
    line(text, "Requested", &created_at.in_words());
    line(text, "Digest", digest);
    if let Some(deadline) = approve_by {
        write_deadline(text, *deadline, notified.kind, notified.now);
    }
    line(text, "Approval", &notified.page(api));
    if notified.kind != ApprovalNotificationKind::Expiry {
        line(text, "Command", &format!("agectl action show {event_id} {action}"));
        write_resource(text, &notified.resource(api), digest);
    }
    text.push_str(&quoted_event(event_type, None, None));
}
