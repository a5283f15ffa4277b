//! What happened, line by line: of an incident, or of an action.

use age_model::{
    ActionItem, ActionStatus, ActionTransition, Attribution, Event, KeyId, Notification, NotificationKind,
    TimelineEntry, TimelineItem, Timestamp,
};

use crate::text::{Shown, count, words};
use crate::{actions, events, incidents};

/// So many characters of an event's details are in its line; its own page has them all. A story may have 200 events, and
/// Lambda answers at most 6 MB.
const DETAILS_SHOWN: usize = 1000;

/// One line of a story.
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) sign: &'static str,
    pub(crate) what: String,
    /// What somebody said about it.
    pub(crate) said: Option<Shown>,
    /// What the event has in it, if it has anything.
    pub(crate) details: Option<Shown>,
    /// The page that has more about it.
    pub(crate) path: Option<String>,
}

impl Line {
    pub(crate) fn new(TimelineEntry { at, what }: TimelineEntry, engine: &str) -> Self {
        let line = |sign, what| Self { at, sign, what, said: None, details: None, path: None };
        match what {
            TimelineItem::Event { event } => {
                let path = Some(events::path(event.id));
                Self { details: details(&event), path, ..line("●", reported(&event, engine)) }
            }
            TimelineItem::Action { action } => {
                Self { path: Some(actions::path(action.event_id, action.action)), ..line("→", begun(&action)) }
            }
            TimelineItem::Approval { by, of } => line("✓", decided(&by, of)),
            TimelineItem::Outcome { of, by, detail } => {
                Self { said: said(detail), ..line("←", outcome(of, by.as_ref())) }
            }
            TimelineItem::Opened { cause } => {
                line("▲", format!("The incident was opened: {}", incidents::cause(cause)))
            }
            TimelineItem::Notification { notification } => line("@", notified(&notification)),
            TimelineItem::Acknowledged(statement) => Self::of_person("✓", "Acknowledged", statement, at),
            TimelineItem::Resolved(statement) => Self::of_person("■", "Resolved", statement, at),
        }
    }

    /// A line of the life of an action, beside which a link to it stands already.
    pub(crate) fn of_action(entry: TimelineEntry, engine: &str) -> Self {
        Self { path: None, ..Self::new(entry, engine) }
    }

    fn of_person(sign: &'static str, what: &str, Attribution { by, note }: Attribution, at: Timestamp) -> Self {
        let by = by.map_or_else(|| "by itself".to_owned(), |by| format!("by {by}"));
        Self { at, sign, what: format!("{what} {by}"), said: said(note), details: None, path: None }
    }
}

fn said(text: Option<String>) -> Option<Shown> {
    text.map(|text| Shown::new(&text))
}

fn details(event: &Event) -> Option<Shown> {
    let details = event.reported.details.as_str();
    let mut shown: String = details.chars().take(DETAILS_SHOWN).collect();
    if shown.len() < details.len() {
        shown.push('…');
    }
    (details != "{}").then(|| Shown::new(&shown))
}

fn reported(event: &Event, engine: &str) -> String {
    let by = event.reported_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    format!("{engine} reported {}, {}{by}", event.reported.event_type.as_str(), event.reported.severity)
}

fn begun(item: &ActionItem) -> String {
    let action = item.action;
    match item.status {
        ActionStatus::Suppressed if item.suppressed_by.is_some() => {
            format!("{action} not begun: it is under way already")
        }
        ActionStatus::Suppressed => format!("{action} not begun: it has been of no use too often"),
        _ if !item.action.is_remediation() => format!("AGE set out to tell people ({action})"),
        ActionStatus::PendingApproval => format!("AGE wants {action}, and waits for a person to approve it"),
        ActionStatus::Denied | ActionStatus::Expired => format!("AGE wanted {action}"),
        _ if item.decided_by.is_some() => format!("AGE wanted {action}"),
        ActionStatus::Pending => format!("AGE owes {action}: it is not handed over yet"),
        ActionStatus::Dispatched => format!("AGE began {action}; its worker has not answered yet"),
        _ => format!("AGE began {action}"),
    }
}

fn decided(by: &KeyId, of: ActionTransition) -> String {
    let verb = if of.status == ActionStatus::Denied { "denied" } else { "approved" };
    format!("{} {verb} by {by}", of.action)
}

fn outcome(ActionTransition { action, status, .. }: ActionTransition, by: Option<&KeyId>) -> String {
    let by = by.map(|by| format!(", says {by}")).unwrap_or_default();
    let what = match status {
        ActionStatus::Succeeded if !action.is_remediation() => "has reached a person",
        ActionStatus::Succeeded => "done",
        ActionStatus::Failed => "failed",
        ActionStatus::TimedOut => "was not answered in time",
        ActionStatus::Verified => "helped: the trouble has not come again",
        ActionStatus::Ineffective => "was of no use: the trouble came again",
        ActionStatus::Expired => "was not approved in time",
        ActionStatus::Undeliverable => "could not be handed over",
        other => return format!("{action} {}{by}", words(other.as_str())),
    };
    format!("{action} {what}{by}")
}

fn notified(notification: &Notification) -> String {
    let why = match notification.kind {
        NotificationKind::Initial => "it is new",
        NotificationKind::Digest => "more has come",
        NotificationKind::Reminder => "nobody has acknowledged it yet",
        NotificationKind::Escalation => "the second line is told, too",
        NotificationKind::Resolution => "it is over by itself",
    };
    let others = notification.incident_count.saturating_sub(1);
    let others =
        if others > 0 { format!("; it spoke of {}, too", count(others, "other incident")) } else { String::new() };
    format!("E-mail {}: {why}; {}{others}", notification.number, count(notification.new_event_count, "new event"))
}
