//! The entries of a timeline, of an incident or of an action.

use age_model::{
    ActionItem, ActionStatus, ActionTransition, Attribution, Event, IncidentChangeKind, KeyId, Notification,
    TimelineEntry, TimelineItem, Timestamp, describe_delivery,
};

use crate::action_labels::{explain_status, status_word};
use crate::format::format_count;
use crate::paths::{action_path, event_path};
use crate::safe_text::SafeText;

/// How many characters of an event's details its entry shows. A timeline may have 200 events, and Lambda responds with at most
/// 6 MB; the event's own page shows all of them.
const MAX_DETAILS_CHARS: usize = 1000;

/// One entry of a timeline.
pub(crate) struct TimelineEntryView {
    pub(crate) at: Timestamp,
    pub(crate) symbol: &'static str,
    pub(crate) text: String,
    /// The note of a person, or the detail of a worker.
    pub(crate) quote: Option<SafeText>,
    /// The details of an event, unless they are empty.
    pub(crate) details: Option<SafeText>,
    /// The page to which the entry links.
    pub(crate) path: Option<String>,
}

impl TimelineEntryView {
    pub(crate) fn new(TimelineEntry { at, item }: TimelineEntry, engine: &str) -> Self {
        let view = |symbol, text| Self { at, symbol, text, quote: None, details: None, path: None };
        let change = |symbol, kind: IncidentChangeKind, by: &Attribution| {
            let quote = by.note.as_deref().map(SafeText::new);
            Self { quote, ..view(symbol, format!("{}{}", kind.description(), by_whom(by.by.as_ref()))) }
        };
        match item {
            TimelineItem::Event { event } => {
                let path = Some(event_path(event.id));
                Self { details: shorten_details(&event), path, ..view("●", describe_event(&event, engine)) }
            }
            TimelineItem::ReportedResolved { event } => {
                let path = Some(event_path(event.id));
                Self { details: shorten_details(&event), path, ..view("○", describe_end(&event, engine)) }
            }
            TimelineItem::Action { action } => {
                let path = Some(action_path(action.event_id, action.action));
                Self { path, ..view("→", describe_plan(&action)) }
            }
            TimelineItem::Approval { by, of } => view("✓", describe_approval(&by, of)),
            TimelineItem::Outcome { of, by, detail } => {
                let quote = detail.as_deref().map(SafeText::new);
                Self { quote, ..view("←", describe_outcome(of, by.as_ref())) }
            }
            TimelineItem::Opened { cause, .. } => view("▲", format!("Incident opened: {}", cause.description())),
            TimelineItem::Notification { notification } => view("@", describe_notification(&notification)),
            TimelineItem::Delivery { channel, result, detail, .. } => {
                view("→", describe_delivery(channel.as_str(), result, &detail))
            }
            TimelineItem::Acknowledged(by) => change("✓", IncidentChangeKind::Acknowledged, &by),
            TimelineItem::TakenOver(by) => change("✓", IncidentChangeKind::TakenOver, &by),
            TimelineItem::Commented(by) => change("✎", IncidentChangeKind::Commented, &by),
            TimelineItem::Resolved(by) => change("■", IncidentChangeKind::Resolved, &by),
            TimelineItem::Reopened(by) => change("▲", IncidentChangeKind::Reopened, &by),
            TimelineItem::Changed { change: kind, attribution } => change("?", kind, &attribution),
        }
    }

    /// Returns the timeline of an action. Its entries have no link to the action, because the page around them has it.
    pub(crate) fn of_action(item: &ActionItem, engine: &str) -> Vec<Self> {
        let entries = age_model::action_timeline(item).into_iter();
        entries.map(|entry| Self { path: None, ..Self::new(entry, engine) }).collect()
    }
}

fn shorten_details(event: &Event) -> Option<SafeText> {
    let details = event.reported.details.as_str();
    let mut shown: String = details.chars().take(MAX_DETAILS_CHARS).collect();
    if shown.len() < details.len() {
        shown.push('…');
    }
    (details != "{}").then(|| SafeText::new(&shown))
}

fn describe_event(event: &Event, engine: &str) -> String {
    let by = event.reported_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    format!("{engine} reported {}, {}{by}", event.reported.event_type.as_str(), event.reported.severity)
}

fn describe_end(event: &Event, engine: &str) -> String {
    let by = event.reported_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    format!("{engine} reported {} as resolved{by}", event.reported.event_type.as_str())
}

fn describe_plan(item: &ActionItem) -> String {
    let action = item.action;
    match item.status {
        ActionStatus::Suppressed if !action.is_remediation() => {
            format!("{action} suppressed: people are notified of the incident already")
        }
        ActionStatus::Suppressed if item.suppressed_by.is_some() => {
            format!("{action} suppressed: the same action is running")
        }
        ActionStatus::Suppressed => format!("{action} suppressed: it was ineffective too often"),
        _ if !action.is_remediation() => format!("AGE planned {action}, which notifies people"),
        ActionStatus::PendingApproval => format!("AGE planned {action}: pending approval by a responder"),
        ActionStatus::Pending if item.decided_by.is_none() => {
            format!("AGE planned {action}: {}", explain_status(item.status))
        }
        ActionStatus::Dispatched => format!("AGE planned and dispatched {action}: {}", explain_status(item.status)),
        _ => format!("AGE planned {action}"),
    }
}

fn describe_approval(by: &KeyId, of: ActionTransition) -> String {
    let verb = if of.status == ActionStatus::Denied { "denied" } else { "approved" };
    format!("{} {verb} by {by}", of.action)
}

fn describe_outcome(ActionTransition { action, status, .. }: ActionTransition, by: Option<&KeyId>) -> String {
    let by = by.map(|by| format!(", reported by {by}")).unwrap_or_default();
    let word = status_word(status);
    match status {
        ActionStatus::Succeeded if !action.is_remediation() => {
            format!("{action} {word}: a person has acknowledged or resolved the incident{by}")
        }
        // The worker's own detail explains these.
        ActionStatus::Succeeded | ActionStatus::Failed => format!("{action} {word}{by}"),
        _ => format!("{action} {word}: {}{by}", explain_status(status)),
    }
}

fn by_whom(by: Option<&KeyId>) -> String {
    by.map_or_else(|| " automatically".to_owned(), |by| format!(" by {by}"))
}

fn describe_notification(notification: &Notification) -> String {
    let kind = notification.kind.description();
    let new_events = format_count(notification.new_event_count, "new event");
    let others = match notification.incident_count.saturating_sub(1) {
        0 => String::new(),
        number => format!("; the same e-mail is about {}", format_count(number, "other incident")),
    };
    format!("E-mail {}: {kind}; {new_events}{others}", notification.number)
}

#[cfg(test)]
mod tests {
    use age_model::NotificationKind;

    use super::*;

    fn notification(kind: NotificationKind, incident_count: u64) -> Notification {
        let at = "2026-11-23T00:05:00Z".parse().unwrap();
        Notification { number: 2, kind, at, new_event_count: 1, event_count: 4, incident_count }
    }

    #[test]
    fn notification_has_its_kind_and_its_counts() {
        let digest = describe_notification(&notification(NotificationKind::Digest, 1));
        assert_eq!(digest, "E-mail 2: digest; 1 new event");
        let shared = describe_notification(&notification(NotificationKind::Initial, 3));
        assert_eq!(shared, "E-mail 2: initial notification; 1 new event; the same e-mail is about 2 other incidents");
    }
}
