//! The notice of an incident.

use age_model::{
    Action, ActionStatus, ChannelMessage, Engine, IncidentCause, IncidentStatus, NotificationKind, Severity, Timestamp,
};

use crate::channels::foreign_text::foreign_line;
use crate::channels::json_fields::Fields;
use crate::channels::notice::{ChannelNotice, IncidentRef, name};

/// The most characters of an event type: all that an event type may have.
const MAX_EVENT_TYPE_CHARS: usize = 128;

/// Whose words an engine's event is.
pub(crate) const ENGINE_SOURCE: &str = "The engine reported, in its own words";

/// Whose words the detail of an outcome is.
const WORKER_SOURCE: &str = "Its worker reported, in its own words";

/// Returns the notice of an incident of a message of type `notification`.
pub(crate) fn incident_notice(incident: Fields<'_>) -> ChannelNotice {
    let severity: Option<Severity> = incident.value("severity");
    let cause: Option<IncidentCause> = incident.value("cause");
    let status = incident.value("status").unwrap_or(IncidentStatus::Open);
    let event_type = incident.text("eventType").unwrap_or_default();
    let engine: Option<Engine> = incident.value("engine");

    let mut notice = ChannelNotice::new(ChannelMessage::Incident, &title(severity, engine, cause, event_type));
    notice.severity = severity;
    notice.engines = engine.into_iter().collect();
    notice.occurred_at = incident.value("openedAt");
    if let Some(id) = incident.text("id") {
        notice.set_incident(IncidentRef {
            id: id.to_owned(),
            status,
            event_type: foreign_line(event_type, MAX_EVENT_TYPE_CHARS),
            opened_at: notice.occurred_at,
        });
    }
    notice.set_state(&state(incident));
    notice.new_events = new_events(incident).unwrap_or(0);
    add_facts(&mut notice, incident, cause, status);
    add_taken_actions(&mut notice, incident);
    add_quotes(&mut notice, incident, cause);
    notice.add_link("Open incident", incident.object("links").and_then(|links| links.text("dashboard")));
    notice
}

/// Returns severity, engine and problem. The event type ends it: what comes after it would not be known as AGE's.
fn title(severity: Option<Severity>, engine: Option<Engine>, cause: Option<IncidentCause>, event_type: &str) -> String {
    let engine = engine.map_or_else(|| "an engine".to_owned(), |engine| engine.to_string());
    let problem = match cause {
        Some(IncidentCause::EngineSilent) => format!("{engine} is silent"),
        Some(IncidentCause::ManyEventTypes) => format!("{engine}: many event types"),
        Some(IncidentCause::PermitWithoutEvent) => format!("{engine}: permits without an event"),
        Some(IncidentCause::OperationWithoutPermit) => format!("{engine}: operations without a permit"),
        _ => format!("{engine}: {}", name(event_type)),
    };
    severity.map_or(problem.clone(), |severity| format!("{severity} {problem}"))
}

/// Returns what is new.
fn state(incident: Fields<'_>) -> String {
    let (new, total) = (incident.number("newEventCount").unwrap_or(0), incident.number("eventCount").unwrap_or(0));
    match incident.value("kind") {
        Some(NotificationKind::Initial) => "opened".to_owned(),
        Some(NotificationKind::Reminder) => "not acknowledged yet".to_owned(),
        Some(NotificationKind::Escalation) => "escalated, not acknowledged yet".to_owned(),
        Some(NotificationKind::Resolution) => "resolved".to_owned(),
        Some(NotificationKind::Unknown(kind)) => kind.as_str().to_owned(),
        Some(NotificationKind::Digest) | None if new > 0 => {
            let events = if new == 1 { "event" } else { "events" };
            format!("{new} new {events}, {total} in total")
        }
        _ if incident.value::<Timestamp>("reportedResolvedAt").is_some() => "reported as resolved".to_owned(),
        _ => last_failed_remediation(incident)
            .map_or_else(|| "changed".to_owned(), |failed| format!("remediation failed: {failed}")),
    }
}

fn add_facts(notice: &mut ChannelNotice, incident: Fields<'_>, cause: Option<IncidentCause>, status: IncidentStatus) {
    let in_words = |name: &str| incident.value::<Timestamp>(name).map(Timestamp::in_words);
    notice.add_fact("Engine", notice.engines.first().map(Engine::to_string));
    notice.add_fact("Severity", notice.severity.map(|severity| severity.to_string()));
    notice.add_fact("Status", Some(status.to_string()));
    notice.add_fact("Cause", cause.map(|cause| cause.description().to_owned()));
    notice.add_fact("Opened", in_words("openedAt"));
    let counted = match cause {
        Some(IncidentCause::PermitWithoutEvent) => "Permits",
        Some(IncidentCause::OperationWithoutPermit) => "Operations",
        _ => "Events",
    };
    notice.add_fact(counted, event_counts(incident));
    let failed = incident.number("failedRemediationCount").filter(|number| *number > 0);
    notice.add_fact("Failed remediations", failed.map(|number| number.to_string()));
    notice.add_fact("Reported as resolved", in_words("reportedResolvedAt"));
}

fn event_counts(incident: Fields<'_>) -> Option<String> {
    let total = incident.number("eventCount")?;
    Some(new_events(incident).map_or_else(|| format!("{total} in total"), |new| format!("{new} new, {total} in total")))
}

/// The new events of escalations and resolutions are those that no notification to the first line was about: another number than
/// their readers would take it for.
fn new_events(incident: Fields<'_>) -> Option<u64> {
    match incident.value("kind") {
        Some(NotificationKind::Escalation | NotificationKind::Resolution) => None,
        _ => incident.number("newEventCount"),
    }
}

fn add_taken_actions(notice: &mut ChannelNotice, incident: Fields<'_>) {
    for taken in incident.list("actions") {
        let (action, status): (Option<Action>, Option<ActionStatus>) = (taken.value("action"), taken.value("status"));
        if let (Some(action), Some(status)) = (action, status)
            && action != Action::NotifyAdmin
        {
            notice.add_taken_action(&format!("{action}: {}", status.description()));
        }
    }
    if notice.taken_actions.is_empty() {
        if let Some(failed) = last_failed_remediation(incident) {
            notice.add_taken_action(&failed);
        } else if incident.object("event").is_some() {
            notice.add_taken_action("no remediation for this event type");
        }
    }
}

fn last_failed_remediation(incident: Fields<'_>) -> Option<String> {
    let failed = incident.object("lastFailedRemediation")?;
    let (action, status): (Action, ActionStatus) = (failed.value("action")?, failed.value("status")?);
    let at = failed.value("at").map_or(String::new(), |at: Timestamp| format!(" ({})", at.in_words()));
    Some(format!("{action}: {}{at}", status.description()))
}

fn add_quotes(notice: &mut ChannelNotice, incident: Fields<'_>, cause: Option<IncidentCause>) {
    let event = incident.object("event");
    // An incident of AGE's own event type began with an event of another type.
    let is_of_age = matches!(
        cause,
        Some(
            IncidentCause::EngineSilent
                | IncidentCause::ManyEventTypes
                | IncidentCause::PermitWithoutEvent
                | IncidentCause::OperationWithoutPermit
        )
    );
    let own_type = incident.text("eventType").filter(|_| !is_of_age);
    let mut lines = Vec::new();
    if let Some(event_type) = event.and_then(|event| event.text("eventType")).or(own_type) {
        lines.push(format!("Event type: {}", foreign_line(event_type, MAX_EVENT_TYPE_CHARS)));
    }
    if let Some(details) = event.and_then(|event| event.json("details")) {
        lines.push(format!("Details: {details}"));
    }
    if let Some(at) = event.and_then(|event| event.value::<Timestamp>("sourceTime")) {
        lines.push(format!("Time of the engine's clock: {}", at.in_words()));
    }
    notice.add_quote(ENGINE_SOURCE, &lines.join("\n"));
    let details = incident.list("actions").filter_map(|taken| taken.text("detail"));
    for detail in incident.text("workerDetail").into_iter().chain(details) {
        notice.add_quote(WORKER_SOURCE, detail);
    }
    for other in incident.texts("looksLike").take(2) {
        notice.add_quote("Looks like another event type, in other characters", &name(other));
    }
}
