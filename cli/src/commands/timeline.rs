//! The timeline of an incident as people read it.

use age_model::{
    ActionStatus, DeliveryResult, EventId, IncidentCause, IncidentChangeKind, NotificationKind, Timestamp,
    describe_delivery, shortened, visible_line,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api_response::parse_json;
use crate::error::Error;
use crate::format::{format_count, format_name, format_timestamp};
use crate::text_layout::{format_quote, wrap};

/// The columns in front of a text: an indent, and a time with the space after it.
const INDENT: usize = 24;
/// How many characters of an event's details an entry shows. `agectl event show` prints all of them.
const MAX_DETAILS_CHARS: usize = 300;

/// An entry of a timeline, as text.
pub(crate) struct TimelineEntry {
    at: Timestamp,
    text: String,
    /// The words of an engine, a worker or a person.
    quote: Option<String>,
    /// The command that shows more. It is not wrapped, so that it can be pasted.
    command: Option<String>,
    action: Option<PlannedAction>,
}

/// An action of an event.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedAction {
    event_id: EventId,
    pub(crate) action: String,
    pub(crate) status: ActionStatus,
}

/// The fields of an entry that do not depend on its type.
#[derive(Deserialize)]
struct EntryHead {
    at: Timestamp,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct EventEntry {
    event: ReportedEvent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportedEvent {
    id: EventId,
    event_type: String,
    severity: String,
    reported_by: Option<String>,
    details: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ActionEntry {
    action: PlannedAction,
}

/// The approval or the outcome of an action.
#[derive(Deserialize)]
struct TransitionEntry {
    action: String,
    status: ActionStatus,
    by: Option<String>,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct OpenedEntry {
    cause: IncidentCause,
}

#[derive(Deserialize)]
struct DeliveryEntry {
    channel: String,
    result: DeliveryResult,
    detail: String,
}

#[derive(Deserialize)]
struct NotificationEntry {
    notification: Notification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    number: u64,
    kind: NotificationKind,
    new_event_count: u64,
    incident_count: u64,
}

/// A change of the incident by a person or by AGE.
#[derive(Deserialize)]
struct ChangeEntry {
    /// The word of a later version for the change.
    change: Option<IncidentChangeKind>,
    by: Option<String>,
    note: Option<String>,
}

/// Parses a timeline of `engine`. Entries that make no sense do not hide the others; the first of them is the error.
pub(crate) fn parse_timeline(timeline: &[Box<RawValue>], engine: &str) -> (Vec<TimelineEntry>, Option<Error>) {
    let entries = timeline.iter().map(|entry| TimelineEntry::parse(entry.get(), engine));
    let (entries, errors): (Vec<_>, Vec<_>) = entries.partition(Result::is_ok);
    (entries.into_iter().flatten().collect(), errors.into_iter().find_map(Result::err))
}

impl TimelineEntry {
    fn parse(json: &str, engine: &str) -> Result<Self, Error> {
        let EntryHead { at, kind } = parse_json(json)?;
        let entry = |text: String| Self { at, text, quote: None, command: None, action: None };
        Ok(match kind.as_str() {
            "event" | "reported_resolved" => {
                let EventEntry { event } = parse_json(json)?;
                let is_end = kind == "reported_resolved";
                Self {
                    quote: event.details(),
                    command: Some(event.show_command()),
                    ..entry(event.describe(engine, is_end))
                }
            }
            "action" => {
                let ActionEntry { action } = parse_json(json)?;
                let text = format!("AGE planned {}{}", action.action, action.unfinished());
                Self { action: Some(action), ..entry(text) }
            }
            "approval" => {
                let TransitionEntry { action, status, by, .. } = parse_json(json)?;
                let verb = if status == ActionStatus::Denied { "denied" } else { "approved" };
                entry(format!("{action} {verb}{}", by_whom(by.as_ref())))
            }
            "outcome" => {
                let TransitionEntry { action, status, by, detail } = parse_json(json)?;
                let by = by.map(|by| format!(", reported by {by}")).unwrap_or_default();
                Self { quote: detail, ..entry(format!("{action}: {}{by}", status.description())) }
            }
            "opened" => {
                let OpenedEntry { cause } = parse_json(json)?;
                entry(format!("Incident opened: {}", cause.description()))
            }
            "notification" => {
                let NotificationEntry { notification } = parse_json(json)?;
                entry(notification.describe())
            }
            "delivery" => {
                let DeliveryEntry { channel, result, detail } = parse_json(json)?;
                entry(describe_delivery(&channel, result, &detail))
            }
            kind => {
                let ChangeEntry { change, by, note } = parse_json(json)?;
                // A later version's entry has a word of its own, whatever it is about.
                let change = change.unwrap_or_else(|| IncidentChangeKind::stored(kind));
                let text = format!("{}{}", format_name(change.description()), by_whom(by.as_ref()));
                Self { quote: note, ..entry(text) }
            }
        })
    }

    pub(crate) const fn action(&self) -> Option<&PlannedAction> {
        self.action.as_ref()
    }

    /// Returns the lines of the entry: its time and text, and indented what belongs to it.
    pub(crate) fn format(&self) -> String {
        let text = wrap(&format!("  {}  ", format_timestamp(self.at)), self.text.split_whitespace());
        let quote = self.quote.as_ref().map(|quote| format_quote(INDENT, quote));
        let command = self.command.as_ref().map(|command| format!("{:INDENT$}{}", "", visible_line(command)));
        [Some(text), quote, command].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

impl PlannedAction {
    /// Returns the status, unless later entries tell it.
    fn unfinished(&self) -> String {
        let is_untold = self.status.is_running() || !self.status.is_known() || self.status == ActionStatus::Suppressed;
        if is_untold { format!(": {}", self.status.description()) } else { String::new() }
    }

    /// Returns the command that shows the action, and how it is approved or denied.
    pub(crate) fn show_command(&self) -> String {
        format!("agectl action show {} {}", self.event_id, self.action)
    }
}

impl ReportedEvent {
    fn describe(&self, engine: &str, is_end: bool) -> String {
        let Self { event_type, severity, reported_by, .. } = self;
        let by = reported_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        if is_end {
            format!("{engine} reported {event_type} as resolved{by}")
        } else {
            format!("{engine} reported {event_type}, {severity}{by}")
        }
    }

    /// Returns the beginning of the details, unless they are empty.
    fn details(&self) -> Option<String> {
        let details = self.details.as_ref()?.get();
        (details != "{}").then(|| shortened(details, MAX_DETAILS_CHARS))
    }

    fn show_command(&self) -> String {
        format!("agectl event show {}", self.id)
    }
}

impl Notification {
    fn describe(&self) -> String {
        let kind = self.kind.description();
        let new_events = format_count(self.new_event_count, "new event");
        let others = match self.incident_count.saturating_sub(1) {
            0 => String::new(),
            others => format!("; the same e-mail is about {}", format_count(others, "other incident")),
        };
        format!("E-mail {}: {kind}; {new_events}{others}", self.number)
    }
}

fn by_whom(by: Option<&String>) -> String {
    by.map_or_else(|| " automatically".to_owned(), |by| format!(" by {by}"))
}
