//! The notices of approvals: of actions, and of operations that engines asked about.

use age_model::{Action, ApprovalNotificationKind, ChannelMessage, Engine, Severity, Timestamp};

use crate::approval_text::word;
use crate::channels::foreign_text::foreign_line;
use crate::channels::incident_notice::ENGINE_SOURCE;
use crate::channels::json_fields::Fields;
use crate::channels::notice::{ChannelNotice, name};
use crate::decision_text::NotifiedDecision;

/// The most characters of a part of an engine's request.
const MAX_PART_CHARS: usize = 200;

/// The most reasons of a decision. The page of the decision has all of them.
const MAX_REASONS: usize = 5;

/// Returns the notice of an approval of an action.
pub(crate) fn approval_notice(approval: Fields<'_>) -> ChannelNotice {
    let action: Option<Action> = approval.value("action");
    let engine: Option<Engine> = approval.value("engine");
    let severity: Option<Severity> = approval.value("severity");
    let action = action.map_or_else(|| "an action".to_owned(), |action| action.to_string());
    let mut notice = notice(approval, severity, engine, &format!("{action} for {}", engine_name(engine)));
    if let Some(event) = approval.text("eventId") {
        notice.set_subject_key(&format!("approval/{event}/{action}"));
    }
    notice.add_fact("Would do", approval.text("description").map(|does| format!("{action}: {does}")));
    notice.add_fact("Engine", engine.map(|engine| engine.to_string()));
    notice.add_fact("Severity", severity.map(|severity| severity.to_string()));
    add_times(&mut notice, approval);
    notice.add_fact("Event ID", approval.text("eventId").map(str::to_owned));
    notice.add_taken_action(match approval.value("kind") {
        Some(ApprovalNotificationKind::Expiry) => "it did not carry out the action",
        _ => "it carries out no action without its approval",
    });
    if let Some(event_type) = approval.text("eventType") {
        notice.add_quote(ENGINE_SOURCE, &part("Event type", event_type));
    }
    notice
}

/// Returns the notice of a decision whose operation needs an approval.
pub(crate) fn decision_notice(decision: Fields<'_>) -> ChannelNotice {
    let engine: Option<Engine> = decision.value("engine");
    let text = |name: &str| decision.text(name).unwrap_or_default();
    let severity = NotifiedDecision::SEVERITY;
    let mut notice =
        notice(decision, Some(severity), engine, &format!("{}: {}", engine_name(engine), name(text("action"))));
    if let Some(id) = decision.text("id") {
        notice.set_subject_key(&format!("decision/{id}"));
    }
    notice.add_fact("Engine", engine.map(|engine| engine.to_string()));
    add_times(&mut notice, decision);
    notice.add_fact("Decision", decision.text("id").map(str::to_owned));
    let is_open = decision.value("kind") != Some(ApprovalNotificationKind::Expiry);
    if is_open && decision.value("isPolicyActive") == Some(false) {
        let changed = "it may not run: another policy version is active, and the engine has to ask again";
        notice.add_fact("If approved", Some(changed.to_owned()));
    }
    notice.add_taken_action(if is_open {
        "it answered that the operation needs an approval; without one it may not run"
    } else {
        "it ended the approval; the operation may not run"
    });
    let request = [
        part("Action", text("action")),
        part("Resource", &format!("{} {}", text("resourceType"), text("resourceId"))),
        part("Subject", &format!("{} {}", text("subjectType"), text("subjectId"))),
    ];
    notice.add_quote("The engine asked, in its own words", &request.join("\n"));
    let reasons = decision.list("reasons").take(MAX_REASONS).filter_map(|reason| {
        let message = reason.text("message")?;
        Some(reason.text("rule").map_or_else(|| foreign_line(message, MAX_PART_CHARS), |rule| part(rule, message)))
    });
    let reasons: Vec<String> = reasons.collect();
    notice.add_quote("The guardrails say, in the words of the policy", &reasons.join("\n"));
    notice
}

/// Returns a notice with what both kinds of approvals have. `what` says what is to be approved.
fn notice(approval: Fields<'_>, severity: Option<Severity>, engine: Option<Engine>, what: &str) -> ChannelNotice {
    let severity_word = severity.map_or(String::new(), |severity| format!("{severity} "));
    let mut notice = ChannelNotice::new(ChannelMessage::Approval, &format!("{severity_word}approval of {what}"));
    notice.severity = severity;
    notice.engines = engine.into_iter().collect();
    notice.occurred_at = approval.value("requestedAt");
    notice.set_state(approval.value("kind").map_or("approval needed", word));
    notice.add_link("Open approval", approval.object("links").and_then(|links| links.text("dashboard")));
    notice
}

fn add_times(notice: &mut ChannelNotice, approval: Fields<'_>) {
    let in_words = |name: &str| approval.value::<Timestamp>(name).map(Timestamp::in_words);
    notice.add_fact("Requested", in_words("requestedAt"));
    notice.add_fact("Decide by", in_words("approveBy"));
}

fn engine_name(engine: Option<Engine>) -> String {
    engine.map_or_else(|| "an engine".to_owned(), |engine| engine.to_string())
}

/// Returns a part of a quotation on one line, so that none of its words can be taken for another part.
fn part(name: &str, words: &str) -> String {
    format!("{}: {}", foreign_line(name, MAX_PART_CHARS), foreign_line(words, MAX_PART_CHARS))
}
