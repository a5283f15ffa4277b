//! What a notification says about an incident.

use std::fmt::Write;

use age_model::{
    Action, ActionItem, Event, FailedRemediation, Incident, IncidentCause, IncidentCounters, IncidentId,
    NotificationKind,
};
use age_policy::Policy;

use crate::text::{display_name, line, quoted_event, quoted_worker};

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
    /// What the worker said about the latest remediation that failed.
    pub worker_detail: Option<&'a str>,
}

impl NotifiedIncident<'_> {
    /// Returns the address of the incident's page.
    pub(crate) fn page(&self, api: &str) -> String {
        format!("{api}/dashboard/incidents/{}", self.id)
    }
}

/// The event that the only incident of a message began with, and its actions.
pub(crate) type Cause<'a> = Option<(&'a Event, &'a [ActionItem])>;

/// Returns the engine and the problem, in a few words. The event type ends it: what comes after it would not be known as AGE's.
fn title(policy: &Policy, notified: &NotifiedIncident<'_>) -> String {
    let key = &notified.id.key;
    let engine = policy.title(&key.engine);
    match notified.incident.cause {
        IncidentCause::EngineSilent => format!("{engine} is silent"),
        IncidentCause::ManyEventTypes => format!("{engine}: many event types"),
        IncidentCause::PermitWithoutEvent => format!("{engine}: permits without an event"),
        IncidentCause::OperationWithoutPermit => format!("{engine}: operations without a permit"),
        _ => format!("{engine}: {}", display_name(key.event_type.as_str())),
    }
}

/// Returns the subject of a message about one incident.
pub(crate) fn incident_subject(policy: &Policy, notified: &NotifiedIncident<'_>) -> String {
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

/// Returns the word for a kind of notification, for a subject or an entry.
pub(crate) const fn word(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Initial => "new",
        NotificationKind::Digest => "continuing",
        NotificationKind::Reminder => "not acknowledged",
        NotificationKind::Escalation => "escalated",
        NotificationKind::Resolution => "resolved",
        NotificationKind::Unknown(kind) => kind.as_str(),
    }
}

/// Returns the text of a message about one incident.
// INVARIANT: no text of others comes before AGE's own link.
pub(crate) fn incident_text(policy: &Policy, notified: &NotifiedIncident<'_>, cause: Cause<'_>, api: &str) -> String {
    let NotifiedIncident { id, incident, .. } = notified;
    let mut text = format!("{}: {}\n", incident.severity, reason(policy, notified));
    let _ = writeln!(text, "{}", taken_actions(incident, cause));
    let _ = writeln!(text, "{}", call_to_action(notified));
    let _ = writeln!(text, "Incident: {}\n", notified.page(api));
    line(&mut text, "Engine", &format!("{} ({})", policy.title(&id.key.engine), id.key.engine));
    line(&mut text, "Opened", &incident.opened_at.in_words());
    line(&mut text, counted_noun(incident.cause), &event_counts(notified));
    if incident.cause == IncidentCause::PermitWithoutEvent {
        let engine = id.key.engine;
        line(&mut text, "To list", &format!("agectl decision list --engine {engine} --event missing"));
    }
    write_reported_resolution(&mut text, incident);
    if let Some((event, _)) = cause {
        line(&mut text, "Event", &format!("{api}/dashboard/events/{}", event.id));
        if let Some(decision) = event.reported.decision_id {
            line(&mut text, "Decision", &format!("{api}/dashboard/decisions/{decision}"));
        }
    }
    write_failed_remediations(&mut text, notified);
    // What an incident of AGE's own event type began with has another type.
    let is_of_age = matches!(
        incident.cause,
        IncidentCause::EngineSilent
            | IncidentCause::ManyEventTypes
            | IncidentCause::PermitWithoutEvent
            | IncidentCause::OperationWithoutPermit
    );
    let reported = cause.map(|(event, _)| &event.reported);
    let event_type = reported.map(|it| &it.event_type).or_else(|| (!is_of_age).then_some(&id.key.event_type));
    if let Some(event_type) = event_type {
        let (details, source_time) = (reported.map(|it| &it.details), reported.and_then(|it| it.source_time));
        text.push_str(&quoted_event(event_type, details, source_time));
    }
    write_lookalikes(&mut text, incident);
    text
}

/// Returns the part about one incident of a message about several.
pub(crate) fn incident_entry(policy: &Policy, notified: &NotifiedIncident<'_>, api: &str) -> String {
    let NotifiedIncident { incident, kind, .. } = notified;
    let mut text = format!("{}, {}: {}\n", incident.severity, word(*kind), title(policy, notified));
    line(&mut text, "Opened", &incident.opened_at.in_words());
    line(&mut text, counted_noun(incident.cause), &event_counts(notified));
    write_reported_resolution(&mut text, incident);
    line(&mut text, "ID", &notified.id.to_string());
    line(&mut text, "Incident", &notified.page(api));
    write_failed_remediations(&mut text, notified);
    write_lookalikes(&mut text, incident);
    text
}

/// Warns of event types that look like that of the incident.
fn write_lookalikes(text: &mut String, incident: &Incident) {
    for other in &incident.looks_like {
        line(text, "Looks like", &format!("another event type, in other characters: {}", display_name(other.as_str())));
    }
}

fn write_reported_resolution(text: &mut String, incident: &Incident) {
    if let Some(at) = incident.reported_resolved_at {
        line(text, "Resolved", &format!("reported at {}", at.in_words()));
    }
}

/// Returns why the message is sent, in AGE's own words.
fn reason(policy: &Policy, notified: &NotifiedIncident<'_>) -> String {
    let NotifiedIncident { id, incident, counters, kind, .. } = notified;
    let engine = policy.title(&id.key.engine);
    let open_for = || {
        let leased_at = incident.lease_expires_at.map(|until| until.plus_seconds(-policy.incidents.lease_seconds));
        leased_at.map_or(String::new(), |at| {
            format!(" for {}", age_model::format_duration(at.seconds().saturating_sub(incident.opened_at.seconds())))
        })
    };
    match kind {
        NotificationKind::Initial => match incident.cause {
            IncidentCause::CriticalEvent => format!("{engine} reported a critical event"),
            IncidentCause::FailedRemediation => format!("{engine}: {}", last_failed_remediation(incident)),
            IncidentCause::GivenUp => {
                format!("{engine}: AGE stopped remediating, its remediations have been ineffective")
            }
            IncidentCause::EngineSilent => {
                let interval = policy.engines.get(&id.key.engine).map_or(0, |rules| rules.expected_interval_seconds);
                format!("{engine} has reported no event for {}", age_model::format_duration(interval))
            }
            IncidentCause::ManyEventTypes => {
                let open = policy.incidents.max_open_per_engine;
                format!("{engine} has {open} open incidents; this one gathers all further event types")
            }
            IncidentCause::PermitWithoutEvent => {
                format!("{engine} was permitted an operation, and no event has reported it in time")
            }
            IncidentCause::OperationWithoutPermit => {
                format!("{engine} reported an operation that no decision has permitted")
            }
            IncidentCause::Unknown(cause) => format!("{engine}: {}", cause.as_str()),
        },
        NotificationKind::Digest if counters.events > incident.notified.events => match incident.cause {
            IncidentCause::PermitWithoutEvent => format!("{engine}: more permits have no event"),
            IncidentCause::OperationWithoutPermit => format!("{engine}: more operations had no permit"),
            _ => format!("{engine}: more events were reported"),
        },
        NotificationKind::Digest if incident.failed_remediations > incident.notified.failed_remediations => {
            format!("{engine}: {}", last_failed_remediation(incident))
        }
        NotificationKind::Digest => match incident.reported_resolved_at {
            Some(at) => format!("{engine}: reported as resolved at {}", at.in_words()),
            None => format!("{engine}: the incident has changed"),
        },
        NotificationKind::Reminder => format!("{engine}: nobody has acknowledged the incident{}", open_for()),
        NotificationKind::Escalation => {
            format!("{engine}: nobody has acknowledged the incident{}, so it is escalated to you", open_for())
        }
        NotificationKind::Resolution if incident.cause == IncidentCause::EngineSilent => {
            // AGE notes why it resolves the incident of an engine that does not report.
            let becomes = match incident.resolved.as_ref().and_then(|change| change.note.as_ref()) {
                Some(_) => "is not expected to report events any more",
                None => "reports events again",
            };
            format!("{engine} {becomes}; the incident is resolved")
        }
        NotificationKind::Resolution if let Some(at) = incident.reported_resolved_at => {
            format!("{engine}: reported as resolved at {}; the incident is resolved", at.in_words())
        }
        NotificationKind::Resolution => {
            let quiet = age_model::format_duration(policy.incidents.resolve_after_seconds);
            let nothing = match incident.cause {
                IncidentCause::PermitWithoutEvent => "no further permit without an event",
                IncidentCause::OperationWithoutPermit => "no further operation without a permit",
                _ => "no event",
            };
            format!("{engine}: {nothing} for {quiet}; the incident is resolved")
        }
        NotificationKind::Unknown(kind) => format!("{engine}: {}", kind.as_str()),
    }
}

/// Returns what AGE did and what came of it.
fn taken_actions(incident: &Incident, cause: Cause<'_>) -> String {
    let Some((_, actions)) = cause else {
        return match incident.cause {
            IncidentCause::EngineSilent => "AGE has no remediation for a silent engine; it notified you.".to_owned(),
            IncidentCause::PermitWithoutEvent => "AGE notified you; it has no remediation for permits.".to_owned(),
            _ if incident.failed_remediations > 0 => format!("AGE did: {}", last_failed_remediation(incident)),
            _ => "AGE notified you; it has no record of a remediation.".to_owned(),
        };
    };
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
        format!("To acknowledge: {}", acknowledge_command(&notified.id.to_string()))
    }
}

/// Returns the command that acknowledges an incident, to be pasted. An id has no character that is special in a shell, see
/// [`IncidentId`].
pub(crate) fn acknowledge_command(id: &str) -> String {
    format!("agectl incident ack {id}")
}

/// Returns the name of what an incident counts.
const fn counted_noun(cause: IncidentCause) -> &'static str {
    match cause {
        IncidentCause::PermitWithoutEvent => "Permits",
        IncidentCause::OperationWithoutPermit => "Operations",
        _ => "Events",
    }
}

/// Returns the number of events, or of what else the incident counts: new since the last notification to the first line, and in total. The new ones of all
/// notifications of an incident add up to the total.
fn event_counts(notified: &NotifiedIncident<'_>) -> String {
    let (total, before) = (notified.counters.events, notified.incident.notified.events);
    match notified.kind {
        NotificationKind::Escalation | NotificationKind::Resolution => format!("{total} in total"),
        _ => format!("{} new, {total} in total", total.saturating_sub(before)),
    }
}

/// Writes how many remediations failed, and what the worker of the last one said.
fn write_failed_remediations(text: &mut String, notified: &NotifiedIncident<'_>) {
    let incident = notified.incident;
    if incident.failed_remediations == 0 {
        return;
    }
    let at = incident.last_failed_remediation.map_or(String::new(), |failed| format!(" ({})", failed.at.in_words()));
    let number = incident.failed_remediations;
    let noun = if number == 1 { "remediation" } else { "remediations" };
    line(text, "Failed", &format!("{number} {noun}; the last: {}{at}", last_failed_remediation(incident)));
    if let Some(words) = notified.worker_detail {
        text.push_str(&quoted_worker(words));
    }
}

fn last_failed_remediation(incident: &Incident) -> String {
    let text = |failed: FailedRemediation| format!("{} {}", failed.action, failed.status.description());
    incident.last_failed_remediation.map_or_else(|| "none".to_owned(), text)
}
